"""``clerk-middleware local``: a LocalClerk to develop an application of one's own with."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from clerk_middleware.errors import ConfigurationError

from .arguments import add_seed, expect_loopback, port, seed_of
from .extras import import_of_extra
from .failure import CommandFailed
from .origins import origins
from .packages import add_node_modules, node_modules_of
from .people import people
from .serving import listen

if TYPE_CHECKING:
    from clerk_middleware.local import LocalClerk, Seed, WebhookEndpoint

__all__ = ["add_command"]


def add_command(commands: Any) -> None:
    """Add ``local`` to the subcommands of a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "local",
        help="run LocalClerk, an embedded Clerk, for an application of your own to sign in with",
        description="Runs LocalClerk, an embedded Clerk that needs neither an account nor a network, and "
        "says with which environment variables an application signs in there.",
    )
    add_seed(parser)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address; default: %(default)s")
    parser.add_argument("--port", type=port, default=5400, help="default: %(default)s")
    parser.add_argument(
        "--secret-key",
        metavar="KEY",
        help="sk_test_ and letters and digits, the same at each start; default: that of the seed, else a "
        "random one",
    )
    parser.add_argument(
        "--machine",
        metavar="ID",
        help="the machine of the seed that the application is, such as mch_fleet_api, if it takes or makes "
        "M2M tokens",
    )
    parser.add_argument(
        "--oauth-token",
        metavar="USER",
        help="print an OAuth access token with which a program acts for that user of the seed, such as "
        "user_dev",
    )
    parser.add_argument(
        "--webhook",
        metavar="URL",
        help="where the application receives webhooks, such as http://localhost:8000/webhooks/clerk: they "
        "are sent there, signed, and the signing secret is among the variables",
    )
    parser.add_argument(
        "--webhook-secret",
        metavar="SECRET",
        help="the signing secret of --webhook, the same at each start, such as one that was printed before; "
        "default: that of the seed, else a random one",
    )
    parser.add_argument(
        "--proxy",
        metavar="PATH",
        nargs="?",
        const="/__clerk",
        help="the application proxies the Frontend API under this path; without one: %(const)s",
    )
    add_node_modules(
        parser,
        purpose="LocalClerk serves them under /npm, as Clerk's Frontend API does, to pages with Clerk's "
        "components",
    )
    parser.set_defaults(run=_run, extra="local")


def _run(arguments: argparse.Namespace) -> int:
    expect_loopback(arguments.host)
    seed = _with_key(seed_of(arguments), arguments.secret_key)
    clerk: LocalClerk = import_of_extra("clerk_middleware.local", "local").LocalClerk(
        seed, node_modules=node_modules_of(arguments)
    )
    if arguments.machine is not None and arguments.machine not in clerk.machines:
        known = ", ".join(clerk.machines) or "none"
        raise CommandFailed(f"--machine: the seed has no machine {arguments.machine!r}; there are: {known}")
    if arguments.oauth_token is not None and arguments.oauth_token not in clerk.users:
        known = ", ".join(clerk.users)
        raise CommandFailed(
            f"--oauth-token: the seed has no user {arguments.oauth_token!r}; there are: {known}"
        )
    webhooks = _webhooks(clerk, arguments.webhook, arguments.webhook_secret)
    _expect_path(clerk, arguments.proxy)
    # Says what is wrong with the port, if anything is.
    listen(arguments.host, arguments.port, option="--port").close()
    clerk.run(
        arguments.host,
        arguments.port,
        announce=lambda server: print(_banner(clerk, seed, server.url, arguments, webhooks), flush=True),
    )
    print("\nStopped.")
    return 0


def _with_key(seed: Seed, secret_key: str | None) -> Seed:
    if secret_key is None:
        return seed
    prefix = "sk_test_" if seed.instance_type == "development" else "sk_live_"
    rest = secret_key.removeprefix(prefix)
    if rest == secret_key or not (rest.isascii() and rest.isalnum()):
        raise CommandFailed(
            f"--secret-key must be {prefix} and letters and digits: it is LocalClerk's own, and never one of "
            "your Clerk instance"
        )
    return replace(seed, secret_key=secret_key)


def _webhooks(clerk: LocalClerk, url: str | None, secret: str | None) -> WebhookEndpoint | None:
    """The endpoint of the application: that of ``--webhook``, else the only one of the seed."""
    endpoints = list(clerk.webhook_endpoints.values())
    if url is None:
        if secret is not None:
            raise CommandFailed("--webhook-secret is that of --webhook URL, which is missing")
        return endpoints[0] if len(endpoints) == 1 else None
    known = next((endpoint for endpoint in endpoints if endpoint.url == url), None)
    if known is not None and secret is None:
        return known
    try:
        added = clerk.add_webhook_endpoint(url, None if known is None else known.events, secret)
    except ConfigurationError as error:
        if error.option == "signing_secret":
            raise CommandFailed(
                "--webhook-secret must be whsec_ and 24 to 64 bytes in base64: take one that LocalClerk "
                "printed, and never one of your Clerk instance"
            ) from error
        raise CommandFailed(f"--webhook: {error.problem}") from error
    if known is not None:
        clerk.remove_webhook_endpoint(known)
    return added


def _expect_path(clerk: LocalClerk, proxy: str | None) -> None:
    try:
        clerk.environment("", proxy=proxy)
    except ValueError as error:
        raise CommandFailed(f"--proxy: {error}") from error


def _programs(clerk: LocalClerk, seed: Seed) -> str:
    """What programs prove themselves with, as far as the seed has any."""
    text = ""
    if clerk.api_keys:
        text += "\n\nAPI keys, for programs to send as Authorization: Bearer KEY"
        for key in clerk.api_keys.values():
            scopes = f", {' '.join(key.scopes)}" if key.scopes else ""
            text += f"\n  {key.secret:<27} {key.name} (id {key.id}), of {key.subject}{scopes}"
    if clerk.machines:
        text += "\n\nMachines: --machine ID adds the variables of the one that your application is"
        for machine in clerk.machines.values():
            text += f"\n  {machine.id:<27} {machine.name}, may call {', '.join(machine.scopes) or 'none'}"
    if seed.oauth_applications:
        text += "\n\nOAuth applications, by client id: --oauth-token USER makes a token without one"
        for application in seed.oauth_applications:
            client_id = application.client_id or "(another at each start)"
            scopes = " ".join(application.scopes)
            text += f"\n  {client_id:<27} {application.name}, {scopes}"
    return text


def _endpoints(clerk: LocalClerk) -> str:
    """Where webhooks are sent, if anywhere."""
    if not clerk.webhook_endpoints:
        return ""
    text = "\n\nWebhooks are sent to"
    for endpoint in clerk.webhook_endpoints.values():
        text += f"\n  {endpoint.url}, {' '.join(endpoint.events)}, signed with {endpoint.signing_secret}"
    return text


def _seeded_secrets(seed: Seed) -> list[str | None]:
    return [webhook.signing_secret for webhook in seed.webhooks]


def _oauth_token(clerk: LocalClerk, seed: Seed, user_id: str) -> str:
    """A token for ``curl``, with every scope that does not show what is private."""
    scopes = ("profile", "email", *seed.oauth.scopes)
    token = clerk.create_oauth_access_token(user_id, scopes=scopes).token
    return f"\n\nOAuth access token of {user_id} for {' '.join(scopes)}\n  {token}"


def _banner(
    clerk: LocalClerk,
    seed: Seed,
    url: str,
    arguments: argparse.Namespace,
    webhooks: WebhookEndpoint | None,
) -> str:
    machine: str | None = arguments.machine
    oauth_user: str | None = arguments.oauth_token
    variables = clerk.environment(url, machine=machine, proxy=arguments.proxy, webhooks=webhooks)
    exports = "\n".join(f"export {name}={value}" for name, value in variables.items())
    changes = (
        ""
        if seed.secret_key
        else "\nThe secret key is another one at each start. --secret-key sk_test_ANYTHING, or secret_key in "
        "[instance]\nof the seed, keeps it.\n"
    )
    if machine is not None and seed.machines[machine].secret_key is None:
        changes += (
            "\nThe machine's secret key is another one at each start. secret_key in its table of the seed "
            "keeps it.\n"
        )
    kept = [*_seeded_secrets(seed), arguments.webhook_secret]
    if webhooks is not None and webhooks.signing_secret not in kept:
        changes += (
            "\nThe signing secret of webhooks is another one at each start. --webhook-secret SECRET, or "
            "signing_secret in\na [[webhooks]] table of the seed, keeps it.\n"
        )
    programs = (
        _programs(clerk, seed)
        + _endpoints(clerk)
        + ("" if oauth_user is None else _oauth_token(clerk, seed, oauth_user))
    )
    pages = (
        ""
        if arguments.node_modules is None
        else "\n# export CLERK_SIGN_IN_URL=/sign-in CLERK_SIGN_UP_URL=/sign-up  # your pages, with Clerk's "
        "components"
    )
    accepted = "session_token,api_key,oauth_token" + ("" if machine is None else ",m2m_token")
    return f"""
LocalClerk at {url} is for development and tests, and no production identity provider:
passwords are plain text, and it forgets everything when it stops.

Start your application with

{exports}
export CLERK_AUTHORIZED_PARTIES={",".join(origins(arguments.webhook))}
# export CLERK_ACCEPTS_TOKEN={accepted}  # lets programs in{pages}

CLERK_AUTHORIZED_PARTIES is where you open it in the browser: change the port if yours is another.
{changes}
Who you can be, from {seed.source}
{people(clerk)}{programs}

Ctrl-C stops.
"""

"""``clerk-middleware local``: a LocalClerk to develop an application of one's own with."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .arguments import add_seed, expect_loopback, port, seed_of
from .extras import import_of_extra
from .failure import CommandFailed
from .people import people
from .serving import listen

if TYPE_CHECKING:
    from clerk_middleware.local import LocalClerk, Seed

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
    parser.set_defaults(run=_run, extra="local")


def _run(arguments: argparse.Namespace) -> int:
    expect_loopback(arguments.host)
    seed = _with_key(seed_of(arguments), arguments.secret_key)
    clerk: LocalClerk = import_of_extra("clerk_middleware.local", "local").LocalClerk(seed)
    if arguments.machine is not None and arguments.machine not in clerk.machines:
        known = ", ".join(clerk.machines) or "none"
        raise CommandFailed(f"--machine: the seed has no machine {arguments.machine!r}; there are: {known}")
    if arguments.oauth_token is not None and arguments.oauth_token not in clerk.users:
        known = ", ".join(clerk.users)
        raise CommandFailed(
            f"--oauth-token: the seed has no user {arguments.oauth_token!r}; there are: {known}"
        )
    # Says what is wrong with the port, if anything is.
    listen(arguments.host, arguments.port, option="--port").close()
    clerk.run(
        arguments.host,
        arguments.port,
        announce=lambda server: print(
            _banner(clerk, seed, server.url, arguments.machine, arguments.oauth_token), flush=True
        ),
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


def _oauth_token(clerk: LocalClerk, seed: Seed, user_id: str) -> str:
    """A token for ``curl``, with every scope that does not show what is private."""
    scopes = ("profile", "email", *seed.oauth.scopes)
    token = clerk.create_oauth_access_token(user_id, scopes=scopes).token
    return f"\n\nOAuth access token of {user_id} for {' '.join(scopes)}\n  {token}"


# Of the ports that uvicorn and Django, and Flask, have by default.
_ORIGINS = [f"http://{host}:{port}" for port in (8000, 5000) for host in ("localhost", "127.0.0.1")]


def _banner(
    clerk: LocalClerk, seed: Seed, url: str, machine: str | None = None, oauth_user: str | None = None
) -> str:
    variables = clerk.environment(url, machine=machine)
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
    programs = _programs(clerk, seed) + ("" if oauth_user is None else _oauth_token(clerk, seed, oauth_user))
    accepted = "session_token,api_key,oauth_token" + ("" if machine is None else ",m2m_token")
    return f"""
LocalClerk at {url} is for development and tests, and no production identity provider:
passwords are plain text, and it forgets everything when it stops.

Start your application with

{exports}
export CLERK_AUTHORIZED_PARTIES={",".join(_ORIGINS)}
# export CLERK_ACCEPTS_TOKEN={accepted}  # lets programs in

CLERK_AUTHORIZED_PARTIES is where you open it in the browser: change the port if yours is another.
{changes}
Who you can be, from {seed.source}
{people(clerk)}{programs}

Ctrl-C stops.
"""

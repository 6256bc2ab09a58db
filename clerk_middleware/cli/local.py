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
    parser.set_defaults(run=_run, extra="local")


def _run(arguments: argparse.Namespace) -> int:
    expect_loopback(arguments.host)
    seed = _with_key(seed_of(arguments), arguments.secret_key)
    clerk: LocalClerk = import_of_extra("clerk_middleware.local", "local").LocalClerk(seed)
    # Says what is wrong with the port, if anything is.
    listen(arguments.host, arguments.port, option="--port").close()
    clerk.run(
        arguments.host,
        arguments.port,
        announce=lambda server: print(_banner(clerk, seed, server.url), flush=True),
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


# Of the ports that uvicorn and Django, and Flask, have by default.
_ORIGINS = [f"http://{host}:{port}" for port in (8000, 5000) for host in ("localhost", "127.0.0.1")]


def _banner(clerk: LocalClerk, seed: Seed, url: str) -> str:
    exports = "\n".join(f"export {name}={value}" for name, value in clerk.environment(url).items())
    changes = (
        ""
        if seed.secret_key
        else "\nThe secret key is another one at each start. --secret-key sk_test_ANYTHING, or secret_key in "
        "[instance]\nof the seed, keeps it.\n"
    )
    return f"""
LocalClerk at {url} is for development and tests, and no production identity provider:
passwords are plain text, and it forgets everything when it stops.

Start your application with

{exports}
export CLERK_AUTHORIZED_PARTIES={",".join(_ORIGINS)}

The last line is the addresses under which you open it in the browser: change the port if yours is another.
{changes}
Who you can be, from {seed.source}
{people(clerk)}

Ctrl-C stops.
"""

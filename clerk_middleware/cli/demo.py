"""``clerk-middleware demo``: an example application and a LocalClerk to sign in with."""

from __future__ import annotations

import argparse
import ipaddress
import logging
from typing import TYPE_CHECKING, Any

from .applications import APPLICATIONS, ExampleApplication
from .decisions import DecisionLog, readable_log
from .failure import CommandFailed
from .serving import run, serve
from .stage import AdjustableClock, Demo, set_up

if TYPE_CHECKING:
    from clerk_middleware.local import LocalClerk, User

__all__ = ["add_command"]

_TO_TRY = """\
  as Dev     Loads: create one, assign it; then /compliance (403) and /audit (404, by protect())
  as Rosa    My loads: a driver has other permissions, and none of the dispatcher's
  as Ada     Company: pay a driver a good minute after signing in, and verify that it is you
  as Grace   second factor; switch company in the menu, or by {app}/orgs/harbor-lines
  anyone     stay a minute: the expired token is refreshed, and the log says so; curl {app}/api/me"""


def add_command(commands: Any) -> None:
    """Add ``demo`` to the subcommands of a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "demo",
        help="run an example application that signs in with LocalClerk, an embedded Clerk",
        description="Runs an example application that signs in with LocalClerk, an embedded Clerk: it needs "
        "neither an account nor a network.",
    )
    parser.add_argument("--app", choices=list(APPLICATIONS), default="fastapi", help="default: %(default)s")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address; default: %(default)s")
    parser.add_argument("--port", type=_port, default=8000, help="of the application; default: %(default)s")
    parser.add_argument("--clerk-port", type=_port, default=5400, help="of LocalClerk; default: %(default)s")
    parser.add_argument(
        "--check", action="store_true", help="walk through it over HTTP, on free ports, and say what works"
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    application = APPLICATIONS[arguments.app]
    _expect_loopback(arguments.host)
    if arguments.check:
        return _check(application, arguments.host)
    with (
        readable_log(logging.DEBUG),
        set_up(application, arguments.host, arguments.port, arguments.clerk_port) as demo,
    ):
        print(_banner(demo, application), flush=True)
        run(DecisionLog(demo.app), demo.listening)
    print("\nStopped.")
    return 0


def _check(application: ExampleApplication, host: str) -> int:
    clock = AdjustableClock()
    with (
        readable_log(logging.ERROR),
        set_up(application, host, clock=clock) as demo,
        serve(demo.app, demo.listening),
    ):
        from .tour import walk  # needs what set_up() has found to be installed

        return 0 if walk(demo, clock) else 1


def _banner(demo: Demo, application: ExampleApplication) -> str:
    people = "\n".join(_person(demo.clerk, user) for user in demo.clerk.users.values())
    return f"""
Fleet, {application.description}

  Open       {demo.app_url}
  LocalClerk {demo.clerk_url}, where you sign in. It is for development and tests, and no production
             identity provider: passwords are plain text, and it forgets everything when it stops.

Who you can be
{people}

What to try
{_TO_TRY.format(app=demo.app_url)}

Below is what the middleware decides. Ctrl-C stops.
"""


def _person(clerk: LocalClerk, user: User) -> str:
    jobs = [
        f"{organization.members[user.id].removeprefix('org:')} at {organization.name}"
        for organization in clerk.organizations.values()
        if user.id in organization.members
    ]
    code = f", then code {user.second_factor_code}" if user.second_factor_code else ""
    return (
        f"  {user.display_name:<15} {user.email:<26} {user.password}{code}\n"
        f"  {'':<15} {', '.join(jobs) or 'in no organization'}"
    )


def _expect_loopback(host: str) -> None:
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise CommandFailed(
            f"the demo does not listen on {host!r}: whoever reaches it can sign in as anyone. Use a loopback "
            "address, such as --host 127.0.0.1"
        )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 (a free one) to 65535, not {text!r}")
    return int(text)

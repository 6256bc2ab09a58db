"""``clerk-middleware demo``: an example application and a LocalClerk to sign in with."""

from __future__ import annotations

import argparse
import logging
import os
from typing import Any

from .applications import APPLICATIONS, ExampleApplication
from .arguments import add_seed, expect_loopback, port, seed_of
from .decisions import DecisionLog, readable_log
from .failure import CommandFailed
from .packages import add_node_modules, node_modules_of
from .people import people
from .serving import run, serve
from .stage import AdjustableClock, Demo, set_up

__all__ = ["add_command"]

_TO_TRY = """\
  as Dev     Loads: create one, assign it; then /compliance (403) and /audit (404, by protect())
  as Rosa    My loads: a driver has other permissions, and none of the dispatcher's
  as Ada     Company: pay a driver a good minute after signing in, and verify that it is you
  as Grace   second factor; switch company in the menu, or by {app}/orgs/harbor-lines
  anyone     stay a minute: the expired token is refreshed, and the log says so; curl {app}/api/me
  anyone     curl -si {app}/ | grep -i policy: scripts need a nonce, another one each time
  anyone     sign in, and see below: handshakes go by the application's own /__clerk
  a partner  curl -H 'Authorization: Bearer ak_local_dispatch_board' {app}/api/loads"""


def add_command(commands: Any) -> None:
    """Add ``demo`` to the subcommands of a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "demo",
        help="run an example application that signs in with LocalClerk, an embedded Clerk",
        description="Runs an example application that signs in with LocalClerk, an embedded Clerk: it needs "
        "neither an account nor a network.",
    )
    parser.add_argument("--app", choices=list(APPLICATIONS), default="fastapi", help="default: %(default)s")
    add_seed(parser)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address; default: %(default)s")
    parser.add_argument("--port", type=port, default=8000, help="of the application; default: %(default)s")
    parser.add_argument("--clerk-port", type=port, default=5400, help="of LocalClerk; default: %(default)s")
    parser.add_argument(
        "--check", action="store_true", help="walk through it over HTTP, on free ports, and say what works"
    )
    add_node_modules(parser, purpose="the pages then have Clerk's own components, as with FLEET_COMPONENTS=1")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    application = APPLICATIONS[arguments.app]
    arguments.extra = application.extra
    expect_loopback(arguments.host)
    if arguments.check:
        if arguments.seed or arguments.node_modules:
            raise CommandFailed(
                "--check signs in as the users of the seed that comes with LocalClerk, on its own pages: "
                "leave out --seed and --node-modules"
            )
        return _check(application, arguments.host)
    with (
        readable_log(logging.DEBUG),
        set_up(
            application,
            arguments.host,
            arguments.port,
            arguments.clerk_port,
            seed=seed_of(arguments),
            node_modules=node_modules_of(arguments),
        ) as demo,
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
    database = os.environ.get("DATABASE_URL", "")
    if not database.startswith("sqlite:"):
        database = "$DATABASE_URL"  # may hold a password
    to_try = f"{_TO_TRY}{application.to_try}".format(app=demo.app_url, database=database)
    return f"""
Fleet, {application.description}

  Open       {demo.app_url}
  LocalClerk {demo.clerk_url}, where you sign in. It is for development and tests, and no production
             identity provider: passwords are plain text, and it forgets everything when it stops.

Who you can be
{people(demo.clerk)}

What to try
{to_try}

Below is what the middleware decides. Ctrl-C stops.
"""

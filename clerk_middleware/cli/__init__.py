"""The command line: ``clerk-middleware demo`` and ``clerk-middleware local``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from clerk_middleware.version import __version__

from . import demo, local
from .failure import CommandFailed

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status. *argv* is without the program's name, by default its own."""
    parser = argparse.ArgumentParser(
        prog="clerk-middleware", description="Clerk authentication for Python web applications."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    demo.add_command(commands)
    local.add_command(commands)
    arguments = parser.parse_args(argv)
    try:
        status: int = arguments.run(arguments)
    except CommandFailed as failure:
        print(f"clerk-middleware: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status

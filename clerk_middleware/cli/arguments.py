"""What the commands have in common: their arguments, and the seed that one names."""

from __future__ import annotations

import argparse
import ipaddress
from typing import TYPE_CHECKING

from .extras import import_of_extra
from .failure import CommandFailed

if TYPE_CHECKING:
    from clerk_middleware.local import Seed

__all__ = ["add_seed", "expect_loopback", "port", "seed_of"]


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Add ``--seed`` to the arguments of a command."""
    parser.add_argument(
        "--seed",
        metavar="FILE",
        help="a TOML file with LocalClerk's users and organizations; default: fleet.toml",
    )


def seed_of(arguments: argparse.Namespace) -> Seed:
    """The seed of ``--seed``. Raises `CommandFailed`, which says what is wrong with it."""
    local = import_of_extra("clerk_middleware.local", arguments.extra)
    try:
        seed: Seed = local.load_seed(arguments.seed)
    except local.SeedError as error:
        raise CommandFailed(str(error)) from error
    return seed


def port(text: str) -> int:
    """A port, for `argparse`."""
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 (a free one) to 65535, not {text!r}")
    return int(text)


def expect_loopback(host: str) -> None:
    """Raises `CommandFailed` for a host that others reach."""
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise CommandFailed(
            f"this does not listen on {host!r}: whoever reaches it can sign in as anyone. Use a loopback "
            "address, such as --host 127.0.0.1"
        )

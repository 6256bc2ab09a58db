"""What the pages tell the developer: how to sign in as a user of the seed, and where the seed is.

A seed is plain text and belongs to who runs LocalClerk, so its passwords may be on the page, but only
while all of a request is on this machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from .instance import Instance
from .origins import OriginPolicy, host_of, is_loopback
from .seed_file import BUILT_IN_SEED

__all__ = ["Hints", "hints_for"]


@dataclass(frozen=True, slots=True)
class Hints:
    """What a page may say of the seed, besides what is in its users."""

    #: The password of every user, where all have the same.
    shared_password: str | None
    seed_file: str | None
    #: Whether the seed is the one that comes with LocalClerk, which one copies rather than edits.
    is_built_in: bool


def hints_for(request: Request, instance: Instance, origins: OriginPolicy) -> Hints | None:
    """The hints for a page; `None` where somebody else might read it."""
    if origins.any_host or not _is_on_this_machine(request):
        return None
    seed = instance.seed
    passwords = {user.password for user in instance.users.values()}
    return Hints(
        shared_password=passwords.pop() if len(passwords) == 1 else None,
        seed_file=str(seed.source) if seed.source else None,
        is_built_in=seed.source == BUILT_IN_SEED,
    )


def _is_on_this_machine(request: Request) -> bool:
    """Whether both ends are loopback, as far as a proxy in front does not say otherwise."""
    server, client = request.scope.get("server"), request.scope.get("client")
    hosts = [host_of(request.headers.get("host", "")), *(end[0] for end in (server, client) if end)]
    is_forwarded = any(name in request.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip"))
    return len(hosts) == 3 and all(map(is_loopback, hosts)) and not is_forwarded

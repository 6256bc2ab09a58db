"""What OpenAPI documents say of Clerk: how to authenticate, and what an operation requires."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clerk_middleware.tokens.classes import a_token, types_of

if TYPE_CHECKING:
    from clerk_middleware.protection import Requirement


_USER = "a signed-in user"


def in_words(requirement: Requirement) -> str:
    """What is required, as in "requires the permission `org:teams:manage`"."""
    types, of_session = types_of(requirement.accepts_token), _of_session(requirement)
    if types == ("session_token",):
        if requirement.condition is not None:
            of_session.insert(len(requirement.asked), "what the application decides by the session")
        return " and ".join(of_session) or _USER
    either = []
    if "session_token" in types:
        either.append(_with(_USER, of_session))
    machines = " or ".join(a_token(name) for name in types if name != "session_token")
    either.append(_with(machines, [f"the scope `{scope}`" for scope in requirement.scopes]))
    if requirement.condition is not None:
        either[-1] += ", and what the application decides by the token"
    return ", or ".join(either)


def _of_session(requirement: Requirement) -> list[str]:
    wanted = [f"the {name} `{value}`" for name, value in requirement.asked.items()]
    fresh = requirement.reverification
    if fresh is not None:
        level = fresh["level"].replace("_", " ")
        wanted.append(f"a verification ({level}) in the last {fresh['after_minutes']:g} minutes")
    return wanted


def _with(holder: str, wanted: list[str]) -> str:
    return f"{holder} with {' and '.join(wanted)}" if wanted else holder

"""What OpenAPI documents say of Clerk: how to authenticate, and what an operation requires."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clerk_middleware.protection import Requirement

SESSION_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "A Clerk session token.",
}
SESSION_COOKIE = {
    "type": "apiKey",
    "in": "cookie",
    "name": "__session",
    "description": "Clerk's session cookie.",
}


def in_words(requirement: Requirement) -> str:
    """What is required, as in "requires the permission `org:teams:manage`"."""
    wanted = [f"the {name} `{value}`" for name, value in requirement.asked.items()]
    if requirement.condition is not None:
        wanted.append("what the application decides by the session")
    fresh = requirement.reverification
    if fresh is not None:
        level = fresh["level"].replace("_", " ")
        wanted.append(f"a verification ({level}) in the last {fresh['after_minutes']:g} minutes")
    return " and ".join(wanted) or "a signed-in user"

"""What a local user may do by the Clerk session of this request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clerk_middleware import SessionAuth

_ATTRIBUTE = "_clerk_session"


class _OfThisRequest:
    """Holds the session. A copy that leaves the request, in a cache or a task, holds none."""

    __slots__ = ("auth",)

    def __init__(self, auth: SessionAuth | None = None) -> None:
        self.auth = auth

    def __reduce__(self) -> tuple[Any, ...]:
        return _OfThisRequest, ()


def attach_session(user: Any, auth: SessionAuth) -> None:
    """Let *user*, as loaded for this request, have the permissions of its session."""
    setattr(user, _ATTRIBUTE, _OfThisRequest(auth))


def session_of(user: object) -> SessionAuth | None:
    """The session, if *user* was loaded for a request that has one."""
    held = getattr(user, _ATTRIBUTE, None)
    return held.auth if isinstance(held, _OfThisRequest) else None

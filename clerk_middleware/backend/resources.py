"""What applications ask of the Backend API, as flows: tokens of sessions, users, the end of a session."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..errors import BackendAPIError, ClerkError
from .calls import create_session_token, fetch_user, revoke_session

if TYPE_CHECKING:
    from ..config import ClerkConfig
    from .calls import BackendAnswer, Flow

_TEMPLATE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}")
#: What to look at where a user is not found.
NO_USER = "was the user deleted, or do the keys belong to another instance?"
_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")


def session_token(config: ClerkConfig, session_id: str, template: str) -> Flow[str]:
    """A token made from a JWT template."""
    if not _TEMPLATE.fullmatch(template):
        raise ClerkError(f"{template!r} is no name of a JWT template")
    expect_id(session_id)
    answer = yield create_session_token(config, session_id, template)
    token = answer.field("jwt")
    if not isinstance(token, str):
        hint = f"is there a JWT template {template!r} in the Clerk Dashboard?"
        raise refused(answer, "issued no token", hint)
    return token


def user(config: ClerkConfig, user_id: str) -> Flow[dict[str, Any]]:
    """A user, as the Backend API describes one."""
    expect_id(user_id)
    answer = yield fetch_user(config, user_id)
    if answer.field("id") != user_id:
        raise refused(answer, f"gave no user {user_id!r}", NO_USER)
    found: dict[str, Any] = answer.json
    return found


def end_session(config: ClerkConfig, session_id: str) -> Flow[None]:
    """Revoke a session: it gets no further tokens. One that is over already is as good."""
    expect_id(session_id)
    answer = yield revoke_session(config, session_id)
    if not answer.is_success and answer.status not in (404, 410):
        raise refused(answer, "did not revoke the session")


def expect_id(id: str) -> None:
    """Nothing else becomes a part of a path: ``..`` would make it another one."""
    if not _ID.fullmatch(id):
        raise BackendAPIError(f"{id!r:.80} is no id of Clerk's", status=404)


def refused(answer: BackendAnswer, problem: str, not_found: str = "") -> BackendAPIError:
    """What *answer* is to the application.

    :param not_found: what to look at where it is 404.
    """
    if answer.status is None:
        return BackendAPIError(f"Clerk's Backend API did not answer: {answer.problem}")
    code = answer.error_code
    hint = {401: "is the secret key (CLERK_SECRET_KEY) this instance's?", 404: not_found}.get(answer.status)
    return BackendAPIError(
        f"Clerk's Backend API {problem} ({answer.status}{f', {code}' if code else ''})"
        f"{f': {hint}' if hint else ''}",
        status=answer.status,
        code=code,
    )

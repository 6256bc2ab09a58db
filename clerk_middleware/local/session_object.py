"""A session as the Backend API shows it, and as events are about it.

https://clerk.com/docs/reference/backend/types/backend-session
"""

from __future__ import annotations

from typing import Any

from .records import Session

__all__ = ["session_object"]

#: Seconds after its beginning when Clerk gives up a session that nobody ended.
_ABANDONED_AFTER = 30 * 24 * 60 * 60


def session_object(session: Session, now: float) -> dict[str, Any]:
    """The session as it is `now` (Unix seconds); the times in it are milliseconds."""
    return {
        "object": "session",
        "id": session.id,
        "client_id": session.client.id if session.client else None,
        "user_id": session.user_id,
        "status": session.status_at(now),
        "actor": dict(session.actor) if session.actor else None,
        "tasks": [{"key": task} for task in session.tasks] or None,
        "last_active_organization_id": session.organization_id,
        "last_active_at": int(session.last_active_at * 1000),
        "expire_at": int(session.expires_at * 1000),
        "abandon_at": int(max(session.expires_at, session.created_at + _ABANDONED_AFTER) * 1000),
        "created_at": int(session.created_at * 1000),
        "updated_at": int(now * 1000),
    }

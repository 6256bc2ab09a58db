"""Where else the user is signed in: ``/v1/me/sessions``.

https://clerk.com/docs/reference/frontend-api/tag/Active-Sessions
"""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from ..errors import not_found
from ..records import Session
from ..session_object import session_object
from ..verifications import expect_recent_proof
from .frontend import Frontend
from .frontend_request import FrontendRequest

__all__ = ["MySessionAPI"]


class MySessionAPI:
    """The user's sessions in every browser, without the tokens that are in them."""

    def __init__(self, frontend: Frontend) -> None:
        self._instance = frontend.instance
        self._resources = frontend.resources
        self.routes = [
            frontend.guard.route("/v1/me/sessions", GET=self.sessions),
            frontend.guard.route("/v1/me/sessions/active", GET=self.sessions),
            frontend.guard.route("/v1/me/sessions/{session_id}/revoke", POST=self.revoke),
        ]

    async def sessions(self, asked: FrontendRequest) -> Response:
        """``GET /me/sessions/active``, which clerk-js reads without an envelope; the latest comes first."""
        found = self._open_sessions_of(asked.acting_session.user_id)
        found.sort(key=lambda session: session.last_active_at, reverse=True)
        return JSONResponse([self._resource(session) for session in found])

    async def revoke(self, asked: FrontendRequest) -> Response:
        """``POST /me/sessions/ID/revoke``: sign out somewhere else."""
        acting, wanted = asked.acting_session, asked.path("session_id")
        found = next(
            (session for session in self._open_sessions_of(acting.user_id) if session.id == wanted), None
        )
        if found is None:
            raise not_found("session")
        expect_recent_proof(self._instance, acting)
        self._instance.end_session(found, "revoked")
        return self._resources.answer(asked, self._resource(found))

    def _open_sessions_of(self, user_id: str) -> list[Session]:
        now = self._instance.clock()
        return [
            session
            for session in self._instance.all_sessions()
            if session.user_id == user_id and session.is_open_at(now)
        ]

    def _resource(self, session: Session) -> dict[str, Any]:
        activity = {"object": "session_activity", "id": f"sess_activity_{session.id}", "is_mobile": False}
        return {
            **session_object(session, self._instance.clock()),
            "user": None,
            "latest_activity": activity,
        }

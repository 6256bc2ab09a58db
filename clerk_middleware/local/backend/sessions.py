"""The Backend API's endpoints about sessions.

https://clerk.com/docs/reference/backend-api/tag/sessions
"""

from __future__ import annotations

from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..errors import APIError, not_found
from ..instance import Instance
from ..listing import Paging, in_order
from ..records import Session, SessionStatus
from ..session_object import session_object
from .guard import BackendGuard
from .json_body import JSONBody

__all__ = ["SessionAPI", "requested_session"]

#: Clerk's, two of which no session of LocalClerk ever has.
_STATUSES = (*get_args(SessionStatus), "abandoned", "replaced")


class SessionAPI:
    """Sessions, whatever browser holds them, behind the instance's secret key."""

    def __init__(self, instance: Instance, guard: BackendGuard) -> None:
        self._instance = instance
        session = "/v1/sessions/{session_id}"
        self.routes = [
            guard.route("/v1/sessions", GET=self.sessions),
            guard.route("/v1/sessions", POST=self.create),
            guard.route(session, GET=self.session),
            guard.route(f"{session}/revoke", POST=self.revoke),
        ]

    async def sessions(self, request: Request) -> Response:
        """``GET /sessions?user_id=`` or ``?client_id=``: the newest first, of a ``status`` if it is given."""
        query, now = request.query_params, self._instance.clock()
        user_id, client_id, status = (query.get(name) for name in ("user_id", "client_id", "status"))
        if not user_id and not client_id:
            message = "user_id or client_id must say whose sessions are meant."
            raise APIError(422, "form_param_missing", message, parameter="user_id")
        if status is not None and status not in _STATUSES:
            message = f"status must be one of {', '.join(_STATUSES)}."
            raise APIError(422, "form_param_value_invalid", message, parameter="status")
        found = [
            session
            for session in self._instance.all_sessions()
            if (not user_id or session.user_id == user_id)
            and (not client_id or (session.client and session.client.id == client_id))
            and (status is None or session.status_at(now) == status)
        ]
        ordered = in_order(request, found, {"created_at": lambda session: session.created_at})
        return Paging(request).listed(ordered, self._object)

    async def create(self, request: Request) -> Response:
        """``POST /sessions``: a user is signed in, in a browser of its own that nobody has."""
        body, instance = await JSONBody.of(request), self._instance
        user_id = body.text("user_id")
        user = instance.users.get(user_id)
        if user is None:
            raise not_found("user")
        if user.banned:
            raise APIError(403, "user_banned", "The user is banned.")
        session = instance.new_session(user_id)
        instance.begin_in_organization(session)
        organization = body.optional_text("active_organization_id")
        if organization is not None and not instance.activate(session, organization):
            raise body.invalid("active_organization_id", "must be an organization of the user.")
        instance.sign_in(instance.new_client(), session)
        return JSONResponse(self._object(session))

    async def session(self, request: Request) -> Response:
        """``GET /sessions/ID``"""
        return JSONResponse(self._object(requested_session(self._instance, request)))

    async def revoke(self, request: Request) -> Response:
        """``POST /sessions/ID/revoke``: end a session, whatever browser holds it."""
        session = requested_session(self._instance, request)
        self._instance.end_session(session, "revoked")
        return JSONResponse(self._object(session))

    def _object(self, session: Session) -> dict[str, Any]:
        return session_object(session, self._instance.clock())


def requested_session(instance: Instance, request: Request) -> Session:
    """The session whose id is in the path."""
    session = instance.session(request.path_params["session_id"])
    if session is None:
        raise not_found("session")
    return session

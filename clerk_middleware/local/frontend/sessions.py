"""The sessions of a browser: ``/v1/client/sessions``.

https://clerk.com/docs/reference/frontend-api/tag/Sessions
"""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from ..errors import APIError, not_found
from ..records import Session
from .frontend import Frontend
from .frontend_request import FrontendRequest

__all__ = ["SessionAPI"]


class SessionAPI:
    """What a page does with a session that its browser is signed in to."""

    def __init__(self, frontend: Frontend) -> None:
        self._instance = frontend.instance
        self._issuer = frontend.issuer
        self._resources = frontend.resources
        session = "/v1/client/sessions/{session_id}"
        self.routes = [
            frontend.guard.route("/v1/client/sessions", DELETE=self.end_all),
            frontend.guard.route(session, GET=self.session),
            frontend.guard.route(f"{session}/touch", POST=self.touch),
            frontend.guard.route(f"{session}/end", POST=self.end),
            frontend.guard.route(f"{session}/remove", POST=self.end),
            frontend.guard.route(f"{session}/tokens", POST=self.token),
            frontend.guard.route(f"{session}/tokens/{{template}}", POST=self.template_token),
        ]

    async def session(self, asked: FrontendRequest) -> Response:
        """``GET /client/sessions/ID``"""
        return self._answer(asked, asked.session)

    async def touch(self, asked: FrontendRequest) -> Response:
        """``POST …/touch``: make the session the active one, and an organization its active one.

        ``active_organization_id`` is empty for none, and missing where it is to stay.
        """
        session = asked.session
        if "active_organization_id" in asked.form:
            organization_id = asked.form.get("active_organization_id") or ""
            # Pages touch whenever they get the focus, also while a session has yet to get an organization.
            stays_without = not organization_id and session.organization_id is None
            if not stays_without and not self._instance.activate(session, organization_id):
                raise _no_member()
        self._instance.set_active(asked.client, session)
        return self._answer(asked, session)

    async def token(self, asked: FrontendRequest) -> Response:
        """``POST …/tokens``: a session token, for another organization than the active one if it is given."""
        session, organization_id = asked.session, asked.form.get("organization_id")
        if organization_id:
            organization = self._instance.organizations.get(organization_id)
            if organization is None or session.user_id not in organization.members:
                raise _no_member()
        return _token(self._resources.token(asked, session, organization_id=organization_id))

    async def template_token(self, asked: FrontendRequest) -> Response:
        """``POST …/tokens/TEMPLATE``: a JWT of a template."""
        session = asked.session
        template = self._instance.jwt_templates.named(asked.path("template"))
        if template is None:
            raise not_found("JWT template")
        session.authorized_party = asked.origin or session.authorized_party
        return _token(self._issuer.template_token(session, template))

    async def end(self, asked: FrontendRequest) -> Response:
        """``POST …/end`` and ``…/remove``: sign out of one session."""
        session = asked.session
        self._instance.sign_out(asked.client, session)
        return self._answer(asked, session)

    async def end_all(self, asked: FrontendRequest) -> Response:
        """``DELETE /client/sessions``: sign out of them all."""
        client = asked.client
        self._instance.sign_out(client)
        return JSONResponse({"response": self._resources.client(asked, client), "client": None})

    def _answer(self, asked: FrontendRequest, session: Session) -> Response:
        return self._resources.answer(asked, self._resources.session(asked, session))


def _token(jwt: str) -> Response:
    """What tokens come in: clerk-js reads them without an envelope."""
    return JSONResponse({"object": "token", "jwt": jwt})


def _no_member() -> APIError:
    message = "The user is a member of no organization of that id, or has to choose one."
    return APIError(403, "organization_not_found_or_unauthorized", message)

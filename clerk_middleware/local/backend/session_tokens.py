"""The Backend API's endpoints about the tokens of sessions.

https://clerk.com/docs/reference/backend-api/tag/sessions
"""

from __future__ import annotations

import hmac
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..cookies import refresh_cookies
from ..errors import APIError
from ..instance import Instance
from ..origins import origin_of
from ..records import Session
from ..tokens import TokenIssuer
from .guard import BackendGuard
from .json_body import JSONBody
from .sessions import requested_session

__all__ = ["SessionTokenAPI"]


class SessionTokenAPI:
    """New tokens of a session, for the application's server or for a browser that it serves."""

    def __init__(self, instance: Instance, issuer: TokenIssuer, guard: BackendGuard) -> None:
        self._instance = instance
        self._issuer = issuer
        session = "/v1/sessions/{session_id}"
        self.routes = [
            guard.route(f"{session}/refresh", POST=self.refresh),
            guard.route(f"{session}/tokens", POST=self.token),
            guard.route(f"{session}/tokens/{{template}}", POST=self.template_token),
        ]

    async def refresh(self, request: Request) -> Response:
        """``POST /sessions/ID/refresh``: a new session token for an expired one and its refresh token.

        With a ``format`` of ``cookie`` the answer is the cookies to set, otherwise the token alone.
        """
        session = requested_session(self._instance, request)
        body = await JSONBody.of(request)
        expired_token, refresh_token, request_origin = map(
            body.secret, ("expired_token", "refresh_token", "request_origin")
        )
        answer_format = body.choice("format", ("token", "cookie"))
        if not hmac.compare_digest(refresh_token.encode(errors="replace"), session.refresh_token.encode()):
            raise APIError(401, "refresh_token_invalid", "The refresh token does not belong to this session.")
        claims = self._instance.keys.claims_if_ours(expired_token)
        if claims is None or claims.get("sid") != session.id or claims.get("sub") != session.user_id:
            raise APIError(401, "session_token_invalid", "The expired token is no token of this session.")
        self._require_open(session)
        session.authorized_party = _origin(request_origin)
        if answer_format == "token":
            token = self._issuer.session_token(session, authorized_party=session.authorized_party)
            return JSONResponse({"object": "token", "jwt": token})
        suffixed = request.query_params.get("suffixed_cookies") == "true"
        cookies = refresh_cookies(
            self._instance, self._issuer, session, origin=session.authorized_party, suffixed=suffixed
        )
        return JSONResponse({"object": "cookies", "cookies": cookies})

    async def token(self, request: Request) -> Response:
        """``POST /sessions/ID/tokens``: a session token."""
        session = self._open_session(request)
        lifetime = (await JSONBody.of(request)).seconds("expires_in_seconds", minimum=30)
        token = self._issuer.session_token(
            session, authorized_party=session.authorized_party, lifetime=lifetime
        )
        return JSONResponse({"object": "token", "jwt": token})

    async def template_token(self, request: Request) -> Response:
        """``POST /sessions/ID/tokens/TEMPLATE``: a JWT of a template."""
        session = self._open_session(request)
        template = self._instance.jwt_templates.named(request.path_params["template"])
        if template is None:
            raise APIError(404, "resource_not_found", "There is no JWT template of that name.")
        lifetime = (await JSONBody.of(request)).seconds("expires_in_seconds", minimum=30)
        template = template if lifetime is None else replace(template, lifetime=lifetime)
        return JSONResponse({"object": "token", "jwt": self._issuer.template_token(session, template)})

    def _open_session(self, request: Request) -> Session:
        session = requested_session(self._instance, request)
        self._require_open(session)
        return session

    def _require_open(self, session: Session) -> None:
        now = self._instance.clock()
        if not session.is_open_at(now):
            raise APIError(401, "session_not_active", f"The session is {session.status_at(now)}.")


def _origin(value: str) -> str:
    try:
        if value.startswith(("http://", "https://")) and value.isascii() and value.isprintable():
            return origin_of(value)
    except ValueError:
        pass
    message = "request_origin must be an origin, such as https://app.example.com."
    raise APIError(422, "form_param_value_invalid", message, parameter="request_origin")

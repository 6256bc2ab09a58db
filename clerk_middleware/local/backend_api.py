"""The Backend API, ``/v1`` with the secret key: what an application's server asks Clerk.

https://clerk.com/docs/reference/backend-api
"""

from __future__ import annotations

import hmac

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .backend_guard import BackendGuard
from .cookies import refresh_cookies
from .errors import APIError
from .instance import Instance
from .json_body import JSONBody
from .origins import origin_of
from .records import Session
from .session_object import session_object
from .tokens import TokenIssuer

__all__ = ["BackendAPI"]


class BackendAPI:
    """The endpoints that sessions are about, each behind the secret key."""

    def __init__(self, instance: Instance, issuer: TokenIssuer, guard: BackendGuard) -> None:
        self._instance = instance
        self._issuer = issuer
        guarded = guard.guarded
        self.routes = [
            Route("/v1/jwks", guarded(self.jwks), methods=["GET"]),
            Route("/v1/clients/handshake_payload", guarded(self.handshake_payload), methods=["GET"]),
            Route("/v1/sessions/{session_id}/refresh", guarded(self.refresh), methods=["POST"]),
            Route("/v1/sessions/{session_id}/tokens", guarded(self.token), methods=["POST"]),
            Route(
                "/v1/sessions/{session_id}/tokens/{template}", guarded(self.template_token), methods=["POST"]
            ),
            Route("/v1/sessions/{session_id}/revoke", guarded(self.revoke), methods=["POST"]),
        ]

    async def jwks(self, request: Request) -> Response:
        """``GET /jwks``"""
        return JSONResponse(self._instance.keys.jwks())

    async def handshake_payload(self, request: Request) -> Response:
        """``GET /clients/handshake_payload?nonce=``: the directives of a handshake, once."""
        directives = self._instance.nonces.take(request.query_params.get("nonce", ""))
        if directives is None:
            raise APIError(
                404, "resource_not_found", "There is no such handshake nonce: unknown, expired or used."
            )
        return JSONResponse({"directives": directives})

    async def refresh(self, request: Request) -> Response:
        """``POST /sessions/ID/refresh``: a new session token for an expired one and its refresh token."""
        session = self._session(request)
        body = await JSONBody.of(request)
        expired_token, refresh_token, request_origin = map(
            body.secret, ("expired_token", "refresh_token", "request_origin")
        )
        if body.get("format", "cookie") != "cookie":
            raise body.invalid("format", "must be 'cookie'.")
        if not hmac.compare_digest(refresh_token.encode(errors="replace"), session.refresh_token.encode()):
            raise APIError(401, "refresh_token_invalid", "The refresh token does not belong to this session.")
        claims = self._instance.keys.claims_if_ours(expired_token)
        if claims is None or claims.get("sid") != session.id or claims.get("sub") != session.user_id:
            raise APIError(401, "session_token_invalid", "The expired token is no token of this session.")
        self._require_active(session)
        session.authorized_party = _origin(request_origin)
        suffixed = request.query_params.get("suffixed_cookies") == "true"
        cookies = refresh_cookies(
            self._instance, self._issuer, session, origin=session.authorized_party, suffixed=suffixed
        )
        return JSONResponse({"object": "cookies", "cookies": cookies})

    async def token(self, request: Request) -> Response:
        """``POST /sessions/ID/tokens``: a session token."""
        session = self._active_session(request)
        lifetime = (await JSONBody.of(request)).seconds("expires_in_seconds", minimum=30)
        token = self._issuer.session_token(
            session, authorized_party=session.authorized_party, lifetime=lifetime
        )
        return JSONResponse({"object": "token", "jwt": token})

    async def template_token(self, request: Request) -> Response:
        """``POST /sessions/ID/tokens/TEMPLATE``: a JWT of a template."""
        session = self._active_session(request)
        template = self._instance.seed.jwt_templates.get(request.path_params["template"])
        if template is None:
            raise APIError(404, "resource_not_found", "There is no JWT template of that name in the seed.")
        return JSONResponse({"object": "token", "jwt": self._issuer.template_token(session, template)})

    async def revoke(self, request: Request) -> Response:
        """``POST /sessions/ID/revoke``: end a session, whatever browser holds it."""
        session = self._session(request)
        self._instance.end_session(session, "revoked")
        return JSONResponse(session_object(session, self._instance.clock()))

    def _session(self, request: Request) -> Session:
        session = self._instance.session(request.path_params["session_id"])
        if session is None:
            raise APIError(404, "resource_not_found", "There is no session of that id.")
        return session

    def _active_session(self, request: Request) -> Session:
        session = self._session(request)
        self._require_active(session)
        return session

    def _require_active(self, session: Session) -> None:
        status = session.status_at(self._instance.clock())
        if status != "active":
            raise APIError(401, "session_not_active", f"The session is {status}.")


def _origin(value: str) -> str:
    try:
        if value.startswith(("http://", "https://")) and value.isascii() and value.isprintable():
            return origin_of(value)
    except ValueError:
        pass
    message = "request_origin must be an origin, such as https://app.example.com."
    raise APIError(422, "form_param_value_invalid", message, parameter="request_origin")

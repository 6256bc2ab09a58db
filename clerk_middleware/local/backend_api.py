"""The Backend API, ``/v1`` with the secret key: what an application's server asks Clerk.

https://clerk.com/docs/reference/backend-api
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from clerk_middleware.testing.user_object import user_object

from .cookies import refresh_cookies
from .errors import APIError
from .instance import Instance
from .origins import origin_of
from .records import Session
from .tokens import TokenIssuer

__all__ = ["BackendAPI"]

Endpoint = Callable[[Request], Awaitable[Response]]


class BackendAPI:
    """The endpoints, each behind the secret key."""

    def __init__(self, instance: Instance, issuer: TokenIssuer) -> None:
        self._instance = instance
        self._issuer = issuer
        self.routes = [
            Route("/v1/jwks", self._guarded(self.jwks), methods=["GET"]),
            Route("/v1/clients/handshake_payload", self._guarded(self.handshake_payload), methods=["GET"]),
            Route("/v1/sessions/{session_id}/refresh", self._guarded(self.refresh), methods=["POST"]),
            Route("/v1/sessions/{session_id}/tokens", self._guarded(self.token), methods=["POST"]),
            Route(
                "/v1/sessions/{session_id}/tokens/{template}",
                self._guarded(self.template_token),
                methods=["POST"],
            ),
            Route("/v1/sessions/{session_id}/revoke", self._guarded(self.revoke), methods=["POST"]),
            Route("/v1/users/{user_id}", self._guarded(self.user), methods=["GET"]),
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
        body = await _json_object(request)
        expired_token, refresh_token, request_origin = (
            _text(body, name) for name in ("expired_token", "refresh_token", "request_origin")
        )
        if body.get("format", "cookie") != "cookie":
            raise APIError(422, "form_param_value_invalid", "format must be 'cookie'.", parameter="format")
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
        lifetime = (await _json_object(request)).get("expires_in_seconds")
        if lifetime is not None and (type(lifetime) is not int or not 30 <= lifetime <= 315_360_000):
            message = "expires_in_seconds must be a whole number from 30 to 315360000."
            raise APIError(422, "form_param_value_invalid", message, parameter="expires_in_seconds")
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
        session.closed = session.closed or "revoked"
        return JSONResponse(
            {
                "object": "session",
                "id": session.id,
                "user_id": session.user_id,
                "status": session.status_at(self._instance.clock()),
                "last_active_organization_id": session.organization_id,
                "created_at": int(session.created_at * 1000),
                "expire_at": int(session.expires_at * 1000),
            }
        )

    async def user(self, request: Request) -> Response:
        """``GET /users/ID``"""
        user = self._instance.users.get(request.path_params["user_id"])
        if user is None:
            raise APIError(404, "resource_not_found", "There is no user of that id in the seed.")
        return JSONResponse(
            user_object(
                user.id,
                email=user.email,
                email_verified=user.email_verified,
                first_name=user.first_name,
                last_name=user.last_name,
                username=user.username,
                has_second_factor=user.second_factor_code is not None,
                public_metadata=user.public_metadata,
                private_metadata=user.private_metadata,
                unsafe_metadata=user.unsafe_metadata,
                created_at=self._instance.created_at,
            )
        )

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request) -> Response:
            scheme, _, given = request.headers.get("authorization", "").partition(" ")
            is_ours = hmac.compare_digest(given.encode(), self._instance.secret_key.encode())
            if scheme.lower() != "bearer" or not is_ours:
                message = "The secret key is not this instance's: send it as 'Authorization: Bearer sk_...'."
                raise APIError(401, "clerk_key_invalid", message)
            return await endpoint(request)

        return guarded

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


async def _json_object(request: Request) -> dict[str, Any]:
    """The body, which must be a JSON object; none at all is an empty one."""
    try:
        body = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError) as error:
        raise APIError(400, "request_body_invalid", "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise APIError(400, "request_body_invalid", "The body must be a JSON object.")
    return body


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise APIError(
            422, "form_param_missing", f"{name} must be a string that is not empty.", parameter=name
        )
    return value


def _origin(value: str) -> str:
    try:
        if value.startswith(("http://", "https://")) and value.isascii() and value.isprintable():
            return origin_of(value)
    except ValueError:
        pass
    message = "request_origin must be an origin, such as https://app.example.com."
    raise APIError(422, "form_param_value_invalid", message, parameter="request_origin")

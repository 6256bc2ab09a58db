"""The Backend API's endpoints about M2M tokens.

https://clerk.com/docs/guides/development/machine-auth/m2m-tokens
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..credentials import M2MToken
from ..errors import APIError
from ..instance import Instance
from ..issuing import CredentialIssuer
from ..listing import Paging
from ..machine_seed import TokenFormat
from .credential_objects import m2m_token_object
from .good_token import good_token
from .guard import BackendGuard
from .json_body import JSONBody

__all__ = ["M2MTokenAPI"]


class M2MTokenAPI:
    """Tokens of machines, behind a machine's secret key or the instance's."""

    def __init__(self, instance: Instance, issuer: CredentialIssuer, guard: BackendGuard) -> None:
        self._instance = instance
        self._issuer = issuer
        self._guard = guard
        self.routes = [
            Route("/v1/m2m_tokens", self.tokens, methods=["GET"]),
            Route("/v1/m2m_tokens", self.create, methods=["POST"]),
            Route("/v1/m2m_tokens/verify", self.verify, methods=["POST"]),
            Route("/v1/m2m_tokens/{token_id}/revoke", self.revoke, methods=["POST"]),
        ]

    async def tokens(self, request: Request) -> Response:
        """``GET /m2m_tokens?subject=``: the good ones of a machine, and others if they are asked for."""
        caller, query, now = self._guard.machine_or_instance(request), request.query_params, self._now()
        subject = query.get("subject", "")
        if caller is not None and subject != caller.id:
            raise APIError(403, "resource_forbidden", "A machine learns of its own tokens alone.")
        found = [
            token
            for token in self._instance.m2m_tokens.all()
            if token.subject == subject
            and (query.get("revoked") == "true" or not token.revoked)
            and (query.get("expired") == "true" or not token.is_expired(now))
        ]
        return Paging(request).counted(found, self._object, "m2m_tokens")

    async def create(self, request: Request) -> Response:
        """``POST /m2m_tokens``: a token of the machine whose secret key the request has."""
        machine = self._guard.machine(request)
        body = await JSONBody.of(request)
        token_format: TokenFormat = body.choice("token_format", ("opaque", "jwt"))
        lifetime = body.seconds("seconds_until_expiration") or machine.default_token_lifetime
        try:
            token = self._issuer.m2m_token(
                machine, lifetime=lifetime, claims=body.table("claims"), token_format=token_format
            )
        except ValueError as error:
            raise APIError(422, "form_param_value_invalid", f"{error}.", parameter="claims") from error
        return JSONResponse(self._object(token) | {"token": token.token}, status_code=201)

    async def verify(self, request: Request) -> Response:
        """``POST /m2m_tokens/verify``: a machine learns of the tokens that it may be called with alone."""
        caller = self._guard.machine_or_instance(request)
        token = self._instance.m2m_tokens.presented((await JSONBody.of(request)).secret("token", "secret"))
        if token is not None and caller is not None and caller.id not in token.scopes:
            token = None
        return JSONResponse(self._object(good_token(token, self._now())))

    async def revoke(self, request: Request) -> Response:
        """``POST /m2m_tokens/ID/revoke``: a machine revokes its own tokens alone."""
        caller = self._guard.machine_or_instance(request)
        reason = (await JSONBody.of(request)).optional_text("revocation_reason")
        token = self._instance.m2m_tokens.get(request.path_params["token_id"])
        if token is None or (caller is not None and caller.id != token.subject):
            raise APIError(404, "resource_not_found", "There is no M2M token of that id.")
        token.revoke(self._now(), reason)
        return JSONResponse(self._object(token))

    def _object(self, token: M2MToken) -> dict[str, Any]:
        return m2m_token_object(token, self._now())

    def _now(self) -> float:
        return self._instance.clock()

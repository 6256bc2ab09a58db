"""The Backend API's endpoints about clients, which are browsers, and about the instance's keys.

https://clerk.com/docs/reference/backend-api/tag/clients
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..errors import APIError, not_found
from ..instance import Instance
from ..records import Client
from ..session_object import session_object
from .guard import BackendGuard
from .json_body import JSONBody

__all__ = ["ClientAPI"]


class ClientAPI:
    """Browsers, the results of their handshakes, and the key set, behind the instance's secret key."""

    def __init__(self, instance: Instance, guard: BackendGuard) -> None:
        self._instance = instance
        self.routes = [
            guard.route("/v1/jwks", GET=self.jwks),
            guard.route("/v1/clients/handshake_payload", GET=self.handshake_payload),
            guard.route("/v1/clients/verify", POST=self.verify),
            guard.route("/v1/clients/{client_id}", GET=self.client),
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

    async def client(self, request: Request) -> Response:
        """``GET /clients/ID``"""
        client = self._instance.client_with_id(request.path_params["client_id"])
        if client is None:
            raise not_found("client")
        return JSONResponse(self._object(client))

    async def verify(self, request: Request) -> Response:
        """``POST /clients/verify``: the browser whose token is in the body."""
        client = self._instance.client_of((await JSONBody.of(request)).secret("token"))
        if client is None:
            raise APIError(404, "resource_not_found", "There is no client of that token.")
        return JSONResponse(self._object(client))

    def _object(self, client: Client) -> dict[str, Any]:
        now, sessions = self._instance.clock(), self._instance.sessions_of(client)
        active = self._instance.session_of(client)
        return {
            "object": "client",
            "id": client.id,
            "session_ids": [session.id for session in sessions],
            "sessions": [session_object(session, now) for session in sessions],
            "sign_in_id": client.sign_in.id if client.sign_in else None,
            "sign_up_id": client.sign_up.id if client.sign_up else None,
            "last_active_session_id": active.id if active else None,
            "last_authentication_strategy": None,
            "created_at": int(client.created_at * 1000),
            "updated_at": int(client.updated_at * 1000),
        }

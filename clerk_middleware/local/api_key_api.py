"""The Backend API's endpoints about API keys.

https://clerk.com/docs/guides/development/machine-auth/api-keys
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .backend_guard import BackendGuard
from .credential_objects import api_key_object, listed
from .credentials import APIKey
from .errors import APIError
from .instance import Instance
from .issuing import CredentialIssuer
from .json_body import JSONBody

__all__ = ["APIKeyAPI"]


class APIKeyAPI:
    """The endpoints, each behind the secret key."""

    def __init__(self, instance: Instance, issuer: CredentialIssuer, guard: BackendGuard) -> None:
        self._instance = instance
        self._issuer = issuer
        guarded = guard.guarded
        self.routes = [
            Route("/v1/api_keys", guarded(self.api_keys), methods=["GET"]),
            Route("/v1/api_keys", guarded(self.create), methods=["POST"]),
            Route("/v1/api_keys/verify", guarded(self.verify), methods=["POST"]),
            Route("/v1/api_keys/{api_key_id}", guarded(self.api_key), methods=["GET"]),
            Route("/v1/api_keys/{api_key_id}", guarded(self.delete), methods=["DELETE"]),
            Route("/v1/api_keys/{api_key_id}/revoke", guarded(self.revoke), methods=["POST"]),
        ]

    async def api_keys(self, request: Request) -> Response:
        """``GET /api_keys?subject=``: those of a user or an organization."""
        subject = request.query_params.get("subject")
        if not subject:
            raise APIError(422, "form_param_missing", "subject is missing.", parameter="subject")
        found = [api_key for api_key in self._instance.api_keys.all() if api_key.subject == subject]
        return JSONResponse(listed([self._object(api_key) for api_key in found]))

    async def create(self, request: Request) -> Response:
        """``POST /api_keys``: the only answer that holds the secret."""
        body = await JSONBody.of(request)
        subject, created_by = body.text("subject"), body.optional_text("created_by")
        if subject not in self._instance.users and subject not in self._instance.organizations:
            raise body.invalid("subject", "must be the id of a user or an organization of the seed.")
        if created_by is not None and created_by not in self._instance.users:
            raise body.invalid("created_by", "must be the id of a user of the seed.")
        api_key = self._issuer.api_key(
            subject,
            name=body.text("name"),
            scopes=body.texts("scopes"),
            claims=body.table("claims"),
            description=body.optional_text("description"),
            created_by=created_by,
            lifetime=body.seconds("seconds_until_expiration"),
        )
        return JSONResponse(self._object(api_key) | {"secret": api_key.secret})

    async def api_key(self, request: Request) -> Response:
        """``GET /api_keys/ID``"""
        return JSONResponse(self._object(self._api_key(request)))

    async def verify(self, request: Request) -> Response:
        """``POST /api_keys/verify``: revoked and expired keys are answered, too, and say so."""
        api_key = self._instance.api_keys.presented((await JSONBody.of(request)).secret("secret"))
        if api_key is None:
            raise APIError(404, "resource_not_found", "There is no such API key.")
        answer, now = self._object(api_key), self._instance.clock()
        if not (api_key.revoked or api_key.is_expired(now)):
            api_key.last_used_at = now
        return JSONResponse(answer)

    async def revoke(self, request: Request) -> Response:
        """``POST /api_keys/ID/revoke``"""
        reason = (await JSONBody.of(request)).optional_text("revocation_reason")
        api_key = self._api_key(request)
        api_key.revoke(self._instance.clock(), reason)
        return JSONResponse(self._object(api_key))

    async def delete(self, request: Request) -> Response:
        """``DELETE /api_keys/ID``"""
        api_key = self._api_key(request)
        self._instance.api_keys.remove(api_key)
        return JSONResponse({"object": "api_key", "id": api_key.id, "deleted": True})

    def _api_key(self, request: Request) -> APIKey:
        api_key = self._instance.api_keys.get(request.path_params["api_key_id"])
        if api_key is None:
            raise APIError(404, "resource_not_found", "There is no API key of that id.")
        return api_key

    def _object(self, api_key: APIKey) -> dict[str, Any]:
        return api_key_object(api_key, self._instance.clock())

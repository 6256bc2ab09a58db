"""The Backend API's endpoints about API keys.

https://clerk.com/docs/guides/development/machine-auth/api-keys
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..credentials import APIKey
from ..directory_objects import deleted_object
from ..errors import APIError, not_found
from ..instance import Instance
from ..issuing import CredentialIssuer
from ..listing import Paging
from .credential_objects import api_key_object
from .good_token import good_token
from .guard import BackendGuard
from .json_body import JSONBody

__all__ = ["APIKeyAPI"]


class APIKeyAPI:
    """The endpoints, each behind the secret key."""

    def __init__(self, instance: Instance, issuer: CredentialIssuer, guard: BackendGuard) -> None:
        self._instance = instance
        self._issuer = issuer
        self.routes = [
            guard.route("/v1/api_keys", GET=self.api_keys),
            guard.route("/v1/api_keys", POST=self.create),
            guard.route("/v1/api_keys/verify", POST=self.verify),
            guard.route("/v1/api_keys/{api_key_id}", GET=self.api_key),
            guard.route("/v1/api_keys/{api_key_id}", PATCH=self.update),
            guard.route("/v1/api_keys/{api_key_id}", DELETE=self.delete),
            guard.route("/v1/api_keys/{api_key_id}/secret", GET=self.secret),
            guard.route("/v1/api_keys/{api_key_id}/revoke", POST=self.revoke),
        ]

    async def api_keys(self, request: Request) -> Response:
        """``GET /api_keys?subject=``: those of a user or an organization that are good.

        With ``include_invalid=true`` those that are revoked or expired are among them.
        """
        subject = request.query_params.get("subject")
        if not subject:
            raise APIError(422, "form_param_missing", "subject is missing.", parameter="subject")
        query, now = request.query_params.get("query", "").lower(), self._instance.clock()
        with_invalid = request.query_params.get("include_invalid") == "true"
        found = [
            api_key
            for api_key in self._instance.api_keys.all()
            if api_key.subject == subject
            and query in api_key.name.lower()
            and (with_invalid or not (api_key.revoked or api_key.is_expired(now)))
        ]
        return Paging(request).counted(found, self._object)

    async def create(self, request: Request) -> Response:
        """``POST /api_keys``: the only answer besides ``GET /api_keys/ID/secret`` that holds the secret."""
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
        return JSONResponse(self._object(api_key) | {"secret": api_key.secret}, status_code=201)

    async def api_key(self, request: Request) -> Response:
        """``GET /api_keys/ID``"""
        return JSONResponse(self._object(self._api_key(request)))

    async def secret(self, request: Request) -> Response:
        """``GET /api_keys/ID/secret``"""
        return JSONResponse({"secret": self._api_key(request).secret})

    async def update(self, request: Request) -> Response:
        """``PATCH /api_keys/ID``: what is not in the body stays as it is."""
        api_key, body = self._api_key(request), await JSONBody.of(request)
        if body.optional_text("subject") not in (None, api_key.subject):
            raise body.invalid("subject", "of an API key cannot change.")
        now = self._instance.clock()
        scopes = body.texts("scopes") if body.has("scopes") else api_key.scopes
        claims = body.table("claims") if body.has("claims") else api_key.claims
        description = body.optional_text("description") if body.has("description") else api_key.description
        lifetime = body.seconds("seconds_until_expiration")
        api_key.scopes, api_key.claims, api_key.description = scopes, claims, description
        if body.has("seconds_until_expiration"):
            api_key.expires_at = None if lifetime is None else now + lifetime
        api_key.updated_at = now
        return JSONResponse(self._object(api_key))

    async def verify(self, request: Request) -> Response:
        """``POST /api_keys/verify``"""
        api_key = self._instance.api_keys.presented((await JSONBody.of(request)).secret("secret"))
        api_key = good_token(api_key, self._instance.clock())
        answer = self._object(api_key)
        api_key.last_used_at = self._instance.clock()
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
        return JSONResponse(deleted_object("api_key", api_key.id))

    def _api_key(self, request: Request) -> APIKey:
        api_key = self._instance.api_keys.get(request.path_params["api_key_id"])
        if api_key is None:
            raise not_found("API key")
        return api_key

    def _object(self, api_key: APIKey) -> dict[str, Any]:
        return api_key_object(api_key, self._instance.clock())

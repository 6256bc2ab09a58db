"""The Backend API's endpoints about JWT templates.

https://clerk.com/docs/reference/backend-api/tag/jwt-templates
"""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..claims import RESERVED_TEMPLATE_CLAIMS
from ..directory_objects import deleted_object
from ..errors import APIError, not_found
from ..instance import Instance
from ..jwt_templates import MAXIMUM_TEMPLATES, StoredTemplate
from ..listing import Paging
from ..seed import JWTTemplate
from .guard import BackendGuard
from .json_body import JSONBody

__all__ = ["JWTTemplateAPI"]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
#: Seconds.
_LIFETIMES = (30, 315_360_000)
_CLOCK_SKEWS = (0, 300)


class JWTTemplateAPI:
    """Templates, behind the instance's secret key."""

    def __init__(self, instance: Instance, guard: BackendGuard) -> None:
        self._instance = instance
        template = "/v1/jwt_templates/{template_id}"
        self.routes = [
            guard.route("/v1/jwt_templates", GET=self.templates),
            guard.route("/v1/jwt_templates", POST=self.create),
            guard.route(template, GET=self.template),
            guard.route(template, PATCH=self.update),
            guard.route(template, DELETE=self.delete),
        ]

    async def templates(self, request: Request) -> Response:
        """``GET /jwt_templates``"""
        return Paging(request).listed(self._instance.jwt_templates.all(), _template_object)

    async def create(self, request: Request) -> Response:
        """``POST /jwt_templates``"""
        if len(self._instance.jwt_templates.all()) >= MAXIMUM_TEMPLATES:
            raise APIError(403, "quota_exceeded", f"There are {MAXIMUM_TEMPLATES} JWT templates already.")
        body = await JSONBody.of(request)
        return JSONResponse(_template_object(self._instance.jwt_templates.put(self._described(body))))

    async def template(self, request: Request) -> Response:
        """``GET /jwt_templates/ID``"""
        return JSONResponse(_template_object(self._requested(request)))

    async def update(self, request: Request) -> Response:
        """``PATCH /jwt_templates/ID``: name and claims have to be given, the rest stays as it is."""
        known, body = self._requested(request), await JSONBody.of(request)
        changed = self._described(body, known)
        return JSONResponse(_template_object(self._instance.jwt_templates.put(changed, known.id)))

    async def delete(self, request: Request) -> Response:
        """``DELETE /jwt_templates/ID``"""
        template_id = self._requested(request).id
        self._instance.jwt_templates.remove(template_id)
        return JSONResponse(deleted_object("jwt_template", template_id))

    def _requested(self, request: Request) -> StoredTemplate:
        stored = self._instance.jwt_templates.get(request.path_params["template_id"])
        if stored is None:
            raise not_found("JWT template")
        return stored

    def _described(self, body: JSONBody, known: StoredTemplate | None = None) -> JWTTemplate:
        """The template that the body describes, with the rest from the one that is `known`."""
        name, claims = body.text("name"), body.table("claims")
        if not _NAME.fullmatch(name):
            raise body.invalid("name", "may hold letters, digits, _ and - alone, at most 100.")
        if any(each.template.name == name and each != known for each in self._instance.jwt_templates.all()):
            message = "That name is taken. Please try another."
            raise APIError(422, "form_identifier_exists", message, parameter="name")
        if claims is None:
            raise APIError(422, "form_param_missing", "claims must be an object.", parameter="claims")
        if reserved := sorted(RESERVED_TEMPLATE_CLAIMS.intersection(claims)):
            raise body.invalid("claims", f"must not hold {', '.join(reserved)}, which Clerk sets itself.")
        if body.flag("custom_signing_key", False):
            raise body.invalid("custom_signing_key", "must be false: LocalClerk signs with its own key.")
        template = known.template if known else JWTTemplate(name=name, claims=claims)
        lifetime = body.number("lifetime", *_LIFETIMES)
        clock_skew = body.number("allowed_clock_skew", *_CLOCK_SKEWS)
        return JWTTemplate(
            name=name,
            claims=claims,
            lifetime=template.lifetime if lifetime is None else lifetime,
            allowed_clock_skew=template.allowed_clock_skew if clock_skew is None else clock_skew,
        )


def _template_object(stored: StoredTemplate) -> dict[str, Any]:
    template = stored.template
    return {
        "object": "jwt_template",
        "id": stored.id,
        "name": template.name,
        "claims": dict(template.claims),
        "lifetime": template.lifetime,
        "allowed_clock_skew": template.allowed_clock_skew,
        "custom_signing_key": False,
        "signing_algorithm": "RS256",
        "created_at": int(stored.created_at * 1000),
        "updated_at": int(stored.updated_at * 1000),
    }

"""The Backend API's endpoints about organizations. What they change is an event, too.

https://clerk.com/docs/reference/backend-api/tag/organizations
"""

from __future__ import annotations

from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..directory_objects import deleted_object, organization_object
from ..errors import not_found
from ..instance import Instance
from ..listing import Paging, in_order
from ..organization_access import OrganizationAccess, OrganizationFields
from ..seed import Organization
from .guard import BackendGuard
from .json_body import JSONBody
from .user_filter import SignedValues

__all__ = ["OrganizationAPI", "requested_organization"]

_MAXIMUM_MEMBERSHIPS = 1_000_000


class OrganizationAPI:
    """Organizations, behind the instance's secret key."""

    def __init__(self, instance: Instance, access: OrganizationAccess, guard: BackendGuard) -> None:
        self._instance = instance
        self._access = access
        organization = "/v1/organizations/{organization}"
        self.routes = [
            guard.route("/v1/organizations", GET=self.organizations),
            guard.route("/v1/organizations", POST=self.create),
            guard.route(organization, GET=self.organization),
            guard.route(organization, PATCH=self.update),
            guard.route(organization, DELETE=self.delete),
            guard.route(f"{organization}/metadata", PATCH=self.merge_metadata),
            guard.route(f"{organization}/metadata", PUT=self.replace_metadata),
        ]

    async def organizations(self, request: Request) -> Response:
        """``GET /organizations``, the newest first unless ``order_by`` says otherwise."""
        users, ids = SignedValues(request, "user_id"), SignedValues(request, "organization_id")
        query = request.query_params.get("query", "").lower()
        found = [
            each
            for each in self._instance.organizations.values()
            if users.match(each.members)
            and ids.match((each.id,))
            and (query in each.name.lower() or query in each.slug or query == each.id.lower())
        ]
        orders = {
            "created_at": lambda each: self._instance.times_of(each.id)[0],
            "name": lambda each: each.name,
            "members_count": lambda each: len(each.members),
        }
        return Paging(request).counted(in_order(request, found, orders), self._object)

    async def create(self, request: Request) -> Response:
        """``POST /organizations``: the user who is ``created_by`` becomes its first member."""
        body = await JSONBody.of(request)
        name, fields = body.text("name"), _fields(body)
        created_by = body.optional_text("created_by")
        if created_by is not None and created_by not in self._instance.users:
            raise not_found("user")
        organization = self._access.create_organization(name, created_by=created_by, **fields)
        return JSONResponse(self._object(organization))

    async def organization(self, request: Request) -> Response:
        """``GET /organizations/ID``, where the id may be the slug."""
        return JSONResponse(self._object(requested_organization(self._instance, request)))

    async def update(self, request: Request) -> Response:
        """``PATCH /organizations/ID``: what is not in the body stays as it is."""
        organization, body = requested_organization(self._instance, request), await JSONBody.of(request)
        if (name := body.optional_text("name")) is not None:
            return self._changed(organization, {**_fields(body), "name": name})
        return self._changed(organization, _fields(body))

    async def delete(self, request: Request) -> Response:
        """``DELETE /organizations/ID``"""
        organization = requested_organization(self._instance, request)
        self._access.delete_organization(organization.id)
        return JSONResponse(deleted_object("organization", organization.id))

    async def merge_metadata(self, request: Request) -> Response:
        """``PATCH /organizations/ID/metadata``: the keys that are given; ``null`` takes one away."""
        organization, body = requested_organization(self._instance, request), await JSONBody.of(request)
        changes: dict[str, Any] = {}
        if body.has("public_metadata"):
            changes["public_metadata"] = body.merged("public_metadata", organization.public_metadata)
        if body.has("private_metadata"):
            changes["private_metadata"] = body.merged("private_metadata", organization.private_metadata)
        return self._changed(organization, changes)

    async def replace_metadata(self, request: Request) -> Response:
        """``PUT /organizations/ID/metadata``: in the place of what was there."""
        organization, body = requested_organization(self._instance, request), await JSONBody.of(request)
        return self._changed(organization, _metadata(body))

    def _changed(self, organization: Organization, changes: dict[str, Any]) -> Response:
        changed = self._access.update_organization(organization.id, **cast(OrganizationFields, changes))
        return JSONResponse(self._object(changed))

    def _object(self, organization: Organization) -> dict[str, Any]:
        return organization_object(self._instance, organization)


def requested_organization(instance: Instance, request: Request) -> Organization:
    """The organization whose id or slug is in the path."""
    organization = instance.organization_named(request.path_params["organization"])
    if organization is None:
        raise not_found("organization")
    return organization


def _fields(body: JSONBody) -> dict[str, Any]:
    """What the body says of an organization, but for its name."""
    fields = _metadata(body)
    if (slug := body.optional_text("slug")) is not None:
        fields["slug"] = slug
    maximum = body.number("max_allowed_memberships", 0, _MAXIMUM_MEMBERSHIPS)
    if maximum is not None:
        fields["max_allowed_memberships"] = maximum
    return fields


def _metadata(body: JSONBody) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if (public := body.table("public_metadata")) is not None:
        fields["public_metadata"] = public
    if (private := body.table("private_metadata")) is not None:
        fields["private_metadata"] = private
    return fields

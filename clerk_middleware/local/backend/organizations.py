"""The Backend API's endpoints about organizations. What they change is an event, too.

https://clerk.com/docs/reference/backend-api/tag/organizations
"""

from __future__ import annotations

import re
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..directory_objects import deleted_object, organization_object
from ..errors import APIError, not_found
from ..instance import Instance
from ..organization_access import OrganizationAccess, OrganizationFields
from ..seed import Organization
from .guard import BackendGuard
from .json_body import JSONBody
from .paging import Paging, in_order
from .user_filter import SignedValues

__all__ = ["OrganizationAPI", "requested_organization"]

#: Beyond those of a seed: nobody makes room, for each is there to stay.
_MAXIMUM_ORGANIZATIONS = 1000
_MAXIMUM_MEMBERSHIPS = 1_000_000
_SLUG = re.compile(r"[a-z0-9_-]{1,100}")


class OrganizationAPI:
    """Organizations, behind the instance's secret key."""

    def __init__(self, instance: Instance, access: OrganizationAccess, guard: BackendGuard) -> None:
        self._instance = instance
        self._access = access
        guarded, organization = guard.guarded, "/v1/organizations/{organization}"
        self.routes = [
            Route("/v1/organizations", guarded(self.organizations), methods=["GET"]),
            Route("/v1/organizations", guarded(self.create), methods=["POST"]),
            Route(organization, guarded(self.organization), methods=["GET"]),
            Route(organization, guarded(self.update), methods=["PATCH"]),
            Route(organization, guarded(self.delete), methods=["DELETE"]),
            Route(f"{organization}/metadata", guarded(self.merge_metadata), methods=["PATCH"]),
            Route(f"{organization}/metadata", guarded(self.replace_metadata), methods=["PUT"]),
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
        if len(self._instance.organizations) >= _MAXIMUM_ORGANIZATIONS:
            message = f"There are {_MAXIMUM_ORGANIZATIONS} organizations already."
            raise APIError(403, "organization_quota_exceeded", message)
        body = await JSONBody.of(request)
        name, fields = body.text("name"), _fields(body)
        created_by = body.optional_text("created_by")
        if created_by is not None and created_by not in self._instance.users:
            raise not_found("user")
        try:
            organization = self._access.create_organization(name, created_by=created_by, **fields)
        except LookupError as error:
            raise body.invalid("created_by", f"cannot be the first member: {error}.") from error
        except ValueError as error:
            raise _slug_taken() from error
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
        try:
            changed = self._access.update_organization(organization.id, **cast(OrganizationFields, changes))
        except ValueError as error:
            raise _slug_taken() from error
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
        if not _SLUG.fullmatch(slug):
            raise body.invalid("slug", "may hold small letters, digits, _ and - alone, at most 100.")
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


def _slug_taken() -> APIError:
    message = "That slug is taken. Please try another."
    return APIError(422, "form_identifier_exists", message, parameter="slug")

"""Organizations, for their members: ``/v1/organizations``.

https://clerk.com/docs/reference/frontend-api/tag/Organization
"""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response

from ..directory_objects import deleted_object
from ..errors import APIError
from ..instance import Instance
from ..organization_access import OrganizationAccess, OrganizationFields
from ..seed import Organization
from .form import Form
from .frontend_request import FrontendRequest
from .guard import FrontendGuard
from .listing import page_of
from .organization_members import OrganizationMembers
from .organization_resources import organization_resource, role_resource
from .resources import Resources

__all__ = ["Organizations"]

#: Beyond those of a seed: nobody makes room, for each is there to stay.
_MAXIMUM_ORGANIZATIONS = 1000
_MAXIMUM_MEMBERSHIPS = 100
_SLUG = re.compile(r"[a-z0-9-]*[a-z0-9][a-z0-9-]*")

_READ = "org:sys_memberships:read"
_MANAGE = "org:sys_memberships:manage"


class Organizations:
    """Everybody may make one; what else is possible is a matter of permissions."""

    def __init__(
        self,
        instance: Instance,
        directory: OrganizationAccess,
        members: OrganizationMembers,
        guard: FrontendGuard,
        resources: Resources,
    ) -> None:
        self._instance = instance
        self._directory = directory
        self._members = members
        self._resources = resources
        organization = "/v1/organizations/{organization_id}"
        self.routes = [
            guard.route("/v1/organizations", POST=self.create),
            guard.route(organization, GET=self.organization, PATCH=self.update, DELETE=self.delete),
            guard.route(f"{organization}/roles", GET=self.roles),
            guard.route(f"{organization}/domains", GET=self.domains),
            guard.route(f"{organization}/membership_requests", GET=self.membership_requests),
        ]

    async def create(self, asked: FrontendRequest) -> Response:
        """``POST /organizations``: the user becomes the first member, as an admin."""
        user, form = self._members.user(asked), asked.form
        if len(self._instance.organizations) >= _MAXIMUM_ORGANIZATIONS:
            message = f"There are {_MAXIMUM_ORGANIZATIONS} organizations already."
            raise APIError(403, "organization_quota_exceeded", message)
        if len(self._instance.organizations_of(user.id)) >= _MAXIMUM_MEMBERSHIPS:
            message = f"Nobody may be in more than {_MAXIMUM_MEMBERSHIPS} organizations."
            raise APIError(403, "organization_membership_quota_exceeded", message)
        name, slug = form.text("name"), form.optional_text("slug")
        self._check_slug(slug)
        try:
            made = self._directory.create_organization(name, slug=slug, created_by=user.id)
        except LookupError as error:
            message = "The seed has no role org:admin, which who makes an organization gets: add it."
            raise APIError(403, "organization_creator_not_found", message) from error
        return self._answer(asked, made)

    async def organization(self, asked: FrontendRequest) -> Response:
        """``GET /organizations/ID``"""
        return self._answer(asked, self._members.organization(asked)[0])

    async def update(self, asked: FrontendRequest) -> Response:
        """``PATCH /organizations/ID``: another name or slug."""
        organization, _ = self._members.organization(asked, "org:sys_profile:manage")
        changes = _changes(asked.form)
        self._check_slug(changes.get("slug"), organization)
        return self._answer(asked, self._directory.update_organization(organization.id, **changes))

    async def delete(self, asked: FrontendRequest) -> Response:
        """``DELETE /organizations/ID``"""
        organization, _ = self._members.organization(asked, "org:sys_profile:delete")
        self._directory.delete_organization(organization.id)
        return self._resources.answer(asked, deleted_object("organization", organization.id))

    async def roles(self, asked: FrontendRequest) -> Response:
        """``GET …/roles``: those that members may have."""
        self._members.organization(asked, _READ, _MANAGE)
        roles = [role_resource(self._instance, role) for role in self._instance.seed.roles.values()]
        page = page_of(asked, roles, dict)
        return self._resources.answer(asked, {**page, "has_role_set_migration": False})

    async def domains(self, asked: FrontendRequest) -> Response:
        """``GET …/domains``: there are none, as the environment says."""
        self._members.organization(asked, "org:sys_domains:read", "org:sys_domains:manage")
        return self._nothing(asked)

    async def membership_requests(self, asked: FrontendRequest) -> Response:
        """``GET …/membership_requests``: without domains nobody can ask to join."""
        self._members.organization(asked, _MANAGE)
        return self._nothing(asked)

    def _check_slug(self, slug: str | None, organization: Organization | None = None) -> None:
        if slug is None:
            return
        if not _SLUG.fullmatch(slug):
            message = "slug must be small letters, digits and -."
            raise APIError(422, "form_param_format_invalid", message, parameter="slug")
        for other in self._instance.organizations.values():
            if other.slug == slug and (organization is None or other.id != organization.id):
                message = "That slug is taken. Try another."
                raise APIError(422, "form_identifier_exists", message, parameter="slug")

    def _answer(self, asked: FrontendRequest, organization: Organization) -> Response:
        return self._resources.answer(asked, organization_resource(self._instance, organization))

    def _nothing(self, asked: FrontendRequest) -> Response:
        nothing: list[dict[str, Any]] = []
        return self._resources.answer(asked, page_of(asked, nothing, dict))


def _changes(form: Form) -> OrganizationFields:
    changes: OrganizationFields = {}
    if "name" in form:
        changes["name"] = form.text("name")
    if "slug" in form:
        changes["slug"] = form.text("slug")
    return changes

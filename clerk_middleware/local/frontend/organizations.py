"""Organizations, for their members: ``/v1/organizations``.

https://clerk.com/docs/reference/frontend-api/tag/Organization
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..directory_objects import deleted_object
from ..listing import Paging
from ..organization_access import OrganizationFields
from ..seed import Organization
from .form import Form
from .frontend import Frontend
from .frontend_request import FrontendRequest
from .organization_members import MANAGE_MEMBERS, READ_MEMBERS
from .organization_resources import organization_resource, role_resource

__all__ = ["OrganizationAPI"]


class OrganizationAPI:
    """Everybody may make one; what else is possible is a matter of permissions."""

    def __init__(self, frontend: Frontend) -> None:
        self._instance = frontend.instance
        self._access = frontend.access
        self._members = frontend.members
        self._resources = frontend.resources
        organization = "/v1/organizations/{organization_id}"
        self.routes = [
            frontend.guard.route("/v1/organizations", POST=self.create),
            frontend.guard.route(organization, GET=self.organization, PATCH=self.update, DELETE=self.delete),
            frontend.guard.route(f"{organization}/roles", GET=self.roles),
            frontend.guard.route(f"{organization}/domains", GET=self.domains),
            frontend.guard.route(f"{organization}/membership_requests", GET=self.membership_requests),
        ]

    async def create(self, asked: FrontendRequest) -> Response:
        """``POST /organizations``: the user becomes the first member, as an admin."""
        user, form = asked.user, asked.form
        name, slug = form.text("name"), form.optional_text("slug")
        made = self._access.create_organization(name, slug=slug, created_by=user.id)
        return self._answer(asked, made)

    async def organization(self, asked: FrontendRequest) -> Response:
        """``GET /organizations/ID``"""
        return self._answer(asked, self._members.organization(asked)[0])

    async def update(self, asked: FrontendRequest) -> Response:
        """``PATCH /organizations/ID``: another name or slug."""
        organization, _ = self._members.organization(asked, "org:sys_profile:manage")
        changes = _changes(asked.form)
        return self._answer(asked, self._access.update_organization(organization.id, **changes))

    async def delete(self, asked: FrontendRequest) -> Response:
        """``DELETE /organizations/ID``"""
        organization, _ = self._members.organization(asked, "org:sys_profile:delete")
        self._access.delete_organization(organization.id)
        return self._resources.answer(asked, deleted_object("organization", organization.id))

    async def roles(self, asked: FrontendRequest) -> Response:
        """``GET …/roles``: those that members may have."""
        self._members.organization(asked, READ_MEMBERS, MANAGE_MEMBERS)
        roles = [role_resource(self._instance, role) for role in self._instance.seed.roles.values()]
        page = Paging(asked.request).page(roles, dict)
        return self._resources.answer(asked, {**page, "has_role_set_migration": False})

    async def domains(self, asked: FrontendRequest) -> Response:
        """``GET …/domains``: there are none, as the environment says."""
        self._members.organization(asked, "org:sys_domains:read", "org:sys_domains:manage")
        return self._nothing(asked)

    async def membership_requests(self, asked: FrontendRequest) -> Response:
        """``GET …/membership_requests``: without domains nobody can ask to join."""
        self._members.organization(asked, MANAGE_MEMBERS)
        return self._nothing(asked)

    def _answer(self, asked: FrontendRequest, organization: Organization) -> Response:
        return self._resources.answer(asked, organization_resource(self._instance, organization))

    def _nothing(self, asked: FrontendRequest) -> Response:
        nothing: list[dict[str, Any]] = []
        return self._resources.answer(asked, Paging(asked.request).page(nothing, dict))


def _changes(form: Form) -> OrganizationFields:
    changes: OrganizationFields = {}
    if "name" in form:
        changes["name"] = form.text("name")
    if "slug" in form:
        changes["slug"] = form.text("slug")
    return changes

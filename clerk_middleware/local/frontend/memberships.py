"""The members of an organization: ``/v1/organizations/ID/memberships``.

https://clerk.com/docs/reference/frontend-api/tag/Members
"""

from __future__ import annotations

from starlette.responses import Response

from ..errors import APIError
from ..instance import Instance
from ..organization_access import OrganizationAccess
from ..seed import Organization, User
from .form import Form
from .frontend_request import FrontendRequest
from .guard import FrontendGuard
from .listing import chosen, page_of
from .organization_members import OrganizationMembers
from .refusals import not_found
from .resources import Resources
from .user_resources import membership_resource

__all__ = ["Memberships", "requested_role"]

_READ = "org:sys_memberships:read"
_MANAGE = "org:sys_memberships:manage"


class Memberships:
    """Members, as those see and manage them who may. Nobody becomes one but by an invitation."""

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
        memberships = "/v1/organizations/{organization_id}/memberships"
        self.routes = [
            guard.route(memberships, GET=self.memberships),
            guard.route(f"{memberships}/{{user_id}}", PATCH=self.update, DELETE=self.delete),
        ]

    async def memberships(self, asked: FrontendRequest) -> Response:
        """``GET …/memberships``, with ``role`` and ``query``, a part of a name, an address or an id."""
        organization, _ = self._members.organization(asked, _READ, _MANAGE)
        roles, wanted = chosen(asked, "role"), (asked.query("query") or "").strip().lower()
        users = [
            self._instance.users[user_id]
            for user_id, role in organization.members.items()
            if not roles or role in roles
        ]
        found = [user for user in users if wanted in _searchable(user)]
        page = page_of(
            asked,
            found,
            lambda user: membership_resource(self._instance, self._directory, organization, user),
        )
        return self._resources.answer(asked, page)

    async def update(self, asked: FrontendRequest) -> Response:
        """``PATCH …/memberships/USER_ID``: another role."""
        organization, member = self._member(asked)
        role = requested_role(self._instance, asked.form)
        self._members.expect_manager(organization, {**organization.members, member.id: role})
        self._directory.update_organization_membership(organization.id, member.id, role)
        changed = self._instance.organizations[organization.id]
        shown = membership_resource(self._instance, self._directory, changed, member)
        return self._resources.answer(asked, shown)

    async def delete(self, asked: FrontendRequest) -> Response:
        """``DELETE …/memberships/USER_ID``: the answer is the membership that was."""
        organization, member = self._member(asked)
        left = {id: role for id, role in organization.members.items() if id != member.id}
        self._members.expect_manager(organization, left)
        shown = membership_resource(self._instance, self._directory, organization, member)
        self._directory.delete_organization_membership(organization.id, member.id)
        return self._resources.answer(asked, shown)

    def _member(self, asked: FrontendRequest) -> tuple[Organization, User]:
        organization, _ = self._members.organization(asked, _MANAGE)
        user_id = asked.path("user_id")
        if user_id not in organization.members:
            raise not_found("member")
        return organization, self._instance.users[user_id]


def requested_role(instance: Instance, form: Form) -> str:
    """The role in a form. Raises `APIError` for one that the seed does not have."""
    role = form.text("role")
    if role not in instance.seed.roles:
        known = ", ".join(instance.seed.roles)
        raise APIError(404, "resource_not_found", f"There is no such role; there are: {known}.")
    return role


def _searchable(user: User) -> str:
    return f"{user.full_name or ''}\n{user.email}\n{user.username or ''}\n{user.id}".lower()

"""The members of an organization: ``/v1/organizations/ID/memberships``.

https://clerk.com/docs/reference/frontend-api/tag/Members
"""

from __future__ import annotations

from starlette.responses import Response

from ..errors import APIError, not_found
from ..instance import Instance
from ..listing import Paging, words_of
from ..seed import Organization, User
from .form import Form
from .frontend import Frontend
from .frontend_request import FrontendRequest
from .organization_members import MANAGE_MEMBERS, READ_MEMBERS
from .user_resources import membership_resource

__all__ = ["MembershipAPI", "requested_role"]


class MembershipAPI:
    """Members, as those see and manage them who may. Nobody becomes one but by an invitation."""

    def __init__(self, frontend: Frontend) -> None:
        self._instance = frontend.instance
        self._access = frontend.access
        self._members = frontend.members
        self._resources = frontend.resources
        memberships = "/v1/organizations/{organization_id}/memberships"
        self.routes = [
            frontend.guard.route(memberships, GET=self.memberships),
            frontend.guard.route(f"{memberships}/{{user_id}}", PATCH=self.update, DELETE=self.delete),
        ]

    async def memberships(self, asked: FrontendRequest) -> Response:
        """``GET …/memberships``, with ``role`` and ``query``, a part of a name, an address or an id."""
        organization, _ = self._members.organization(asked, READ_MEMBERS, MANAGE_MEMBERS)
        roles, wanted = words_of(asked.request, "role"), (asked.query("query") or "").strip().lower()
        users = [
            self._instance.users[user_id]
            for user_id, role in organization.members.items()
            if not roles or role in roles
        ]
        found = [user for user in users if wanted in _searchable(user)]
        page = Paging(asked.request).page(
            found,
            lambda user: membership_resource(self._instance, self._access, organization, user),
        )
        return self._resources.answer(asked, page)

    async def update(self, asked: FrontendRequest) -> Response:
        """``PATCH …/memberships/USER_ID``: another role."""
        organization, member = self._member(asked)
        role = requested_role(self._instance, asked.form)
        self._members.expect_manager(organization, {**organization.members, member.id: role})
        self._access.update_organization_membership(organization.id, member.id, role)
        changed = self._instance.organizations[organization.id]
        shown = membership_resource(self._instance, self._access, changed, member)
        return self._resources.answer(asked, shown)

    async def delete(self, asked: FrontendRequest) -> Response:
        """``DELETE …/memberships/USER_ID``: the answer is the membership that was."""
        organization, member = self._member(asked)
        left = {id: role for id, role in organization.members.items() if id != member.id}
        self._members.expect_manager(organization, left)
        shown = membership_resource(self._instance, self._access, organization, member)
        self._access.delete_organization_membership(organization.id, member.id)
        return self._resources.answer(asked, shown)

    def _member(self, asked: FrontendRequest) -> tuple[Organization, User]:
        organization, _ = self._members.organization(asked, MANAGE_MEMBERS)
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

"""The Backend API's endpoints about the members of organizations. What they change is an event, too.

https://clerk.com/docs/reference/backend-api/tag/organization-memberships
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..errors import APIError, not_found
from ..instance import Instance
from ..listing import Paging, in_order, values_of
from ..organization_access import OrganizationAccess
from ..seed import Organization, User
from .guard import BackendGuard
from .json_body import JSONBody
from .organizations import requested_organization
from .user_filter import UserFilter, user_orders

__all__ = ["MembershipAPI", "expect_role"]

_Membership = tuple[Organization, User]


class MembershipAPI:
    """Who is a member, in which role, behind the instance's secret key."""

    def __init__(self, instance: Instance, access: OrganizationAccess, guard: BackendGuard) -> None:
        self._instance = instance
        self._access = access
        memberships = "/v1/organizations/{organization}/memberships"
        self.routes = [
            guard.route("/v1/organization_memberships", GET=self.all_memberships),
            guard.route(memberships, GET=self.memberships),
            guard.route(memberships, POST=self.create),
            guard.route(f"{memberships}/{{user_id}}", PATCH=self.update),
            guard.route(f"{memberships}/{{user_id}}", DELETE=self.delete),
        ]

    async def memberships(self, request: Request) -> Response:
        """``GET /organizations/ID/memberships``, with filters as ``GET /users`` has them, and by ``role``."""
        organization = requested_organization(self._instance, request)
        wanted, roles = UserFilter(self._instance, request), values_of(request, "role")
        found = [
            member
            for member in self._members_of(organization)
            if wanted.matches(member[1]) and (not roles or organization.members[member[1].id] in roles)
        ]
        return Paging(request).counted(in_order(request, found, self._orders()), self._object)

    async def all_memberships(self, request: Request) -> Response:
        """``GET /organization_memberships``: those of all organizations."""
        found = [
            member
            for organization in self._instance.organizations.values()
            for member in self._members_of(organization)
        ]
        return Paging(request).counted(in_order(request, found, self._orders()), self._object)

    async def create(self, request: Request) -> Response:
        """``POST /organizations/ID/memberships``"""
        organization, body = requested_organization(self._instance, request), await JSONBody.of(request)
        user_id, role = body.text("user_id"), expect_role(self._instance, body)
        for name in ("public_metadata", "private_metadata"):
            if body.table(name):
                raise body.invalid(name, "is nothing that memberships of LocalClerk have.")
        if user_id not in self._instance.users:
            raise not_found("user")
        self._access.create_organization_membership(organization.id, user_id, role)
        return JSONResponse(self._object(self._member(request, user_id)))

    async def update(self, request: Request) -> Response:
        """``PATCH /organizations/ID/memberships/USER``: another role."""
        organization, user = self._member(request)
        role = expect_role(self._instance, await JSONBody.of(request))
        self._access.update_organization_membership(organization.id, user.id, role)
        return JSONResponse(self._object(self._member(request)))

    async def delete(self, request: Request) -> Response:
        """``DELETE /organizations/ID/memberships/USER``: answers the membership that was."""
        organization, user = self._member(request)
        gone = self._object((organization, user))
        self._access.delete_organization_membership(organization.id, user.id)
        return JSONResponse(gone)

    def _member(self, request: Request, user_id: str | None = None) -> _Membership:
        organization = requested_organization(self._instance, request)
        user = self._instance.users.get(user_id or request.path_params["user_id"])
        if user is None or user.id not in organization.members:
            raise APIError(404, "resource_not_found", "The organization has no such member.")
        return organization, user

    def _members_of(self, organization: Organization) -> list[_Membership]:
        users = self._instance.users
        return [(organization, users[user_id]) for user_id in organization.members if user_id in users]

    def _orders(self) -> dict[str, Callable[[_Membership], Any]]:
        def by_user(key: Callable[[User], Any]) -> Callable[[_Membership], Any]:
            return lambda member: key(member[1])

        of_users = {name: by_user(key) for name, key in user_orders(self._instance).items()}
        return {**of_users, "created_at": lambda member: self._access.member_since(*member)}

    def _object(self, member: _Membership) -> dict[str, Any]:
        return self._access.membership_object(*member)


def expect_role(instance: Instance, body: JSONBody) -> str:
    """The role in the body, which must be one of the instance."""
    role, roles = body.text("role"), instance.seed.roles
    if role not in roles:
        raise body.invalid("role", f"must be one of {', '.join(roles) or 'no roles, for there are none'}.")
    return role

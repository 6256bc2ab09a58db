"""Who may do what in the organization that a request is about: a member, by the permissions of the role.

https://clerk.com/docs/guides/organizations/control-access/roles-and-permissions
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import APIError, not_found
from ..instance import Instance
from ..seed import Organization, User
from .frontend_request import FrontendRequest

__all__ = ["MANAGE_MEMBERS", "READ_MEMBERS", "OrganizationMembers"]

READ_MEMBERS = "org:sys_memberships:read"
MANAGE_MEMBERS = "org:sys_memberships:manage"

#: What somebody in an organization has to be able to do, or nobody could ever again.
_MINIMUM = frozenset({READ_MEMBERS, MANAGE_MEMBERS, "org:sys_profile:delete"})


class OrganizationMembers:
    """Looks at the user of the session that asks, and at nothing that the page says."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def organization(self, asked: FrontendRequest, *permissions: str) -> tuple[Organization, User]:
        """The organization in the path, and the member who asks, with one of `permissions` if there are any.

        Raises `APIError`: for the organizations of others it is the one for those that are not.
        """
        user = asked.user
        organization = self._instance.organizations.get(asked.path("organization_id"))
        if organization is None or user.id not in organization.members:
            raise not_found("organization")
        granted = self._permissions(organization.members[user.id])
        if permissions and not granted.intersection(permissions):
            message = f"The user's role in this organization lacks the permission {permissions[0]}."
            raise APIError(403, "missing_organization_permission", message)
        return organization, user

    def expect_manager(self, organization: Organization, members: Mapping[str, str]) -> None:
        """Refuse the change to `members`, user ids with their roles, if nobody would be left in charge.

        Raises `APIError`.
        """
        if self._has_manager(organization.members) and not self._has_manager(members):
            message = "There has to be at least one member who can manage the members and delete it."
            raise APIError(400, "organization_minimum_permissions_needed", message)

    def _has_manager(self, members: Mapping[str, str]) -> bool:
        return any(self._permissions(role) >= _MINIMUM for role in members.values())

    def _permissions(self, role: str) -> frozenset[str]:
        return frozenset(self._instance.seed.roles[role].permissions)

"""The organizations of who is signed in: ``/v1/me/organization_…``.

https://clerk.com/docs/reference/frontend-api/tag/Organizations-Memberships
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..directory_objects import deleted_object
from ..instance import Instance
from ..invitations import OrganizationInvitation
from ..organization_access import OrganizationAccess
from ..seed import User
from .frontend_request import FrontendRequest
from .guard import FrontendGuard
from .listing import chosen, page_of
from .organization_members import OrganizationMembers
from .organization_resources import invitation_resource
from .refusals import not_found
from .resources import Resources
from .user_resources import membership_resource

__all__ = ["MyOrganizations"]


class MyOrganizations:
    """Where the user is a member or invited; leaving and accepting."""

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
        invitations = "/v1/me/organization_invitations"
        self.routes = [
            guard.route("/v1/me/organization_memberships", GET=self.memberships),
            guard.route("/v1/me/organization_memberships/{organization_id}", DELETE=self.leave),
            guard.route(invitations, GET=self.invitations),
            guard.route(f"{invitations}/{{invitation_id}}/accept", POST=self.accept),
            guard.route("/v1/me/organization_suggestions", GET=self.suggestions),
            guard.route("/v1/me/organization_creation_defaults", GET=self.creation_defaults),
        ]

    async def memberships(self, asked: FrontendRequest) -> Response:
        """``GET /me/organization_memberships``"""
        user = self._members.user(asked)
        page = page_of(
            asked,
            self._instance.organizations_of(user.id),
            lambda organization: membership_resource(self._instance, self._directory, organization, user),
        )
        return self._resources.answer(asked, page)

    async def leave(self, asked: FrontendRequest) -> Response:
        """``DELETE /me/organization_memberships/ORGANIZATION_ID``: leave an organization."""
        organization, user = self._members.organization(asked)
        left = {id: role for id, role in organization.members.items() if id != user.id}
        self._members.expect_manager(organization, left)
        membership = self._directory.membership_object(organization, user)
        self._directory.delete_organization_membership(organization.id, user.id)
        return self._resources.answer(asked, deleted_object("organization_membership", membership["id"]))

    async def invitations(self, asked: FrontendRequest) -> Response:
        """``GET /me/organization_invitations``, those of the user's address; ``status`` says which."""
        statuses, now = chosen(asked, "status"), self._instance.clock()
        found = [
            invitation
            for invitation in self._invitations_of(self._members.user(asked))
            if not statuses or invitation.status_at(now) in statuses
        ]
        page = page_of(asked, found, lambda invitation: invitation_resource(self._instance, invitation))
        return self._resources.answer(asked, page)

    async def accept(self, asked: FrontendRequest) -> Response:
        """``POST /me/organization_invitations/ID/accept``: become a member."""
        user, now = self._members.user(asked), self._instance.clock()
        wanted = asked.path("invitation_id")
        for invitation in self._invitations_of(user):
            if invitation.id == wanted and invitation.status_at(now) == "pending":
                accepted = self._directory.accept_organization_invitation(wanted, user.id)
                return self._resources.answer(asked, invitation_resource(self._instance, accepted))
        raise not_found("invitation that can be accepted")

    async def suggestions(self, asked: FrontendRequest) -> Response:
        """``GET /me/organization_suggestions``: without domains there are none."""
        self._members.user(asked)
        nothing: list[dict[str, Any]] = []
        return self._resources.answer(asked, page_of(asked, nothing, dict))

    async def creation_defaults(self, asked: FrontendRequest) -> Response:
        """``GET /me/organization_creation_defaults``: there are none, as the environment says."""
        self._members.user(asked)
        form = {"name": "", "slug": "", "logo": None, "blur_hash": None}
        return self._resources.answer(asked, {"advisory": None, "form": form})

    def _invitations_of(self, user: User) -> list[OrganizationInvitation]:
        """Those of an address that the user has proved to have: others could claim any."""
        address = user.email.lower() if user.email_verified else None
        kept = self._instance.invitations.values()
        return [invitation for invitation in kept if invitation.email.lower() == address]

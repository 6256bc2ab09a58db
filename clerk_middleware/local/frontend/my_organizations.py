"""The organizations of who is signed in: ``/v1/me/organization_…``.

https://clerk.com/docs/reference/frontend-api/tag/Organizations-Memberships
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..directory_objects import deleted_object
from ..errors import not_found
from ..listing import Paging, with_status
from ..organization_invitations import OrganizationInvitation
from ..seed import User
from .frontend import Frontend
from .frontend_request import FrontendRequest
from .organization_resources import invitation_resource
from .user_resources import membership_resource

__all__ = ["MyOrganizationAPI"]


class MyOrganizationAPI:
    """Where the user is a member or invited; leaving and accepting."""

    def __init__(self, frontend: Frontend) -> None:
        self._instance = frontend.instance
        self._access = frontend.access
        self._members = frontend.members
        self._resources = frontend.resources
        invitations = "/v1/me/organization_invitations"
        self.routes = [
            frontend.guard.route("/v1/me/organization_memberships", GET=self.memberships),
            frontend.guard.route("/v1/me/organization_memberships/{organization_id}", DELETE=self.leave),
            frontend.guard.route(invitations, GET=self.invitations),
            frontend.guard.route(f"{invitations}/{{invitation_id}}/accept", POST=self.accept),
            frontend.guard.route("/v1/me/organization_suggestions", GET=self.suggestions),
            frontend.guard.route("/v1/me/organization_creation_defaults", GET=self.creation_defaults),
        ]

    async def memberships(self, asked: FrontendRequest) -> Response:
        """``GET /me/organization_memberships``"""
        user = asked.user
        page = Paging(asked.request).page(
            self._instance.organizations_of(user.id),
            lambda organization: membership_resource(self._instance, self._access, organization, user),
        )
        return self._resources.answer(asked, page)

    async def leave(self, asked: FrontendRequest) -> Response:
        """``DELETE /me/organization_memberships/ORGANIZATION_ID``: leave an organization."""
        organization, user = self._members.organization(asked)
        left = {id: role for id, role in organization.members.items() if id != user.id}
        self._members.expect_manager(organization, left)
        membership = self._access.membership_object(organization, user)
        self._access.delete_organization_membership(organization.id, user.id)
        return self._resources.answer(asked, deleted_object("organization_membership", membership["id"]))

    async def invitations(self, asked: FrontendRequest) -> Response:
        """``GET /me/organization_invitations``, those of the user's address; ``status`` says which."""
        kept = self._invitations_of(asked.user)
        found = with_status(asked.request, kept, self._instance.clock())
        page = Paging(asked.request).page(found, lambda each: invitation_resource(self._instance, each))
        return self._resources.answer(asked, page)

    async def accept(self, asked: FrontendRequest) -> Response:
        """``POST /me/organization_invitations/ID/accept``: become a member."""
        user, now = asked.user, self._instance.clock()
        wanted = asked.path("invitation_id")
        for invitation in self._invitations_of(user):
            if invitation.id == wanted and invitation.status_at(now) == "pending":
                accepted = self._access.accept_organization_invitation(wanted, user.id)
                return self._resources.answer(asked, invitation_resource(self._instance, accepted))
        raise not_found("invitation that can be accepted")

    async def suggestions(self, asked: FrontendRequest) -> Response:
        """``GET /me/organization_suggestions``: without domains there are none."""
        _ = asked.user
        nothing: list[dict[str, Any]] = []
        return self._resources.answer(asked, Paging(asked.request).page(nothing, dict))

    async def creation_defaults(self, asked: FrontendRequest) -> Response:
        """``GET /me/organization_creation_defaults``: there are none, as the environment says."""
        _ = asked.user
        form = {"name": "", "slug": "", "logo": None, "blur_hash": None}
        return self._resources.answer(asked, {"advisory": None, "form": form})

    def _invitations_of(self, user: User) -> list[OrganizationInvitation]:
        """Those of an address that the user has proved to have: others could claim any."""
        return self._instance.invitations_of(user) if user.email_verified else []

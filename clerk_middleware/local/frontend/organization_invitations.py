"""Inviting to an organization: ``/v1/organizations/ID/invitations``.

https://clerk.com/docs/reference/frontend-api/tag/Invitations
"""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from ..errors import not_found
from ..listing import Paging, with_status
from ..organization_invitations import OrganizationInvitation
from .frontend import Frontend
from .frontend_request import FrontendRequest
from .memberships import requested_role
from .organization_members import MANAGE_MEMBERS
from .organization_resources import invitation_resource

__all__ = ["OrganizationInvitationAPI"]

_MAXIMUM_AT_ONCE = 10


class OrganizationInvitationAPI:
    """Invitations by e-mail address. No mail is sent: who signs in with the address finds it."""

    def __init__(self, frontend: Frontend) -> None:
        self._instance = frontend.instance
        self._access = frontend.access
        self._members = frontend.members
        self._resources = frontend.resources
        invitations = "/v1/organizations/{organization_id}/invitations"
        self.routes = [
            frontend.guard.route(invitations, GET=self.invitations, POST=self.create),
            frontend.guard.route(f"{invitations}/bulk", POST=self.create_several),
            frontend.guard.route(f"{invitations}/{{invitation_id}}/revoke", POST=self.revoke),
        ]

    async def invitations(self, asked: FrontendRequest) -> Response:
        """``GET …/invitations``, the newest first; ``status`` says which."""
        organization, _ = self._members.organization(asked, MANAGE_MEMBERS)
        kept = self._instance.invitations_to(organization.id)
        found = with_status(asked.request, kept, self._instance.clock())
        page = Paging(asked.request).page(found[::-1], lambda each: invitation_resource(self._instance, each))
        return self._resources.answer(asked, page)

    async def create(self, asked: FrontendRequest) -> Response:
        """``POST …/invitations``: invite one."""
        made = self._invited(asked, (asked.form.text("email_address"),))
        return self._answer(asked, made[0])

    async def create_several(self, asked: FrontendRequest) -> Response:
        """``POST …/invitations/bulk``: invite several, all or none."""
        addresses = tuple(dict.fromkeys(asked.form.texts("email_address")))
        if not 0 < len(addresses) <= _MAXIMUM_AT_ONCE:
            raise asked.form.invalid("email_address", f"must be there once to {_MAXIMUM_AT_ONCE} times.")
        made = self._invited(asked, addresses)
        shown = [invitation_resource(self._instance, invitation) for invitation in made]
        return JSONResponse({"response": shown, "client": self._resources.client(asked, asked.client)})

    async def revoke(self, asked: FrontendRequest) -> Response:
        """``POST …/invitations/ID/revoke``"""
        organization, _ = self._members.organization(asked, MANAGE_MEMBERS)
        invitation = self._instance.organization_invitations.get(asked.path("invitation_id"))
        if invitation is None or invitation.organization_id != organization.id:
            raise not_found("invitation")
        return self._answer(asked, self._access.revoke_organization_invitation(invitation.id))

    def _invited(self, asked: FrontendRequest, addresses: tuple[str, ...]) -> list[OrganizationInvitation]:
        organization, user = self._members.organization(asked, MANAGE_MEMBERS)
        role = requested_role(self._instance, asked.form)
        self._access.check_organization_invitations(organization.id, addresses)
        return [
            self._access.create_organization_invitation(organization.id, address, role, inviter=user.id)
            for address in addresses
        ]

    def _answer(self, asked: FrontendRequest, invitation: OrganizationInvitation) -> Response:
        return self._resources.answer(asked, invitation_resource(self._instance, invitation))

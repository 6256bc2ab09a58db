"""Inviting to an organization: ``/v1/organizations/ID/invitations``.

https://clerk.com/docs/reference/frontend-api/tag/Invitations
"""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from ..errors import APIError
from ..instance import Instance
from ..invitations import OrganizationInvitation
from ..organization_access import OrganizationAccess
from ..seed import Organization, User
from .frontend_request import FrontendRequest
from .guard import FrontendGuard
from .identifiers import ADDRESS
from .listing import chosen, page_of
from .memberships import requested_role
from .organization_members import OrganizationMembers
from .organization_resources import invitation_resource
from .refusals import not_found
from .resources import Resources

__all__ = ["Invitations"]

#: Of one organization, accepted and revoked ones too; and at a time.
_MAXIMUM_INVITATIONS = 500
_MAXIMUM_AT_ONCE = 10

_MANAGE = "org:sys_memberships:manage"


class Invitations:
    """Invitations by e-mail address. No mail is sent: who signs in with the address finds it."""

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
        invitations = "/v1/organizations/{organization_id}/invitations"
        self.routes = [
            guard.route(invitations, GET=self.invitations, POST=self.create),
            guard.route(f"{invitations}/bulk", POST=self.create_several),
            guard.route(f"{invitations}/{{invitation_id}}/revoke", POST=self.revoke),
        ]

    async def invitations(self, asked: FrontendRequest) -> Response:
        """``GET …/invitations``, the newest first; ``status`` says which."""
        organization, _ = self._members.organization(asked, _MANAGE)
        statuses, now = chosen(asked, "status"), self._instance.clock()
        found = [
            invitation
            for invitation in self._of(organization)
            if not statuses or invitation.status_at(now) in statuses
        ]
        page = page_of(asked, found[::-1], lambda invitation: invitation_resource(self._instance, invitation))
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
        organization, _ = self._members.organization(asked, _MANAGE)
        invitation = self._instance.invitations.get(asked.path("invitation_id"))
        if invitation is None or invitation.organization_id != organization.id:
            raise not_found("invitation")
        if invitation.status_at(self._instance.clock()) != "pending":
            message = "Only an invitation that is pending can be revoked."
            raise APIError(400, "organization_invitation_not_pending", message)
        return self._answer(asked, self._directory.revoke_organization_invitation(invitation.id))

    def _invited(self, asked: FrontendRequest, addresses: tuple[str, ...]) -> list[OrganizationInvitation]:
        organization, user = self._members.organization(asked, _MANAGE)
        role = requested_role(self._instance, asked.form)
        self._check(organization, addresses)
        return [self._invite(organization, address, role, user) for address in addresses]

    def _invite(
        self, organization: Organization, address: str, role: str, user: User
    ) -> OrganizationInvitation:
        return self._directory.create_organization_invitation(organization.id, address, role, inviter=user.id)

    def _check(self, organization: Organization, addresses: tuple[str, ...]) -> None:
        if len(self._of(organization)) + len(addresses) > _MAXIMUM_INVITATIONS:
            message = f"An organization has at most {_MAXIMUM_INVITATIONS} invitations."
            raise APIError(403, "organization_invitation_quota_exceeded", message)
        now = self._instance.clock()
        invited = {
            invitation.email.lower()
            for invitation in self._of(organization)
            if invitation.status_at(now) == "pending"
        }
        for address in addresses:
            if not ADDRESS.fullmatch(address):
                message = "email_address must be a valid e-mail address."
                raise APIError(422, "form_param_format_invalid", message, parameter="email_address")
            known = self._instance.user_by_identifier(address)
            if known is not None and known.id in organization.members:
                message, meta = f"{address} is a member already.", {"email_addresses": [address]}
                raise APIError(403, "already_a_member_in_organization", message, meta=meta)
            if address.lower() in invited:
                message, meta = f"{address} is invited already.", {"email_addresses": [address]}
                raise APIError(400, "duplicate_record", message, meta=meta)
            invited.add(address.lower())

    def _of(self, organization: Organization) -> list[OrganizationInvitation]:
        kept = self._instance.invitations.values()
        return [invitation for invitation in kept if invitation.organization_id == organization.id]

    def _answer(self, asked: FrontendRequest, invitation: OrganizationInvitation) -> Response:
        return self._resources.answer(asked, invitation_resource(self._instance, invitation))

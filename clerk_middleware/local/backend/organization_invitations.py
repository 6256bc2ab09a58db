"""The Backend API's endpoints about invitations to organizations. No mail is ever sent.

https://clerk.com/docs/reference/backend-api/tag/organization-invitations
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..directory_objects import invitation_object
from ..errors import not_found
from ..instance import Instance
from ..listing import Paging, in_order, with_status
from ..organization_invitation_access import OrganizationInvitationAccess
from ..organization_invitations import OrganizationInvitation
from ..seed import Organization
from .guard import BackendGuard
from .json_body import JSONBody
from .memberships import expect_role
from .organizations import requested_organization

__all__ = ["DAY", "OrganizationInvitationAPI"]

DAY = 24 * 60 * 60
_DAYS = 30
_MAXIMUM_DAYS = 365


class OrganizationInvitationAPI:
    """Who is invited, behind the instance's secret key."""

    def __init__(self, instance: Instance, access: OrganizationInvitationAccess, guard: BackendGuard) -> None:
        self._instance = instance
        self._access = access
        invitations = "/v1/organizations/{organization}/invitations"
        self.routes = [
            guard.route("/v1/organization_invitations", GET=self.all_invitations),
            guard.route(invitations, GET=self.invitations),
            guard.route(invitations, POST=self.create),
            guard.route(f"{invitations}/bulk", POST=self.create_all),
            guard.route(f"{invitations}/pending", GET=self.pending),
            guard.route(f"{invitations}/{{invitation_id}}", GET=self.invitation),
            guard.route(f"{invitations}/{{invitation_id}}/revoke", POST=self.revoke),
        ]

    async def all_invitations(self, request: Request) -> Response:
        """``GET /organization_invitations``: those to all organizations."""
        query = request.query_params.get("query", "").lower()
        found = [
            each for each in self._instance.organization_invitations.values() if query in each.email.lower()
        ]
        return self._listed(request, found)

    async def invitations(self, request: Request) -> Response:
        """``GET /organizations/ID/invitations``, of a ``status`` or several, to one ``email_address``."""
        email = request.query_params.get("email_address", "").lower()
        invitations = self._instance.invitations_to(requested_organization(self._instance, request).id)
        return self._listed(request, [each for each in invitations if email in ("", each.email.lower())])

    async def pending(self, request: Request) -> Response:
        """``GET /organizations/ID/invitations/pending``"""
        now = self._instance.clock()
        invitations = self._instance.invitations_to(requested_organization(self._instance, request).id)
        return self._listed(request, [each for each in invitations if each.status_at(now) == "pending"])

    async def create(self, request: Request) -> Response:
        """``POST /organizations/ID/invitations``"""
        organization, body = requested_organization(self._instance, request), await JSONBody.of(request)
        return JSONResponse(self._object(self._create(organization, body)))

    async def create_all(self, request: Request) -> Response:
        """``POST /organizations/ID/invitations/bulk``: all or, where an address is refused, none."""
        organization = requested_organization(self._instance, request)
        bodies = await JSONBody.each_of(request)
        addresses = [body.text("email_address") for body in bodies]
        self._access.check_organization_invitations(organization.id, addresses)
        made = [self._object(self._create(organization, body)) for body in bodies]
        return JSONResponse({"data": made, "total_count": len(made)})

    async def invitation(self, request: Request) -> Response:
        """``GET /organizations/ID/invitations/INVITATION``"""
        return JSONResponse(self._object(self._requested(request)))

    async def revoke(self, request: Request) -> Response:
        """``POST /organizations/ID/invitations/INVITATION/revoke``"""
        invitation = self._requested(request)
        return JSONResponse(self._object(self._access.revoke_organization_invitation(invitation.id)))

    def _create(self, organization: Organization, body: JSONBody) -> OrganizationInvitation:
        email, role = body.text("email_address"), expect_role(self._instance, body)
        inviter = body.optional_text("inviter_user_id")
        if inviter is not None and inviter not in organization.members:
            raise body.invalid("inviter_user_id", "must be a member of the organization.")
        days = body.number("expires_in_days", 1, _MAXIMUM_DAYS)
        return self._access.create_organization_invitation(
            organization.id,
            email,
            role,
            inviter=inviter,
            public_metadata=body.table("public_metadata"),
            private_metadata=body.table("private_metadata"),
            lifetime=(_DAYS if days is None else days) * DAY,
        )

    def _requested(self, request: Request) -> OrganizationInvitation:
        organization = requested_organization(self._instance, request)
        invitation = self._instance.organization_invitations.get(request.path_params["invitation_id"])
        if invitation is None or invitation.organization_id != organization.id:
            raise not_found("invitation")
        return invitation

    def _listed(self, request: Request, invitations: Sequence[OrganizationInvitation]) -> Response:
        orders = {"created_at": lambda each: each.created_at, "email_address": lambda each: each.email}
        wanted = with_status(request, invitations, self._instance.clock())
        return Paging(request).counted(in_order(request, wanted, orders), self._object)

    def _object(self, invitation: OrganizationInvitation) -> dict[str, Any]:
        return invitation_object(self._instance, invitation)

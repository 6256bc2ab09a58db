"""The Backend API's endpoints about invitations to organizations. No mail is ever sent.

https://clerk.com/docs/reference/backend-api/tag/organization-invitations
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..directory_objects import invitation_object
from ..errors import APIError, not_found
from ..instance import Instance
from ..invitations import InvitationStatus, OrganizationInvitation
from ..organization_access import OrganizationAccess
from ..seed import Organization
from .guard import BackendGuard
from .json_body import JSONBody
from .memberships import expect_role
from .organizations import requested_organization
from .paging import Paging, in_order
from .user_filter import values_of

__all__ = ["DAY", "OrganizationInvitationAPI", "with_status"]

DAY = 24 * 60 * 60
#: Of all organizations and whatever became of them: each is kept.
_MAXIMUM_INVITATIONS = 1000
_DAYS = 30
_MAXIMUM_DAYS = 365


class OrganizationInvitationAPI:
    """Who is invited, behind the instance's secret key."""

    def __init__(self, instance: Instance, access: OrganizationAccess, guard: BackendGuard) -> None:
        self._instance = instance
        self._access = access
        guarded, invitations = guard.guarded, "/v1/organizations/{organization}/invitations"
        self.routes = [
            Route("/v1/organization_invitations", guarded(self.all_invitations), methods=["GET"]),
            Route(invitations, guarded(self.invitations), methods=["GET"]),
            Route(invitations, guarded(self.create), methods=["POST"]),
            Route(f"{invitations}/bulk", guarded(self.create_all), methods=["POST"]),
            Route(f"{invitations}/pending", guarded(self.pending), methods=["GET"]),
            Route(f"{invitations}/{{invitation_id}}", guarded(self.invitation), methods=["GET"]),
            Route(f"{invitations}/{{invitation_id}}/revoke", guarded(self.revoke), methods=["POST"]),
        ]

    async def all_invitations(self, request: Request) -> Response:
        """``GET /organization_invitations``: those to all organizations."""
        query = request.query_params.get("query", "").lower()
        found = [each for each in self._instance.invitations.values() if query in each.email.lower()]
        return self._listed(request, found)

    async def invitations(self, request: Request) -> Response:
        """``GET /organizations/ID/invitations``, of a ``status`` or several, to one ``email_address``."""
        email = request.query_params.get("email_address", "").lower()
        invitations = self._invitations_to(requested_organization(self._instance, request))
        return self._listed(request, [each for each in invitations if email in ("", each.email.lower())])

    async def pending(self, request: Request) -> Response:
        """``GET /organizations/ID/invitations/pending``"""
        now = self._instance.clock()
        invitations = self._invitations_to(requested_organization(self._instance, request))
        return self._listed(request, [each for each in invitations if each.status_at(now) == "pending"])

    async def create(self, request: Request) -> Response:
        """``POST /organizations/ID/invitations``"""
        organization, body = requested_organization(self._instance, request), await JSONBody.of(request)
        self._expect_room(1)
        return JSONResponse(self._object(self._create(organization, body)))

    async def create_all(self, request: Request) -> Response:
        """``POST /organizations/ID/invitations/bulk``: those before one that is refused are made."""
        organization, bodies = (
            requested_organization(self._instance, request),
            await JSONBody.each_of(request),
        )
        self._expect_room(len(bodies))
        made = [self._object(self._create(organization, body)) for body in bodies]
        return JSONResponse({"data": made, "total_count": len(made)})

    async def invitation(self, request: Request) -> Response:
        """``GET /organizations/ID/invitations/INVITATION``"""
        return JSONResponse(self._object(self._requested(request)))

    async def revoke(self, request: Request) -> Response:
        """``POST /organizations/ID/invitations/INVITATION/revoke``"""
        invitation = self._requested(request)
        try:
            revoked = self._access.revoke_organization_invitation(invitation.id)
        except LookupError as error:
            status = invitation.status_at(self._instance.clock())
            message = f"The invitation is {status}, and only one that is pending can be revoked."
            raise APIError(400, "organization_invitation_not_pending", message) from error
        return JSONResponse(self._object(revoked))

    def _create(self, organization: Organization, body: JSONBody) -> OrganizationInvitation:
        email, role = body.email("email_address"), expect_role(self._instance, body)
        inviter = body.optional_text("inviter_user_id")
        if inviter is not None and inviter not in organization.members:
            raise body.invalid("inviter_user_id", "must be a member of the organization.")
        days = body.number("expires_in_days", 1, _MAXIMUM_DAYS)
        try:
            return self._access.create_organization_invitation(
                organization.id,
                email,
                role,
                inviter=inviter,
                public_metadata=body.table("public_metadata"),
                private_metadata=body.table("private_metadata"),
                lifetime=(_DAYS if days is None else days) * DAY,
            )
        except ValueError as error:
            raise APIError(400, "duplicate_record", f"{error}.", parameter="email_address") from error

    def _expect_room(self, number: int) -> None:
        if len(self._instance.invitations) + number > _MAXIMUM_INVITATIONS:
            raise APIError(403, "quota_exceeded", f"There are {_MAXIMUM_INVITATIONS} invitations already.")

    def _requested(self, request: Request) -> OrganizationInvitation:
        organization = requested_organization(self._instance, request)
        invitation = self._instance.invitations.get(request.path_params["invitation_id"])
        if invitation is None or invitation.organization_id != organization.id:
            raise not_found("invitation")
        return invitation

    def _invitations_to(self, organization: Organization) -> list[OrganizationInvitation]:
        return [
            each for each in self._instance.invitations.values() if each.organization_id == organization.id
        ]

    def _listed(self, request: Request, invitations: Iterable[OrganizationInvitation]) -> Response:
        orders = {"created_at": lambda each: each.created_at, "email_address": lambda each: each.email}
        wanted = with_status(self._instance, request, invitations)
        return Paging(request).counted(in_order(request, wanted, orders), self._object)

    def _object(self, invitation: OrganizationInvitation) -> dict[str, Any]:
        return invitation_object(self._instance, invitation)


def with_status(
    instance: Instance, request: Request, invitations: Iterable[OrganizationInvitation]
) -> list[OrganizationInvitation]:
    """Those of `invitations` that have a ``status`` which the request names, all if it names none."""
    wanted, now = values_of(request, "status"), instance.clock()
    for status in wanted:
        if status not in get_args(InvitationStatus):
            message = f"status must be one of {', '.join(get_args(InvitationStatus))}."
            raise APIError(422, "form_param_value_invalid", message, parameter="status")
    return [each for each in invitations if not wanted or each.status_at(now) in wanted]

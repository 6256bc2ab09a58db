"""The Backend API's endpoints about invitations to sign up. No mail is ever sent.

https://clerk.com/docs/reference/backend-api/tag/invitations
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..errors import APIError, not_found
from ..instance import Instance
from ..listing import Paging, in_order, with_status
from ..rules import check_address
from ..sign_up_invitations import SignUpInvitation
from .guard import BackendGuard
from .json_body import JSONBody
from .organization_invitations import DAY

__all__ = ["SignUpInvitationAPI"]

_DAYS = 30
_MAXIMUM_DAYS = 365


class SignUpInvitationAPI:
    """Who may become a user, behind the instance's secret key."""

    def __init__(self, instance: Instance, guard: BackendGuard) -> None:
        self._instance = instance
        self.routes = [
            guard.route("/v1/invitations", GET=self.invitations),
            guard.route("/v1/invitations", POST=self.create),
            guard.route("/v1/invitations/bulk", POST=self.create_all),
            guard.route("/v1/invitations/{invitation_id}/revoke", POST=self.revoke),
        ]

    async def invitations(self, request: Request) -> Response:
        """``GET /invitations``: those that were not revoked, unless ``status`` says otherwise."""
        query, now = request.query_params.get("query", "").lower(), self._instance.clock()
        default = ("pending", "accepted", "expired")
        found = [
            each
            for each in with_status(request, self._instance.sign_up_invitations.all(), now, default=default)
            if query in each.email.lower() or query == each.id
        ]
        orders = {
            "created_at": lambda each: each.created_at,
            "email_address": lambda each: each.email,
            "expires_at": lambda each: each.expires_at,
        }
        return Paging(request).listed(in_order(request, found, orders), self._object)

    async def create(self, request: Request) -> Response:
        """``POST /invitations``"""
        body = await JSONBody.of(request)
        self._instance.sign_up_invitations.expect_room(1)
        return JSONResponse(self._object(self._create(body)))

    async def create_all(self, request: Request) -> Response:
        """``POST /invitations/bulk``: those before one that is refused are made."""
        bodies = await JSONBody.each_of(request)
        self._instance.sign_up_invitations.expect_room(len(bodies))
        return JSONResponse([self._object(self._create(body)) for body in bodies])

    async def revoke(self, request: Request) -> Response:
        """``POST /invitations/ID/revoke``"""
        invitation = self._instance.sign_up_invitations.get(request.path_params["invitation_id"])
        if invitation is None:
            raise not_found("invitation")
        status = invitation.status_at(self._instance.clock())
        if status in ("accepted", "revoked"):
            raise APIError(400, f"invitation_already_{status}", f"The invitation is {status} already.")
        revoked = self._instance.sign_up_invitations.revoke(invitation)
        return JSONResponse(self._object(revoked) | {"revoked": True})

    def _create(self, body: JSONBody) -> SignUpInvitation:
        email = body.text("email_address")
        check_address(email)
        days = body.number("expires_in_days", 1, _MAXIMUM_DAYS)
        if not body.flag("ignore_existing", False) and self._is_known(email):
            message = f"{email} is a user's or invited already; ignore_existing invites all the same."
            raise APIError(400, "duplicate_record", message, parameter="email_address")
        return self._instance.sign_up_invitations.create(
            email,
            lifetime=(_DAYS if days is None else days) * DAY,
            public_metadata=body.table("public_metadata"),
        )

    def _is_known(self, email: str) -> bool:
        is_invited = self._instance.sign_up_invitations.pending_for(email) is not None
        return is_invited or self._instance.user_by_identifier(email) is not None

    def _object(self, invitation: SignUpInvitation) -> dict[str, Any]:
        return {
            "object": "invitation",
            "id": invitation.id,
            "email_address": invitation.email,
            "public_metadata": dict(invitation.public_metadata),
            "status": invitation.status_at(self._instance.clock()),
            "revoked": invitation.closed == "revoked",
            "url": None,
            "expires_at": int(invitation.expires_at * 1000),
            "created_at": int(invitation.created_at * 1000),
            "updated_at": int(invitation.updated_at * 1000),
        }

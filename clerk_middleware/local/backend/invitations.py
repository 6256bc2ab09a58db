"""The Backend API's endpoints about invitations to sign up. No mail is ever sent.

https://clerk.com/docs/reference/backend-api/tag/invitations
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..errors import APIError, not_found
from ..instance import Instance
from ..sign_up_invitations import SignUpInvitation
from .guard import BackendGuard
from .json_body import JSONBody
from .organization_invitations import DAY
from .paging import Paging, in_order
from .user_filter import values_of

__all__ = ["InvitationAPI"]

#: Whatever became of them: each is kept.
_MAXIMUM_INVITATIONS = 1000
_DAYS = 30
_MAXIMUM_DAYS = 365


class InvitationAPI:
    """Who may become a user, behind the instance's secret key."""

    def __init__(self, instance: Instance, guard: BackendGuard) -> None:
        self._instance = instance
        guarded = guard.guarded
        self.routes = [
            Route("/v1/invitations", guarded(self.invitations), methods=["GET"]),
            Route("/v1/invitations", guarded(self.create), methods=["POST"]),
            Route("/v1/invitations/bulk", guarded(self.create_all), methods=["POST"]),
            Route("/v1/invitations/{invitation_id}/revoke", guarded(self.revoke), methods=["POST"]),
        ]

    async def invitations(self, request: Request) -> Response:
        """``GET /invitations``: those that were not revoked, unless ``status`` says otherwise."""
        wanted = values_of(request, "status") or ["pending", "accepted", "expired"]
        query, now = request.query_params.get("query", "").lower(), self._instance.clock()
        found = [
            each
            for each in self._instance.sign_up_invitations.all()
            if each.status_at(now) in wanted and (query in each.email.lower() or query == each.id)
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
        self._expect_room(1)
        return JSONResponse(self._object(self._create(body)))

    async def create_all(self, request: Request) -> Response:
        """``POST /invitations/bulk``: those before one that is refused are made."""
        bodies = await JSONBody.each_of(request)
        self._expect_room(len(bodies))
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
        email = body.email("email_address")
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
        now = self._instance.clock()
        invited = [
            each.email
            for each in self._instance.sign_up_invitations.all()
            if each.status_at(now) == "pending"
        ]
        known = [*invited, *(user.email for user in self._instance.users.values())]
        return email.lower() in (each.lower() for each in known)

    def _expect_room(self, number: int) -> None:
        if len(self._instance.sign_up_invitations) + number > _MAXIMUM_INVITATIONS:
            raise APIError(403, "quota_exceeded", f"There are {_MAXIMUM_INVITATIONS} invitations already.")

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

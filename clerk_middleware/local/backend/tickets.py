"""The Backend API's endpoints about tickets: sign-in tokens, actor tokens and testing tokens.

https://clerk.com/docs/reference/backend-api/tag/sign-in-tokens
https://clerk.com/docs/guides/users/impersonation
https://clerk.com/docs/guides/development/testing/overview
"""

from __future__ import annotations

import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..errors import APIError, not_found
from ..instance import Instance
from ..tickets import Ticket, TicketKind
from .guard import BackendGuard
from .json_body import JSONBody

__all__ = ["TicketAPI"]

#: Seconds: what Clerk takes where nobody says.
_SIGN_IN_TOKEN_LIFETIME = 30 * 24 * 60 * 60
_ACTOR_TOKEN_LIFETIME = 60 * 60
_ACTOR_SESSION_LIFETIME = 30 * 60
_TESTING_TOKEN_LIFETIME = 60 * 60


class TicketAPI:
    """What signs a user in without a password, behind the instance's secret key."""

    def __init__(self, instance: Instance, guard: BackendGuard) -> None:
        self._instance = instance
        self.routes = [
            guard.route("/v1/sign_in_tokens", POST=self.create_sign_in_token),
            guard.route("/v1/sign_in_tokens/{id}/revoke", POST=self.revoke_sign_in_token),
            guard.route("/v1/actor_tokens", POST=self.create_actor_token),
            guard.route("/v1/actor_tokens/{id}/revoke", POST=self.revoke_actor_token),
            guard.route("/v1/testing_tokens", POST=self.create_testing_token),
        ]

    async def create_sign_in_token(self, request: Request) -> Response:
        """``POST /sign_in_tokens``: the only answer that holds the token."""
        body = await JSONBody.of(request)
        user_id = self._known_user(body)
        lifetime = body.seconds("expires_in_seconds") or _SIGN_IN_TOKEN_LIFETIME
        ticket = self._instance.tickets.create(user_id, kind="sign_in_token", lifetime=lifetime)
        return JSONResponse(_ticket_object(ticket) | {"token": ticket.token})

    async def revoke_sign_in_token(self, request: Request) -> Response:
        """``POST /sign_in_tokens/ID/revoke``"""
        return JSONResponse(_ticket_object(self._revoked(request, "sign_in_token")))

    async def create_actor_token(self, request: Request) -> Response:
        """``POST /actor_tokens``: the only answer that holds the token. ``actor`` has ``sub``, who acts."""
        body = await JSONBody.of(request)
        user_id, actor = self._known_user(body), body.table("actor")
        if actor is None:
            raise APIError(422, "form_param_missing", "actor must be an object.", parameter="actor")
        if not isinstance(actor.get("sub"), str) or not actor["sub"]:
            raise body.invalid("actor", "must have sub, the id of the user who acts.")
        ticket = self._instance.tickets.create(
            user_id,
            kind="actor_token",
            actor=actor,
            lifetime=body.seconds("expires_in_seconds") or _ACTOR_TOKEN_LIFETIME,
            session_lifetime=body.seconds("session_max_duration_in_seconds") or _ACTOR_SESSION_LIFETIME,
        )
        return JSONResponse(_ticket_object(ticket) | {"token": ticket.token})

    async def revoke_actor_token(self, request: Request) -> Response:
        """``POST /actor_tokens/ID/revoke``"""
        return JSONResponse(_ticket_object(self._revoked(request, "actor_token")))

    async def create_testing_token(self, request: Request) -> Response:
        """``POST /testing_tokens``: what gets tests past a bot protection, of which there is none here."""
        expires_at = int(self._instance.clock()) + _TESTING_TOKEN_LIFETIME
        token = f"{expires_at}-{secrets.token_urlsafe(32)}"
        return JSONResponse({"object": "testing_token", "token": token, "expires_at": expires_at})

    def _known_user(self, body: JSONBody) -> str:
        user_id = body.text("user_id")
        if user_id not in self._instance.users:
            raise not_found("user")
        return user_id

    def _revoked(self, request: Request, kind: TicketKind) -> Ticket:
        ticket = self._instance.tickets.get(request.path_params["id"])
        if ticket is None or ticket.kind != kind:
            raise not_found(kind.replace("_", " "))
        if not self._instance.tickets.revoke(ticket):
            status = ticket.status_at(self._instance.clock())
            message = f"The token is {status}, and only one that is pending can be revoked."
            raise APIError(400, f"{kind}_cannot_be_revoked_code", message)
        return ticket


def _ticket_object(ticket: Ticket) -> dict[str, Any]:
    """A ticket, without its token: one that was just made is pending, any other was revoked."""
    shown = {
        "object": ticket.kind,
        "id": ticket.id,
        "user_id": ticket.user_id,
        "status": ticket.closed or "pending",
        "url": None,
        "created_at": int(ticket.created_at * 1000),
        "updated_at": int(ticket.updated_at * 1000),
    }
    return shown | ({"actor": dict(ticket.actor)} if ticket.actor else {})

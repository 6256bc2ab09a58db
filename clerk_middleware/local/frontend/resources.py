"""The client and its sessions as the Frontend API shows them, and the envelope that they come in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.responses import JSONResponse

from ..instance import Instance
from ..organization_access import OrganizationAccess
from ..records import Client, Session
from ..session_object import session_object
from ..sign_ins import SignIns
from ..sign_ups import SignUps
from ..tokens import TokenIssuer
from .frontend_request import FrontendRequest
from .sign_in_resources import sign_in_resource
from .sign_up_resources import sign_up_resource
from .user_resources import public_user_data, user_resource

__all__ = ["Resources"]


class Resources:
    """Makes CLIENT and SESSION objects, with the tokens that are in them."""

    def __init__(
        self,
        instance: Instance,
        issuer: TokenIssuer,
        access: OrganizationAccess,
        sign_ins: SignIns,
        sign_ups: SignUps,
    ) -> None:
        self._instance = instance
        self._issuer = issuer
        self._access = access
        self._sign_ins = sign_ins
        self._sign_ups = sign_ups

    def answer(self, asked: FrontendRequest, resource: Mapping[str, Any]) -> JSONResponse:
        """`resource`, and what the browser's client is by now: clerk-js takes both from every answer."""
        client = asked.known_client
        return JSONResponse({"response": resource, "client": self.client(asked, client) if client else None})

    def client(self, asked: FrontendRequest, client: Client) -> dict[str, Any]:
        """A CLIENT: a browser, the sessions that it is signed in to, and what is under way in it."""
        sessions = self._instance.sessions_of(client)
        last_active = self._instance.session_of(client)
        sign_in, sign_up = self._sign_ins.under_way(client), self._sign_ups.under_way(client)
        return {
            "object": "client",
            "id": client.id,
            "sessions": [self.session(asked, session) for session in sessions],
            "sign_in": sign_in_resource(self._instance, sign_in) if sign_in else None,
            "sign_up": sign_up_resource(sign_up) if sign_up else None,
            "last_active_session_id": last_active.id if last_active else None,
            "last_authentication_strategy": None,
            "cookie_expires_at": None,
            "captcha_bypass": False,
            "created_at": int(client.created_at * 1000),
            "updated_at": int(client.updated_at * 1000),
        }

    def session(self, asked: FrontendRequest, session: Session) -> dict[str, Any]:
        """A SESSION; while it is open it has a token for the application that asks."""
        now = self._instance.clock()
        is_open, user = session.is_open_at(now), self._instance.users.get(session.user_id)
        token = {"object": "token", "jwt": self.token(asked, session)} if is_open and user else None
        return {
            **session_object(session, now),
            "tasks": [{"key": task} for task in session.tasks] or None,
            "factor_verification_age": session.factor_verification_age(now),
            "last_active_token": token,
            "user": user_resource(self._instance, self._access, user) if user else None,
            "public_user_data": public_user_data(user) if user else None,
        }

    def token(self, asked: FrontendRequest, session: Session, *, organization_id: str | None = None) -> str:
        """A session token for the application that asks.

        `organization_id`, empty for none, is in it in place of the active one.
        """
        if asked.origin is not None:
            session.authorized_party = asked.origin
        subject = (
            session if organization_id is None else replace(session, organization_id=organization_id or None)
        )
        return self._issuer.session_token(subject, authorized_party=session.authorized_party)

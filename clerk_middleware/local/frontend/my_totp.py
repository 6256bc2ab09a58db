"""An authenticator app as the user's second factor: ``/v1/me/totp`` (RFC 6238).

https://clerk.com/docs/reference/frontend-api/tag/TOTP
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

import pyotp
from pyotp.totp import TOTP
from starlette.responses import Response

from ..bounded import BoundedStore
from ..directory_objects import deleted_object
from ..errors import APIError
from ..records import Session
from ..rules import incorrect, too_many_failures
from ..seed import User
from ..verifications import expect_recent_proof
from .frontend import Frontend
from .frontend_request import FrontendRequest

__all__ = ["MyTOTPAPI"]

#: Seconds for which a new secret waits for its first code.
_LIFETIME = 600.0


@dataclass(kw_only=True, slots=True)
class _Enrolment:
    """A secret that the user was shown, and no code has come back for. Times are Unix seconds."""

    id: str
    secret: str = field(repr=False)
    created_at: float


class MyTOTPAPI:
    """A second factor counts from its first code on; until then the user has none."""

    def __init__(self, frontend: Frontend) -> None:
        self._instance = frontend.instance
        self._access = frontend.access
        self._resources = frontend.resources
        #: By session: another session of the user's has not seen the secret.
        self._enrolments: BoundedStore[_Enrolment] = BoundedStore(1_000)
        self.routes = [
            frontend.guard.route("/v1/me/totp", POST=self.create, DELETE=self.delete),
            frontend.guard.route("/v1/me/totp/attempt_verification", POST=self.verify),
        ]

    async def create(self, asked: FrontendRequest) -> Response:
        """``POST /me/totp``: a secret for the app, which is never shown again."""
        session, user = self._sensitive(asked)
        if user.has_second_factor:
            raise APIError(
                400, "totp_already_enabled", "There is an authenticator app already: remove it first."
            )
        enrolment = _Enrolment(
            id=f"totp_{secrets.token_hex(12)}",
            secret=pyotp.random_base32(),
            created_at=self._instance.clock(),
        )
        self._enrolments.put(session.id, enrolment)
        uri = TOTP(enrolment.secret).provisioning_uri(name=user.email, issuer_name=self._instance.seed.name)
        shown = {"secret": enrolment.secret, "uri": uri}
        return self._resources.answer(asked, {**self._resource(enrolment, is_verified=False), **shown})

    async def verify(self, asked: FrontendRequest) -> Response:
        """``POST /me/totp/attempt_verification``: the first code, from which on the user has the factor."""
        session, user = self._sensitive(asked)
        enrolment, now = self._enrolments.get(session.id), self._instance.clock()
        if enrolment is None or now - enrolment.created_at > _LIFETIME:
            raise APIError(400, "verification_missing", "No authenticator app is being added: begin again.")
        code = asked.form.secret("code")
        if not TOTP(enrolment.secret).verify(code, for_time=int(now), valid_window=1):
            if self._instance.failures.note(enrolment.id):
                self._enrolments.pop(session.id)
                raise too_many_failures()
            raise incorrect("totp")
        self._enrolments.pop(session.id)
        self._access.update_user(user.id, totp_secret=enrolment.secret)
        self._instance.verified_again(session, second=True)
        return self._resources.answer(asked, self._resource(enrolment, is_verified=True))

    async def delete(self, asked: FrontendRequest) -> Response:
        """``DELETE /me/totp``: the user has one factor again."""
        _, user = self._sensitive(asked)
        if not user.has_second_factor:
            raise APIError(404, "resource_not_found", "There is no authenticator app.")
        self._access.update_user(user.id, totp_secret=None, second_factor_code=None)
        return self._resources.answer(asked, deleted_object("totp", f"totp_{user.id}"))

    def _sensitive(self, asked: FrontendRequest) -> tuple[Session, User]:
        session = asked.acting_session
        expect_recent_proof(self._instance, session)
        return session, self._instance.users[session.user_id]

    def _resource(self, enrolment: _Enrolment, *, is_verified: bool) -> dict[str, Any]:
        return {
            "object": "totp",
            "id": enrolment.id,
            "verified": is_verified,
            "created_at": int(enrolment.created_at * 1000),
            "updated_at": int(self._instance.clock() * 1000),
        }

"""Reverification: ``/v1/client/sessions/ID/verify``.

https://clerk.com/docs/reference/types/session-verification
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..factors import second_factors
from ..records import Session
from ..rules import strategy_invalid
from ..verifications import Verification, Verifications
from .frontend import Frontend
from .frontend_request import FrontendRequest
from .sign_in_resources import first_factor_resources, second_factor_resources, verification_resource

__all__ = ["VerificationAPI"]


class VerificationAPI:
    """A verification in one of the browser's sessions; what is proved, the session's next token says."""

    def __init__(self, frontend: Frontend) -> None:
        self._instance = frontend.instance
        self._verifications = Verifications(frontend.instance)
        self._resources = frontend.resources
        verify = "/v1/client/sessions/{session_id}/verify"
        self.routes = [
            frontend.guard.route(verify, POST=self.begin),
            frontend.guard.route(f"{verify}/prepare_first_factor", POST=self.prepare_first_factor),
            frontend.guard.route(f"{verify}/attempt_first_factor", POST=self.attempt_first_factor),
            frontend.guard.route(f"{verify}/prepare_second_factor", POST=self.prepare_second_factor),
            frontend.guard.route(f"{verify}/attempt_second_factor", POST=self.attempt_second_factor),
        ]

    async def begin(self, asked: FrontendRequest) -> Response:
        """``POST …/verify``: begin, with the level that is asked for."""
        session = asked.session
        return self._answer(asked, session, self._verifications.begin(session, asked.form.text("level")))

    async def prepare_first_factor(self, asked: FrontendRequest) -> Response:
        """``POST …/prepare_first_factor``"""
        session, strategy = asked.session, asked.form.text("strategy")
        return self._answer(asked, session, self._verifications.prepare_first_factor(session, strategy))

    async def attempt_first_factor(self, asked: FrontendRequest) -> Response:
        """``POST …/attempt_first_factor``: give the password or the code."""
        session, strategy = asked.session, asked.form.text("strategy")
        secret = asked.form.secret("password" if strategy == "password" else "code")
        verification = self._verifications.attempt_first_factor(session, strategy, secret)
        return self._answer(asked, session, verification)

    async def prepare_second_factor(self, asked: FrontendRequest) -> Response:
        """``POST …/prepare_second_factor``: an authenticator app needs no preparing."""
        session = asked.session
        verification = self._verifications.expect(session)
        if asked.form.text("strategy") not in second_factors(self._instance.users[session.user_id]):
            raise strategy_invalid()
        return self._answer(asked, session, verification)

    async def attempt_second_factor(self, asked: FrontendRequest) -> Response:
        """``POST …/attempt_second_factor``: give the code of the authenticator app."""
        session, strategy = asked.session, asked.form.text("strategy")
        code = asked.form.secret("code")
        return self._answer(
            asked, session, self._verifications.attempt_second_factor(session, strategy, code)
        )

    def _answer(self, asked: FrontendRequest, session: Session, verification: Verification) -> Response:
        user = self._instance.users[session.user_id]
        first = first_factor_resources(self._instance, user)
        resource: dict[str, Any] = {
            "object": "session_verification",
            "id": verification.id,
            "status": verification.status,
            "level": verification.level,
            "session": self._resources.session(asked, session),
            "supported_first_factors": None if verification.level == "second_factor" else first,
            "supported_second_factors": second_factor_resources(user) or None,
            "first_factor_verification": _first_factor(verification),
            "second_factor_verification": _second_factor(verification),
        }
        return self._resources.answer(asked, resource)


def _first_factor(verification: Verification) -> dict[str, Any] | None:
    if verification.first_factor_at is not None:
        return verification_resource("verified", verification.strategy, at=verification.first_factor_at)
    if verification.strategy is not None:
        return verification_resource("unverified", verification.strategy, at=verification.created_at)
    return None


def _second_factor(verification: Verification) -> dict[str, Any] | None:
    at = verification.second_factor_at
    return None if at is None else verification_resource("verified", "totp", at=at)

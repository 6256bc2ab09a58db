"""Signing in: ``/v1/client/sign_ins``.

https://clerk.com/docs/reference/frontend-api/tag/Sign-Ins
"""

from __future__ import annotations

from starlette.responses import Response

from ..errors import APIError, not_found
from ..factors import first_factors, second_factors
from ..records import Client, SignInAttempt
from ..rules import Refused, incorrect, strategy_invalid, too_many_failures
from ..seed import User
from .frontend import Frontend
from .frontend_request import FrontendRequest
from .refusals import identifier_not_found, session_exists, signed_in_already
from .sign_in_resources import sign_in_resource

__all__ = ["SignInAPI"]


class SignInAPI:
    """A sign-in by identifier, first and second factor, or by a ticket."""

    def __init__(self, frontend: Frontend) -> None:
        self._instance = frontend.instance
        self._sign_ins = frontend.sign_ins
        self._resources = frontend.resources
        sign_in = "/v1/client/sign_ins/{sign_in_id}"
        self.routes = [
            frontend.guard.route("/v1/client/sign_ins", POST=self.create),
            frontend.guard.route(sign_in, GET=self.sign_in),
            frontend.guard.route(f"{sign_in}/prepare_first_factor", POST=self.prepare_first_factor),
            frontend.guard.route(f"{sign_in}/attempt_first_factor", POST=self.attempt_first_factor),
            frontend.guard.route(f"{sign_in}/prepare_second_factor", POST=self.prepare_second_factor),
            frontend.guard.route(f"{sign_in}/attempt_second_factor", POST=self.attempt_second_factor),
        ]

    async def create(self, asked: FrontendRequest) -> Response:
        """``POST /client/sign_ins``: who it is, at once with the password if the page has it already."""
        client, form = asked.client_or_new(), asked.form
        if not self._instance.seed.multi_session and self._instance.session_of(client):
            raise session_exists()
        strategy = form.optional_text("strategy")
        if strategy == "ticket":
            return self._by_ticket(asked, client)
        identifier = form.text("identifier")
        user = self._instance.user_by_identifier(identifier)
        if user is None:
            raise identifier_not_found()
        self._expect_signed_out(client, user)
        attempt = self._sign_ins.begin(client, user, identifier, keep_token=asked.keeps_token)
        if "password" in form:
            self._attempt_first(client, attempt, "password", form.secret("password"))
        elif strategy is not None:
            return self._prepared(asked, attempt, strategy)
        return self._answer(asked, attempt)

    async def sign_in(self, asked: FrontendRequest) -> Response:
        """``GET /client/sign_ins/ID``"""
        return self._answer(asked, self._attempt(asked))

    async def prepare_first_factor(self, asked: FrontendRequest) -> Response:
        """Send a code, which is always the same: no mail ever leaves LocalClerk."""
        return self._prepared(asked, self._attempt(asked), asked.form.text("strategy"))

    async def attempt_first_factor(self, asked: FrontendRequest) -> Response:
        """Give the password or the code."""
        attempt, strategy = self._attempt(asked), asked.form.text("strategy")
        secret = asked.form.secret("password" if strategy == "password" else "code")
        self._attempt_first(asked.client, attempt, strategy, secret)
        return self._answer(asked, attempt)

    async def prepare_second_factor(self, asked: FrontendRequest) -> Response:
        """Nothing has to be prepared for the code of an authenticator app."""
        attempt = self._attempt(asked)
        if asked.form.text("strategy") not in second_factors(self._user(attempt)):
            raise strategy_invalid()
        return self._answer(asked, attempt)

    async def attempt_second_factor(self, asked: FrontendRequest) -> Response:
        """Give the code that follows the first factor."""
        attempt, strategy = self._attempt(asked), asked.form.text("strategy")
        self._expect(attempt, "needs_second_factor")
        if strategy not in second_factors(self._user(attempt)):
            raise strategy_invalid()
        if not self._sign_ins.attempt_second_factor(asked.client, strategy, asked.form.secret("code")):
            raise self._wrong(asked.client, strategy)
        return self._answer(asked, attempt)

    def _attempt_first(self, client: Client, attempt: SignInAttempt, strategy: str, secret: str) -> None:
        self._expect(attempt, "needs_first_factor")
        if strategy not in first_factors(self._user(attempt)):
            raise strategy_invalid()
        if not self._sign_ins.attempt_first_factor(client, strategy, secret):
            raise self._wrong(client, strategy)

    def _by_ticket(self, asked: FrontendRequest, client: Client) -> Response:
        attempt = self._sign_ins.by_ticket(client, asked.form.secret("ticket"), keep_token=asked.keeps_token)
        if attempt is None:
            message = "This ticket is not good: it is unknown, used, revoked or expired."
            raise APIError(400, "ticket_invalid_code", message)
        return self._answer(asked, attempt)

    def _prepared(self, asked: FrontendRequest, attempt: SignInAttempt, strategy: str) -> Response:
        if strategy not in first_factors(self._user(attempt)):
            raise strategy_invalid()
        self._expect(attempt, "needs_first_factor")
        attempt.strategy = strategy
        return self._answer(asked, attempt)

    def _attempt(self, asked: FrontendRequest) -> SignInAttempt:
        """The sign-in in the path, which is the browser's."""
        attempt = self._sign_ins.under_way(asked.client)
        if attempt is None or attempt.id != asked.path("sign_in_id"):
            raise not_found("sign-in")
        return attempt

    def _expect(self, attempt: SignInAttempt, status: str) -> None:
        if attempt.status != status:
            message = f"The status of this sign-in is {attempt.status}, and not {status}."
            raise APIError(400, "client_state_invalid", message)

    def _expect_signed_out(self, client: Client, user: User) -> None:
        for session in self._instance.sessions_of(client):
            if session.user_id == user.id:
                raise signed_in_already(session.id)

    def _wrong(self, client: Client, strategy: str) -> Refused:
        return incorrect(strategy) if client.sign_in else too_many_failures()

    def _user(self, attempt: SignInAttempt) -> User:
        return self._instance.users[attempt.user_id]

    def _answer(self, asked: FrontendRequest, attempt: SignInAttempt) -> Response:
        return self._resources.answer(asked, sign_in_resource(self._instance, attempt))

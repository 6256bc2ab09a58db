"""Signing up: ``/v1/client/sign_ups``.

https://clerk.com/docs/reference/frontend-api/tag/Sign-Ups
"""

from __future__ import annotations

from starlette.responses import Response

from ..records import SignUpAttempt
from ..rules import strategy_invalid
from ..sign_ups import SignUpFields
from .form import Form
from .frontend import Frontend
from .frontend_request import FrontendRequest
from .refusals import session_exists
from .sign_up_resources import sign_up_resource

__all__ = ["SignUpAPI"]


class SignUpAPI:
    """A sign-up by e-mail address and password; the address is verified by the code of Clerk's test mode."""

    def __init__(self, frontend: Frontend) -> None:
        self._instance = frontend.instance
        self._sign_ups = frontend.sign_ups
        self._resources = frontend.resources
        sign_up = "/v1/client/sign_ups/{sign_up_id}"
        self.routes = [
            frontend.guard.route("/v1/client/sign_ups", POST=self.create),
            frontend.guard.route(sign_up, GET=self.sign_up, PATCH=self.update),
            frontend.guard.route(f"{sign_up}/prepare_verification", POST=self.prepare),
            frontend.guard.route(f"{sign_up}/attempt_verification", POST=self.verify),
        ]

    async def create(self, asked: FrontendRequest) -> Response:
        """``POST /client/sign_ups``"""
        client = asked.client_or_new()
        if not self._instance.seed.multi_session and self._instance.session_of(client):
            raise session_exists()
        if "strategy" in asked.form or "ticket" in asked.form:
            raise strategy_invalid()
        return self._answer(asked, self._sign_ups.begin(client, _fields(asked.form)))

    async def sign_up(self, asked: FrontendRequest) -> Response:
        """``GET /client/sign_ups/ID``"""
        return self._answer(asked, self._attempt(asked))

    async def update(self, asked: FrontendRequest) -> Response:
        """``PATCH /client/sign_ups/ID``"""
        attempt = self._attempt(asked)
        self._sign_ups.fill(attempt, _fields(asked.form))
        return self._gone_on(asked, attempt)

    async def prepare(self, asked: FrontendRequest) -> Response:
        """Send a code, which is always the same: no mail ever leaves LocalClerk."""
        attempt = self._attempt(asked)
        self._expect_email_code(asked)
        self._sign_ups.send_code(attempt)
        return self._answer(asked, attempt)

    async def verify(self, asked: FrontendRequest) -> Response:
        """Give the code."""
        attempt = self._attempt(asked)
        self._expect_email_code(asked)
        self._sign_ups.verify_address(asked.client, attempt, asked.form.secret("code"))
        return self._gone_on(asked, attempt)

    def _attempt(self, asked: FrontendRequest) -> SignUpAttempt:
        return self._sign_ups.expect(asked.client, asked.path("sign_up_id"))

    def _expect_email_code(self, asked: FrontendRequest) -> None:
        if asked.form.text("strategy") != "email_code":
            raise strategy_invalid()

    def _gone_on(self, asked: FrontendRequest, attempt: SignUpAttempt) -> Response:
        client = asked.client
        self._sign_ups.complete_if_done(client, attempt, keep_token=asked.keeps_token)
        return self._answer(asked, attempt)

    def _answer(self, asked: FrontendRequest, attempt: SignUpAttempt) -> Response:
        return self._resources.answer(asked, sign_up_resource(attempt))


def _fields(form: Form) -> SignUpFields:
    return SignUpFields(
        email=form.optional_text("email_address"),
        username=form.optional_text("username"),
        password=form.get("password"),
        first_name=form.optional_text("first_name"),
        last_name=form.optional_text("last_name"),
        unsafe_metadata=form.table("unsafe_metadata"),
    )

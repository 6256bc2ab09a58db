"""The user's e-mail address: ``/v1/me/email_addresses``.

https://clerk.com/docs/reference/frontend-api/tag/Email-Addresses
"""

from __future__ import annotations

import secrets
from typing import Any

from starlette.responses import JSONResponse, Response

from ..bounded import BoundedStore
from ..directory_objects import user_data
from ..errors import not_found
from ..factors import is_email_code
from ..rules import Refused, incorrect, strategy_invalid, too_many_failures
from ..seed import User
from .frontend import Frontend
from .frontend_request import FrontendRequest

__all__ = ["MyAddressAPI"]


class MyAddressAPI:
    """Users of LocalClerk have one address. It can be verified, if it is not."""

    def __init__(self, frontend: Frontend) -> None:
        self._instance = frontend.instance
        self._access = frontend.access
        self._resources = frontend.resources
        #: By user: the code that was sent, as it were.
        self._prepared: BoundedStore[str] = BoundedStore(1_000)
        addresses = "/v1/me/email_addresses"
        self.routes = [
            frontend.guard.route(addresses, GET=self.addresses, POST=self.create),
            # clerk-js writes it with a slash at the end when it adds one.
            frontend.guard.route(f"{addresses}/", POST=self.create),
            frontend.guard.route(f"{addresses}/{{email_address_id}}", GET=self.address, DELETE=self.delete),
            frontend.guard.route(f"{addresses}/{{email_address_id}}/prepare_verification", POST=self.prepare),
            frontend.guard.route(f"{addresses}/{{email_address_id}}/attempt_verification", POST=self.verify),
        ]

    async def addresses(self, asked: FrontendRequest) -> Response:
        """``GET /me/email_addresses``"""
        shown: list[dict[str, Any]] = user_data(self._instance, asked.user)["email_addresses"]
        return JSONResponse({"response": shown, "client": self._resources.client(asked, asked.client)})

    async def address(self, asked: FrontendRequest) -> Response:
        """``GET /me/email_addresses/ID``"""
        return self._answer(asked, self._owner(asked))

    async def delete(self, asked: FrontendRequest) -> Response:
        """``DELETE /me/email_addresses/ID``: refused, for it is the only one."""
        self._owner(asked)
        return await self.create(asked)

    async def create(self, asked: FrontendRequest) -> Response:
        """``POST /me/email_addresses``: refused, for there is one already."""
        _ = asked.user
        message = (
            "Users of LocalClerk have one e-mail address. Give the user another in the seed, by update_user "
            "or by the Backend API."
        )
        raise Refused("form_param_value_invalid", message, parameter="email_address")

    async def prepare(self, asked: FrontendRequest) -> Response:
        """``POST …/prepare_verification``: send a code, as it were: it is always the same one."""
        user = self._owner(asked)
        if asked.form.text("strategy") != "email_code":
            raise strategy_invalid()
        self._prepared.put(user.id, f"emlcode_{secrets.token_hex(12)}")
        return self._answer(asked, user)

    async def verify(self, asked: FrontendRequest) -> Response:
        """``POST …/attempt_verification``: the code, after which the address counts as the user's."""
        user, code = self._owner(asked), asked.form.secret("code")
        prepared = self._prepared.get(user.id)
        if prepared is None:
            raise Refused("verification_missing", "No code was sent to this address yet.")
        if self._instance.failures.are_too_many(prepared):
            raise too_many_failures()
        if not is_email_code(code):
            self._instance.failures.note(prepared)
            raise incorrect("email_code")
        self._prepared.pop(user.id)
        return self._answer(asked, self._access.update_user(user.id, email_verified=True))

    def _owner(self, asked: FrontendRequest) -> User:
        """The user who asks, whose address is the one in the path."""
        user = asked.user
        if asked.path("email_address_id") != user_data(self._instance, user)["primary_email_address_id"]:
            raise not_found("e-mail address")
        return user

    def _answer(self, asked: FrontendRequest, user: User) -> Response:
        address: dict[str, Any] = user_data(self._instance, user)["email_addresses"][0]
        return self._resources.answer(asked, address)

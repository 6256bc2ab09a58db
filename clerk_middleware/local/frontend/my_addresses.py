"""The user's e-mail address: ``/v1/me/email_addresses``.

https://clerk.com/docs/reference/frontend-api/tag/Email-Addresses
"""

from __future__ import annotations

import hmac
from typing import Any

from starlette.responses import JSONResponse, Response

from ..bounded import BoundedStore
from ..directory_objects import user_data
from ..errors import APIError
from ..factors import EMAIL_CODE
from ..instance import Instance
from ..seed import User
from ..user_access import UserAccess
from .frontend_request import FrontendRequest
from .guard import FrontendGuard
from .refusals import incorrect, not_found, strategy_invalid, too_many_failures
from .resources import Resources

__all__ = ["MyAddresses"]

_MAXIMUM_FAILURES = 5


class MyAddresses:
    """Users of LocalClerk have one address. It can be verified, if it is not."""

    def __init__(
        self, instance: Instance, directory: UserAccess, guard: FrontendGuard, resources: Resources
    ) -> None:
        self._instance = instance
        self._directory = directory
        self._resources = resources
        #: Wrong codes by user, since one was sent, as it were.
        self._prepared: BoundedStore[int] = BoundedStore(1_000)
        addresses = "/v1/me/email_addresses"
        self.routes = [
            guard.route(addresses, GET=self.addresses, POST=self.create),
            # clerk-js writes it with a slash at the end when it adds one.
            guard.route(f"{addresses}/", POST=self.create),
            guard.route(f"{addresses}/{{email_address_id}}", GET=self.address, DELETE=self.delete),
            guard.route(f"{addresses}/{{email_address_id}}/prepare_verification", POST=self.prepare),
            guard.route(f"{addresses}/{{email_address_id}}/attempt_verification", POST=self.verify),
        ]

    async def addresses(self, asked: FrontendRequest) -> Response:
        """``GET /me/email_addresses``"""
        shown: list[dict[str, Any]] = user_data(self._instance, self._user(asked))["email_addresses"]
        return JSONResponse({"response": shown, "client": self._resources.client(asked, asked.client)})

    async def create(self, asked: FrontendRequest) -> Response:
        """``POST /me/email_addresses``: refused, as taking the only one away is."""
        self._user(asked)
        raise _only_one()

    async def address(self, asked: FrontendRequest) -> Response:
        """``GET /me/email_addresses/ID``"""
        return self._answer(asked, self._owner(asked))

    async def delete(self, asked: FrontendRequest) -> Response:
        """``DELETE /me/email_addresses/ID``"""
        self._owner(asked)
        raise _only_one()

    async def prepare(self, asked: FrontendRequest) -> Response:
        """``POST …/prepare_verification``: send a code, as it were: it is always the same one."""
        user = self._owner(asked)
        if asked.form.text("strategy") != "email_code":
            raise strategy_invalid()
        self._prepared.put(user.id, 0)
        return self._answer(asked, user)

    async def verify(self, asked: FrontendRequest) -> Response:
        """``POST …/attempt_verification``: the code, after which the address counts as the user's."""
        user, code = self._owner(asked), asked.form.secret("code")
        failures = self._prepared.get(user.id)
        if failures is None:
            raise APIError(400, "verification_missing", "No code was sent to this address yet.")
        if failures >= _MAXIMUM_FAILURES:
            raise too_many_failures()
        if not hmac.compare_digest(code.encode(errors="replace"), EMAIL_CODE.encode()):
            self._prepared.put(user.id, failures + 1)
            raise incorrect("email_code")
        self._prepared.pop(user.id)
        return self._answer(asked, self._directory.update_user(user.id, email_verified=True))

    def _owner(self, asked: FrontendRequest) -> User:
        """The user who asks, whose address is the one in the path."""
        user = self._user(asked)
        if asked.path("email_address_id") != user_data(self._instance, user)["primary_email_address_id"]:
            raise not_found("e-mail address")
        return user

    def _user(self, asked: FrontendRequest) -> User:
        return self._instance.users[asked.acting_session.user_id]

    def _answer(self, asked: FrontendRequest, user: User) -> Response:
        address: dict[str, Any] = user_data(self._instance, user)["email_addresses"][0]
        return self._resources.answer(asked, address)


def _only_one() -> APIError:
    message = (
        "Users of LocalClerk have one e-mail address. Give the user another in the seed, by update_user or "
        "by the Backend API."
    )
    return APIError(422, "form_param_value_invalid", message, parameter="email_address")

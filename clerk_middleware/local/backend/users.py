"""The Backend API's endpoints about users. What they change is an event, too.

https://clerk.com/docs/reference/backend-api/tag/users
"""

from __future__ import annotations

from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..directory_objects import deleted_object, user_data
from ..errors import not_found
from ..instance import Instance
from ..listing import Paging, in_order
from ..seed import User
from ..user_access import UserAccess, UserChanges, UserFields
from .guard import BackendGuard
from .json_body import JSONBody
from .user_filter import UserFilter, user_orders

__all__ = ["UserAPI", "requested_user"]

_TEXTS = ("first_name", "last_name", "username", "external_id", "totp_secret")
_METADATA = ("public_metadata", "private_metadata", "unsafe_metadata")
#: What a client should not think that it has set.
_UNSUPPORTED = ("phone_number", "web3_wallet", "password_digest", "backup_codes")


class UserAPI:
    """Users, behind the instance's secret key."""

    def __init__(self, instance: Instance, access: UserAccess, guard: BackendGuard) -> None:
        self._instance = instance
        self._access = access
        user = "/v1/users/{user_id}"
        self.routes = [
            guard.route("/v1/users", GET=self.users),
            guard.route("/v1/users", POST=self.create),
            guard.route("/v1/users/count", GET=self.count),
            guard.route(user, GET=self.user),
            guard.route(user, PATCH=self.update),
            guard.route(user, DELETE=self.delete),
            guard.route(f"{user}/metadata", PATCH=self.merge_metadata),
            guard.route(f"{user}/metadata", PUT=self.replace_metadata),
        ]

    async def users(self, request: Request) -> Response:
        """``GET /users``, the newest first unless ``order_by`` says otherwise."""
        users = in_order(request, self._matching(request), user_orders(self._instance))
        return Paging(request).listed(users, self._object)

    async def count(self, request: Request) -> Response:
        """``GET /users/count``, with the filters of ``GET /users``."""
        return JSONResponse({"object": "total_count", "total_count": len(self._matching(request))})

    async def create(self, request: Request) -> Response:
        """``POST /users``: the first of ``email_address`` is the user's."""
        body = await JSONBody.of(request)
        addresses = body.texts("email_address")
        if not addresses:
            raise body.invalid("email_address", "must be a list with the user's address.")
        fields = self._fields(body)
        fields["email_verified"] = "reserved" not in body.texts("email_address_identification_status")[:1]
        fields["banned"], fields["locked"] = body.flag("banned", False), body.flag("locked", False)
        self._access.check_user({"email": addresses[0], **fields})
        return JSONResponse(self._object(self._access.create_user(addresses[0], **fields)))

    async def user(self, request: Request) -> Response:
        """``GET /users/ID``"""
        return JSONResponse(self._object(requested_user(self._instance, request)))

    async def update(self, request: Request) -> Response:
        """``PATCH /users/ID``: what is not in the body stays as it is."""
        user, body = requested_user(self._instance, request), await JSONBody.of(request)
        changed = self._change(user, self._fields(body))
        if body.has("password") and body.flag("sign_out_of_other_sessions", False):
            self._instance.end_sessions_of(user.id, "revoked")
        return JSONResponse(self._object(changed))

    async def delete(self, request: Request) -> Response:
        """``DELETE /users/ID``"""
        user_id = requested_user(self._instance, request).id
        self._access.delete_user(user_id)
        return JSONResponse(deleted_object("user", user_id))

    async def merge_metadata(self, request: Request) -> Response:
        """``PATCH /users/ID/metadata``: the keys that are given, at every level; ``null`` takes one away."""
        user, body = requested_user(self._instance, request), await JSONBody.of(request)
        changes = {name: body.merged(name, getattr(user, name)) for name in _METADATA if body.has(name)}
        return JSONResponse(self._object(self._change(user, cast(UserFields, changes))))

    async def replace_metadata(self, request: Request) -> Response:
        """``PUT /users/ID/metadata``: in the place of what was there."""
        user, body = requested_user(self._instance, request), await JSONBody.of(request)
        changes = {name: body.table(name) or {} for name in _METADATA if body.has(name)}
        return JSONResponse(self._object(self._change(user, cast(UserFields, changes))))

    def _matching(self, request: Request) -> list[User]:
        wanted = UserFilter(self._instance, request)
        return [user for user in self._instance.users.values() if wanted.matches(user)]

    def _change(self, user: User, changes: UserFields) -> User:
        self._access.check_user(cast(UserChanges, changes), user)
        return self._access.update_user(user.id, **cast(UserChanges, changes))

    def _fields(self, body: JSONBody) -> UserFields:
        """What the body says of a user."""
        for name in _UNSUPPORTED:
            if body.is_filled(name):
                raise body.invalid(name, "is nothing that users of LocalClerk have.")
        fields: dict[str, Any] = {name: body.optional_text(name) for name in _TEXTS if body.has(name)}
        tables = {name: body.table(name) for name in _METADATA}
        fields |= {name: table for name, table in tables.items() if table is not None}
        if (password := body.optional_text("password")) is not None:
            fields["password"] = password
        return cast(UserFields, fields)

    def _object(self, user: User) -> dict[str, Any]:
        return user_data(self._instance, user)


def requested_user(instance: Instance, request: Request) -> User:
    """The user whose id is in the path."""
    user = instance.users.get(request.path_params["user_id"])
    if user is None:
        raise not_found("user")
    return user

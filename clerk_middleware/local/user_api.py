"""The Backend API's endpoints about users. What they change is an event, too.

https://clerk.com/docs/reference/backend-api/tag/Users
"""

from __future__ import annotations

from typing import cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .backend_guard import BackendGuard
from .directory_objects import deleted_object, user_data
from .errors import APIError
from .instance import Instance
from .json_body import JSONBody
from .seed import User
from .seed_reader import SeedError
from .user_access import UserAccess, UserFields

__all__ = ["UserAPI"]

#: Beyond those of a seed: nobody makes room, for each is there to stay.
_MAXIMUM_USERS = 1000


class UserAPI:
    """Users, behind the instance's secret key."""

    def __init__(self, instance: Instance, users: UserAccess, guard: BackendGuard) -> None:
        self._instance = instance
        self._users = users
        user = "/v1/users/{user_id}"
        self.routes = [
            Route("/v1/users", guard.guarded(self.create), methods=["POST"]),
            Route(user, guard.guarded(self.user), methods=["GET"]),
            Route(user, guard.guarded(self.update), methods=["PATCH"]),
            Route(user, guard.guarded(self.delete), methods=["DELETE"]),
        ]

    async def create(self, request: Request) -> Response:
        """``POST /users``: the first of ``email_address`` is the user's."""
        if len(self._instance.users) >= _MAXIMUM_USERS:
            raise APIError(403, "quota_exceeded", f"There are {_MAXIMUM_USERS} users already.")
        body = await JSONBody.of(request)
        addresses = body.texts("email_address")
        if not addresses:
            raise body.invalid("email_address", "must be a list with the user's address.")
        try:
            user = self._users.create_user(addresses[0], **_fields(body))
        except SeedError as error:
            message = f"The user is refused: {error.problem}."
            raise APIError(422, "form_param_value_invalid", message) from error
        return JSONResponse(user_data(self._instance, user))

    async def user(self, request: Request) -> Response:
        """``GET /users/ID``"""
        return JSONResponse(user_data(self._instance, self._user(request)))

    async def update(self, request: Request) -> Response:
        """``PATCH /users/ID``: what is not in the body stays as it is."""
        user_id, body = self._user(request).id, await JSONBody.of(request)
        user = self._users.update_user(user_id, **_fields(body))
        return JSONResponse(user_data(self._instance, user))

    async def delete(self, request: Request) -> Response:
        """``DELETE /users/ID``"""
        user_id = self._user(request).id
        self._users.delete_user(user_id)
        return JSONResponse(deleted_object("user", user_id))

    def _user(self, request: Request) -> User:
        user = self._instance.users.get(request.path_params["user_id"])
        if user is None:
            raise APIError(404, "resource_not_found", "There is no user of that id.")
        return user


def _fields(body: JSONBody) -> UserFields:
    """What the body says of a user."""
    texts = {name: body.optional_text(name) for name in ("password", "first_name", "last_name", "username")}
    tables = {name: body.table(name) for name in ("public_metadata", "private_metadata", "unsafe_metadata")}
    given = {name: value for name, value in (*texts.items(), *tables.items()) if value is not None}
    return cast(UserFields, given)

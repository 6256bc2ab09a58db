"""The Backend API's endpoints about who may sign in, and by which secrets.

https://clerk.com/docs/guides/secure/user-lockout
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..directory_objects import user_data
from ..errors import APIError
from ..factors import is_right, second_factors
from ..instance import Instance
from ..seed import User
from ..user_access import UserAccess
from .guard import BackendGuard
from .json_body import JSONBody
from .users import requested_user

__all__ = ["UserSecurityAPI"]


class UserSecurityAPI:
    """Bans, locks, passwords and second factors of users."""

    def __init__(self, instance: Instance, access: UserAccess, guard: BackendGuard) -> None:
        self._instance = instance
        self._access = access
        user = "/v1/users/{user_id}"
        self.routes = [
            guard.route("/v1/users/ban", POST=self.ban_all),
            guard.route("/v1/users/unban", POST=self.unban_all),
            guard.route(f"{user}/ban", POST=self.ban),
            guard.route(f"{user}/unban", POST=self.unban),
            guard.route(f"{user}/lock", POST=self.lock),
            guard.route(f"{user}/unlock", POST=self.unlock),
            guard.route(f"{user}/verify_password", POST=self.verify_password),
            guard.route(f"{user}/verify_totp", POST=self.verify_totp),
            guard.route(f"{user}/mfa", DELETE=self.disable_mfa),
            guard.route(f"{user}/totp", DELETE=self.disable_mfa),
        ]

    async def ban(self, request: Request) -> Response:
        """``POST /users/ID/ban``: all sessions are revoked, and the user may not sign in again."""
        return JSONResponse(self._shown(self._ban(requested_user(self._instance, request))))

    async def unban(self, request: Request) -> Response:
        """``POST /users/ID/unban``"""
        user = requested_user(self._instance, request)
        return JSONResponse(self._shown(self._access.update_user(user.id, banned=False)))

    async def ban_all(self, request: Request) -> Response:
        """``POST /users/ban``: all or none."""
        users = await self._users_in_body(request)
        return JSONResponse([self._shown(self._ban(user)) for user in users])

    async def unban_all(self, request: Request) -> Response:
        """``POST /users/unban``: all or none."""
        users = await self._users_in_body(request)
        return JSONResponse([self._shown(self._access.update_user(user.id, banned=False)) for user in users])

    async def lock(self, request: Request) -> Response:
        """``POST /users/ID/lock``: the user goes on, but may not sign in anew."""
        user = requested_user(self._instance, request)
        return JSONResponse(self._shown(self._access.update_user(user.id, locked=True)))

    async def unlock(self, request: Request) -> Response:
        """``POST /users/ID/unlock``"""
        user = requested_user(self._instance, request)
        return JSONResponse(self._shown(self._access.update_user(user.id, locked=False)))

    async def verify_password(self, request: Request) -> Response:
        """``POST /users/ID/verify_password``"""
        await self._verify(request, "password", "password", "incorrect_password")
        return JSONResponse({"verified": True})

    async def verify_totp(self, request: Request) -> Response:
        """``POST /users/ID/verify_totp``"""
        user = requested_user(self._instance, request)
        if not second_factors(user):
            raise APIError(400, "totp_missing_for_user", "The user has no authenticator app.")
        await self._verify(request, "totp", "code", "form_code_incorrect")
        return JSONResponse({"verified": True, "code_type": "totp"})

    async def disable_mfa(self, request: Request) -> Response:
        """``DELETE /users/ID/mfa``, and ``/totp``, which is all there is: no second factor any more."""
        user = requested_user(self._instance, request)
        self._access.update_user(user.id, second_factor_code=None, totp_secret=None)
        return JSONResponse({"user_id": user.id})

    async def _verify(self, request: Request, strategy: str, name: str, code: str) -> None:
        user = requested_user(self._instance, request)
        secret = (await JSONBody.of(request)).secret(name)
        if not is_right(user, strategy, secret, now=self._instance.clock()):
            raise APIError(422, code, f"The {name} is not right.", parameter=name)

    async def _users_in_body(self, request: Request) -> list[User]:
        body, users = await JSONBody.of(request), self._instance.users
        ids = body.texts("user_ids")
        if unknown := [id for id in ids if id not in users]:
            raise body.invalid("user_ids", f"must hold ids of users, and {unknown[0]!r} is none.")
        return [users[id] for id in ids]

    def _ban(self, user: User) -> User:
        banned = self._access.update_user(user.id, banned=True)
        self._instance.end_sessions_of(user.id, "revoked")
        return banned

    def _shown(self, user: User) -> dict[str, object]:
        return user_data(self._instance, user)

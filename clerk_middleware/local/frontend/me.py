"""Who is signed in, and what they may change of themselves: ``/v1/me``.

https://clerk.com/docs/reference/frontend-api/tag/User
"""

from __future__ import annotations

from starlette.responses import Response

from ..directory_objects import deleted_object
from ..factors import is_right
from ..records import Session
from ..rules import Refused, check_password
from ..seed import User
from ..tables import merged
from ..user_access import UserChanges
from ..verifications import expect_recent_proof
from .form import Form
from .frontend import Frontend
from .frontend_request import FrontendRequest
from .user_resources import user_resource

__all__ = ["MeAPI"]


class MeAPI:
    """The user of the session that asks. What is sensitive takes a recent proof of who they are."""

    def __init__(self, frontend: Frontend) -> None:
        self._instance = frontend.instance
        self._access = frontend.access
        self._resources = frontend.resources
        self.routes = [
            frontend.guard.route("/v1/me", GET=self.me, PATCH=self.update, DELETE=self.delete),
            frontend.guard.route("/v1/me/metadata", PATCH=self.merge_metadata),
            frontend.guard.route("/v1/me/change_password", POST=self.change_password),
        ]

    async def me(self, asked: FrontendRequest) -> Response:
        """``GET /me``"""
        return self._answer(asked, asked.user)

    async def update(self, asked: FrontendRequest) -> Response:
        """``PATCH /me``: names, username and the metadata that is the user's own."""
        session, form = asked.acting_session, asked.form
        user, changes = self._user(session), UserChanges()
        if "first_name" in form:
            changes["first_name"] = form.optional_text("first_name")
        if "last_name" in form:
            changes["last_name"] = form.optional_text("last_name")
        if "username" in form:
            changes["username"] = self._username(session, form)
        if (metadata := form.table("unsafe_metadata")) is not None:
            changes["unsafe_metadata"] = metadata
        self._access.check_user(changes, user)
        return self._answer(asked, self._access.update_user(user.id, **changes))

    async def merge_metadata(self, asked: FrontendRequest) -> Response:
        """``PATCH /me/metadata``: the keys that are given, at every level; ``null`` takes one away."""
        user = asked.user
        given = asked.form.table("unsafe_metadata") or {}
        metadata = merged("unsafe_metadata", user.unsafe_metadata, given)
        return self._answer(asked, self._access.update_user(user.id, unsafe_metadata=metadata))

    async def change_password(self, asked: FrontendRequest) -> Response:
        """``POST /me/change_password``, which may end the user's other sessions."""
        session, form = asked.acting_session, asked.form
        expect_recent_proof(self._instance, session)
        user, password = self._user(session), form.secret("new_password")
        if form.get("current_password") and not self._is_password(user, form.secret("current_password")):
            message = "That password is not right."
            raise Refused("form_password_incorrect", message, parameter="current_password")
        check_password(password, parameter="new_password")
        changed = self._access.update_user(user.id, password=password)
        if form.get("sign_out_of_other_sessions") == "true":
            self._end_other_sessions(session)
        return self._answer(asked, changed)

    async def delete(self, asked: FrontendRequest) -> Response:
        """``DELETE /me``: the user, with all their sessions and memberships."""
        session = asked.acting_session
        expect_recent_proof(self._instance, session)
        self._access.delete_user(session.user_id)
        return self._resources.answer(asked, deleted_object("user", session.user_id))

    def _username(self, session: Session, form: Form) -> str | None:
        expect_recent_proof(self._instance, session)
        return form.optional_text("username")

    def _end_other_sessions(self, session: Session) -> None:
        for other in self._instance.all_sessions():
            if other.user_id == session.user_id and other is not session:
                self._instance.end_session(other, "revoked")

    def _is_password(self, user: User, password: str) -> bool:
        return is_right(user, "password", password, now=self._instance.clock())

    def _user(self, session: Session) -> User:
        return self._instance.users[session.user_id]

    def _answer(self, asked: FrontendRequest, user: User) -> Response:
        return self._resources.answer(asked, user_resource(self._instance, self._access, user))

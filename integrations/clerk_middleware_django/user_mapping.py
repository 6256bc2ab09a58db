"""A Clerk user at the door: found among the local users, linked to one, or given a new one.

What becomes of a visitor is a generator, so that it is written once for synchronous and asynchronous
code: it yields what to ask of the database, and the user's id to have Clerk asked about, and is sent
the answers, a `BackendAPIError` where Clerk has none.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied

from clerk_middleware import BackendAPIError, ClerkConfig
from clerk_middleware.answers import Answer

from .newcomers import Newcomer, is_user_id
from .profiles import ClerkProfile, is_in_claims
from .settings import ClerkImproperlyConfigured
from .user_session import attach_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clerk_middleware import SessionAuth

    from .runtime import Clerk

Steps = Generator[Callable[[], Any] | str, Any, Any]

_BACKEND = "clerk_middleware_django.backends.ClerkBackend"


class UserUnavailable(BackendAPIError, PermissionDenied):
    """Clerk did not say who a new user is. `ClerkUserMiddleware` answers 503."""

    answer = Answer.json(
        503,
        {
            "clerk_error": {
                "type": "unavailable",
                "reason": "user-unavailable",
                "message": "Your account could not be set up at this moment. Try again.",
            }
        },
        [("retry-after", "5")],
    )


class Visitor:
    """Who a session belongs to, on the way to a local user."""

    def __init__(self, auth: SessionAuth, config: ClerkConfig, clerk: Clerk) -> None:
        self.config = config
        self._auth = auth
        self._options = clerk.options
        self._turned_away = clerk.turned_away
        self._unavailable = clerk.unavailable
        self._user_id = auth.user_id
        self._instance = instance_of(clerk, config)
        self._key = (self._instance, self._user_id)
        self._newcomer = Newcomer(self._user_id, self._instance, clerk.options)

    def steps(self) -> Steps:
        """Returns the active local user, or `None`."""
        if not is_user_id(self._user_id):
            return None
        user = yield self._newcomer.find
        if user is None and self._is_welcome():
            profile: ClerkProfile | None = ClerkProfile.of_claims(self._auth)
            if self._is_to_be_described():
                if self._key in self._unavailable:
                    raise UserUnavailable("Clerk did not say a moment ago who the user is")
                profile = self._profile_of((yield self._user_id))
            user = (yield partial(self._newcomer.settle, profile)) if profile is not None else None
            if user is None:
                self._turned_away.add(self._key)
        if user is None or not user.is_active:
            return None
        attach_session(user, self._auth)
        user.backend = _BACKEND
        return user

    def _profile_of(self, answer: Mapping[str, Any] | BackendAPIError) -> ClerkProfile | None:
        if not isinstance(answer, BackendAPIError):
            return ClerkProfile.of_backend(self._auth, answer)
        if answer.status == 404:  # deleted a moment ago
            return None
        self._unavailable.add(self._key)
        raise UserUnavailable(str(answer), status=answer.status, code=answer.code) from answer

    def _is_welcome(self) -> bool:
        options = self._options
        is_expected = options.create_users or options.link_by_verified_email
        return is_expected and self._key not in self._turned_away

    def _is_to_be_described(self) -> bool:
        """Whether Clerk has to be asked: to link, what it says itself is needed, not a claim."""
        if self.config.secret_key is None:
            return False
        return self._options.link_by_verified_email or not is_in_claims(self._auth)


def instance_of(clerk: Clerk, config: ClerkConfig) -> str:
    """What tells the users of several Clerk instances apart; empty where there is one."""
    return "" if isinstance(clerk.config, ClerkConfig) else _name_of(config)


def _name_of(config: ClerkConfig) -> str:
    key = config.parsed_publishable_key
    if key is None:
        raise ClerkImproperlyConfigured(
            "gives a ClerkConfig without publishable_key, which tells the users of several Clerk instances "
            "apart: set it",
            source="settings.CLERK['CONFIG']",
        )
    return key.frontend_api

"""A Clerk user at the door: found among the local users, linked to one, or given a new one.

What becomes of a visitor is a generator, so that it is written once for synchronous and asynchronous
code: it yields what to ask of the database, and the user's id to have Clerk asked about, and is sent
the answers, a `BackendAPIError` where Clerk has none.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import DataError, IntegrityError, router, transaction

from clerk_middleware import BackendAPIError, ClerkConfig
from clerk_middleware.answers import Answer
from clerk_middleware.logging import logger

from .models import ClerkIdentity
from .profiles import ClerkProfile, default_fields, is_in_claims
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
        self._database = router.db_for_write(ClerkIdentity)

    def steps(self) -> Steps:
        """Returns the active local user, or `None`."""
        if not (self._user_id.isascii() and self._user_id.isprintable()):
            return None
        user = yield self._find
        if user is None and self._is_welcome():
            profile: ClerkProfile | None = ClerkProfile.of_claims(self._auth)
            if self._is_to_be_described():
                if self._key in self._unavailable:
                    raise UserUnavailable("Clerk did not say a moment ago who the user is")
                profile = self._profile_of((yield self._user_id))
            user = (yield partial(self._settle, profile)) if profile is not None else None
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

    def _find(self, using: str | None = None) -> Any:
        return find_user(self._user_id, self._instance, using)

    def _is_welcome(self) -> bool:
        options = self._options
        is_expected = options.create_users or options.link_by_verified_email
        return is_expected and self._key not in self._turned_away

    def _is_to_be_described(self) -> bool:
        """Whether Clerk has to be asked: to link, what it says itself is needed, not a claim."""
        if self.config.secret_key is None:
            return False
        return self._options.link_by_verified_email or not is_in_claims(self._auth)

    def _settle(self, profile: ClerkProfile) -> Any:
        """Link or create the local user; of several requests at once one does, and the others find it."""
        try:
            return self._link(profile) or self._create(profile)
        except (IntegrityError, DataError):
            user = self._find(self._database)
        if user is None:
            logger.warning(
                "Clerk: %s gets no local user: a field that must be unique is another user's, or one that "
                "must be set is missing, or one is too long. CLERK['USER_FIELDS'] decides the fields, and "
                "CLERK['LINK_BY_VERIFIED_EMAIL'] whether users of the same address are linked.",
                self._user_id,
            )
        return user

    def _link(self, profile: ClerkProfile) -> Any:
        if not self._options.link_by_verified_email or profile.backend_user is None or not profile.email:
            return None
        model = get_user_model()
        users, field = model._default_manager.using(self._database), model.get_email_field_name()
        if field not in {column.name for column in model._meta.concrete_fields}:
            return None
        same = list(users.filter(**{f"{field}__iexact": profile.email})[:2])
        if len(same) != 1 or not _may_be_linked(same[0], profile.email):
            return None
        if ClerkIdentity.objects.using(self._database).filter(user=same[0]).exists():
            return None
        with transaction.atomic(using=self._database):
            # A write comes first, because SQLite fails where a transaction that has read begins to write. The
            # user is locked then: nobody is given rights between this look and the end.
            identity = self._identify(same[0])
            user = users.select_for_update().filter(pk=same[0].pk).first()
            if user is None or not _may_be_linked(user, profile.email):
                identity.delete()
                return None
        return user

    def _create(self, profile: ClerkProfile) -> Any:
        if not self._options.create_users:
            return None
        decide = self._options.user_fields or default_fields
        fields = decide(profile)
        if fields is None:
            return None
        user: Any = get_user_model()(**fields)
        if not getattr(user, "password", True):
            user.set_unusable_password()
        with transaction.atomic(using=self._database):
            user.save(force_insert=True, using=self._database)
            self._identify(user)
        return user

    def _identify(self, user: Any) -> ClerkIdentity:
        identity = ClerkIdentity(user=user, clerk_user_id=self._user_id, instance=self._instance)
        identity.save(force_insert=True, using=self._database)
        return identity


def find_user(user_id: str, instance: str, using: str | None = None) -> Any:
    """The local user of a Clerk user, active or not; `None` where there is none."""
    # By the project's own manager: whom it hides, such as deleted users, is hidden here, too.
    users = get_user_model()._default_manager.using(using).select_related("clerk_identity")
    user: Any = users.filter(clerk_identity__clerk_user_id=user_id, clerk_identity__instance=instance).first()
    # Some databases compare text without regard to case, and Clerk's ids differ by it.
    is_same = user is not None and user.clerk_identity.clerk_user_id == user_id
    return user if is_same else None


def instance_of(clerk: Clerk, config: ClerkConfig) -> str:
    """What tells the users of several Clerk instances apart; empty where there is one."""
    return "" if isinstance(clerk.config, ClerkConfig) else _name_of(config)


def _may_be_linked(user: Any, email: str) -> bool:
    """Whether the owner of *email* may have the account: never one with power over others'."""
    if getattr(user, "is_staff", False) or getattr(user, "is_superuser", False) or not user.is_active:
        return False
    own: str = getattr(user, user.get_email_field_name())
    # Databases and Unicode hold letters for equal that addresses differ by: beyond ASCII only the same is.
    return own == email or (own.isascii() and email.isascii() and own.lower() == email.lower())


def _name_of(config: ClerkConfig) -> str:
    key = config.parsed_publishable_key
    if key is None:
        raise ClerkImproperlyConfigured(
            "gives a ClerkConfig without publishable_key, which tells the users of several Clerk instances "
            "apart: set it",
            source="settings.CLERK['CONFIG']",
        )
    return key.frontend_api

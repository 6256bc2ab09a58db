"""A Clerk user without a local one: linked to one that is there, or given a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import DataError, IntegrityError, router, transaction

from clerk_middleware.logging import logger

from .models import ClerkIdentity, ClerkUserVersion
from .profiles import default_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .profiles import ClerkProfile
    from .settings import DjangoOptions

_MAX_MILLISECONDS = 2**63 - 1
#: How many local users of one address are looked at; of more than one nobody is linked.
_MAX_HOLDERS = 100


class _AddressWithheld(Exception):
    """The local user who has the address is not given to anybody, and none takes their place."""


class Newcomer:
    """A Clerk user, by the project's rules on who gets which local user.

    :param instance: what tells the users of several Clerk instances apart.
    """

    def __init__(self, user_id: str, instance: str, options: DjangoOptions) -> None:
        self.user_id = user_id
        self.database = router.db_for_write(ClerkIdentity)
        self._instance = instance
        self._options = options

    def find(self, using: str | None = None) -> Any:
        """Their local user, active or not; `None` where there is none."""
        return find_user(self.user_id, self._instance, using)

    def settle(self, profile: ClerkProfile) -> Any:
        """Link or create the local user; of several requests at once one does, and the others find it.

        `None` where there is to be none. Where webhooks are followed, who was deleted at Clerk gets none.
        """
        if not self._options.sync_users:
            return self.take_in(profile)
        with transaction.atomic(using=self.database):
            version = ClerkUserVersion.locked(self.user_id, self.database)
            if version is None or version.is_deleted:
                return None
            version.updated_at = max(version.updated_at, moment_of(profile.backend_user or {}))
            version.save(using=self.database, update_fields=["updated_at"])
            return self.take_in(profile)

    def take_in(self, profile: ClerkProfile) -> Any:
        """The same for one who is known to be at Clerk."""
        try:
            return self._link(profile) or self._create(profile)
        except _AddressWithheld:
            logger.warning(
                "Clerk: %s gets no local user: one who is inactive, staff or a superuser has their email "
                "address. If they are the same person, add a ClerkIdentity of that user.",
                self.user_id,
            )
            return None
        except (IntegrityError, DataError):
            user = self.find(self.database)
        if user is None:
            logger.warning(
                "Clerk: %s gets no local user: a field that must be unique is another user's, or one that "
                "must be set is missing, or one is too long. CLERK['USER_FIELDS'] decides the fields, and "
                "CLERK['LINK_BY_VERIFIED_EMAIL'] whether users of the same address are linked.",
                self.user_id,
            )
        return user

    def _link(self, profile: ClerkProfile) -> Any:
        if not self._options.link_by_verified_email or profile.backend_user is None or not profile.email:
            return None
        model = get_user_model()
        users, field = model._default_manager.using(self.database), model.get_email_field_name()
        if field not in {column.name for column in model._meta.concrete_fields}:
            return None
        alike = list(users.filter(**{f"{field}__iexact": profile.email})[:_MAX_HOLDERS])
        if any(_is_withheld(user, profile.email) for user in alike):
            raise _AddressWithheld
        if len(alike) != 1 or not _has_address(alike[0], profile.email):
            return None
        if ClerkIdentity.objects.using(self.database).filter(user=alike[0]).exists():
            return None
        with transaction.atomic(using=self.database):
            # A write comes first, because SQLite fails where a transaction that has read begins to write. The
            # user is locked then: nobody is given rights between this look and the end.
            identity = self._identify(alike[0])
            user = users.select_for_update().filter(pk=alike[0].pk).first()
            if user is not None and _is_withheld(user, profile.email):
                raise _AddressWithheld
            if user is None or not _has_address(user, profile.email):
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
        with transaction.atomic(using=self.database):
            user.save(force_insert=True, using=self.database)
            self._identify(user)
        return user

    def _identify(self, user: Any) -> ClerkIdentity:
        identity = ClerkIdentity(user=user, clerk_user_id=self.user_id, instance=self._instance)
        identity.save(force_insert=True, using=self.database)
        return identity


def find_user(user_id: str, instance: str, using: str | None = None) -> Any:
    """The local user of a Clerk user, active or not; `None` where there is none."""
    # By the project's own manager: whom it hides, such as deleted users, is hidden here, too.
    users = get_user_model()._default_manager.using(using).select_related("clerk_identity")
    user: Any = users.filter(clerk_identity__clerk_user_id=user_id, clerk_identity__instance=instance).first()
    # Some databases compare text without regard to case, and Clerk's ids differ by it.
    is_same = user is not None and user.clerk_identity.clerk_user_id == user_id
    return user if is_same else None


def is_user_id(user_id: object) -> bool:
    """Whether it may be one of Clerk's: others are none that databases take."""
    return isinstance(user_id, str) and user_id.isascii() and user_id.isprintable()


def moment_of(user: Mapping[str, Any]) -> int:
    """When Clerk's data of a user were changed last, in Unix milliseconds; 0 where they don't say."""
    moment = user.get("updated_at")
    return moment if isinstance(moment, int) and 0 <= moment <= _MAX_MILLISECONDS else 0


def _is_withheld(user: Any, email: str) -> bool:
    """Whether *email* is that of an account which its owner is not given: one with power over others', or one
    that was taken from them.
    """
    is_special = getattr(user, "is_staff", False) or getattr(user, "is_superuser", False)
    return bool(is_special or not user.is_active) and _has_address(user, email)


def _has_address(user: Any, email: str) -> bool:
    own: str = getattr(user, user.get_email_field_name()) or ""
    # Databases and Unicode hold letters for equal that addresses differ by: beyond ASCII only the same is.
    return own == email or (own.isascii() and email.isascii() and own.lower() == email.lower())

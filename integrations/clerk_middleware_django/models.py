"""Which local user a Clerk user is, and what webhooks have said of Clerk users."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from clerk_middleware.logging import logger


class ClerkIdentity(models.Model):
    """A Clerk user and the local user that is the same person: one of each."""

    user: models.OneToOneField[Any, Any] = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="clerk_identity"
    )
    clerk_user_id: models.CharField[str, str] = models.CharField("Clerk user id", max_length=255)
    #: Which Clerk instance, where the project serves several: whoever runs one must not pass for users of
    #: another. Empty where there is one.
    instance: models.CharField[str, str] = models.CharField(max_length=255, blank=True, default="")
    created_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "Clerk identity"
        verbose_name_plural = "Clerk identities"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clerk_user_id", "instance"], name="clerk_identity_of_one_user")
        ]

    def __str__(self) -> str:
        return self.clerk_user_id


class ClerkUserVersion(models.Model):
    """How far webhooks have told of a Clerk user: they come in any order, and again after days.

    One that is deleted at Clerk stays here, because an older message must not bring them back. Kept with
    ``CLERK["SYNC_USERS"]``, so for one Clerk instance.
    """

    clerk_user_id: models.CharField[str, str] = models.CharField("Clerk user id", max_length=255)
    #: Clerk's ``updated_at`` of the latest data, in Unix milliseconds.
    updated_at: models.BigIntegerField[int, int] = models.BigIntegerField(default=0)
    is_deleted: models.BooleanField[bool, bool] = models.BooleanField(default=False)

    class Meta:
        verbose_name = "version of a Clerk user"
        verbose_name_plural = "versions of Clerk users"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clerk_user_id"], name="clerk_version_of_one_user")
        ]

    def __str__(self) -> str:
        return self.clerk_user_id

    @classmethod
    def locked(cls, clerk_user_id: str, using: str) -> ClerkUserVersion | None:
        """A Clerk user's, until the transaction ends: two messages at once come one after the other.

        `None` where the database holds another user's id for the same, and so has no room for theirs.
        """
        rows = cls._default_manager.using(using)
        # A write comes first, because SQLite fails where a transaction that has read begins to write.
        rows.bulk_create([cls(clerk_user_id=clerk_user_id)], ignore_conflicts=True)
        found = rows.select_for_update().filter(clerk_user_id=clerk_user_id)
        # Some databases compare text without regard to case, and Clerk's ids differ by it.
        version = next((row for row in found if row.clerk_user_id == clerk_user_id), None)
        if version is None:
            logger.warning(
                "Clerk: %s gets no local user, and no webhook changes one: the database takes the id for "
                "another user's, from which it differs by the case of letters.",
                clerk_user_id,
            )
        return version

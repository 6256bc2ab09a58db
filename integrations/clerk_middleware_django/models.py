"""Which local user a Clerk user is."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models


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

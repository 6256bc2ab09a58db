"""The local user: what foreign keys point to, and what the admin knows."""

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person whom Clerk signs in. The password stays unusable."""

    onboarded = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.get_full_name() or self.username

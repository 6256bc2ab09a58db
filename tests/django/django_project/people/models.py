"""A user model that shares little with Django's own: no user name, no first name, no staff."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class Person(AbstractBaseUser):
    address = models.EmailField(unique=True)
    shown_as = models.CharField(max_length=20, default="somebody")

    objects: ClassVar[BaseUserManager[Person]] = BaseUserManager()

    USERNAME_FIELD = "address"
    EMAIL_FIELD = "address"
    REQUIRED_FIELDS: ClassVar = []


class Account(AbstractBaseUser):
    """A user model without any address."""

    handle = models.CharField(max_length=40, unique=True)

    USERNAME_FIELD = "handle"

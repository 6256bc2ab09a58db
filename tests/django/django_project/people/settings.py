"""The test project, with another user model."""

from __future__ import annotations

import os

from django_project.settings import *  # noqa: F403

AUTH_USER_MODEL = "people.Person"

if "DATABASE_URL" in os.environ:  # not the database of the tests that run this
    DATABASES["default"]["TEST"]["NAME"] = f"test_people_{os.getpid()}"  # noqa: F405

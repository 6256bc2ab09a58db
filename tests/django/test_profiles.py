"""The fields of a new user, by the project's user model."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from clerk_middleware import ClerkConfig
from clerk_middleware_django.newcomers import Newcomer
from clerk_middleware_django.profiles import ClerkProfile, default_changes, default_fields
from clerk_middleware_django.runtime import Clerk
from clerk_middleware_django.settings import DjangoOptions

DEV = ClerkProfile(user_id="user_dev", email="dev@example.com", first_name="Dev", last_name="Patel")


def test_of_djangos_own_model() -> None:
    assert default_fields(DEV) == {
        "username": "user_dev",
        "email": "dev@example.com",
        "first_name": "Dev",
        "last_name": "Patel",
    }


def test_of_one_whose_user_name_is_the_address(settings: Any) -> None:
    settings.AUTH_USER_MODEL = "people.Person"
    assert default_fields(DEV) == {"address": "dev@example.com"}


@pytest.mark.parametrize("email", [None, f"{'d' * 300}@example.com"])
def test_which_nobody_without_an_address_is_given(
    email: str | None, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.AUTH_USER_MODEL = "people.Person"
    with caplog.at_level(logging.WARNING, "clerk_middleware"):
        assert default_fields(ClerkProfile(user_id="user_dev", email=email)) is None
    assert "user_dev gets no local user: address is the user name of people.Person" in caplog.text
    assert "CLERK['USER_FIELDS']" in caplog.text


def test_changes_leave_the_user_name_unless_it_is_the_address(settings: Any) -> None:
    changes = {"email": "dev@example.com", "first_name": "Dev", "last_name": "Patel"}
    assert default_changes(DEV) == changes
    settings.AUTH_USER_MODEL = "people.Person"
    assert default_changes(DEV) == {"address": "dev@example.com"}
    assert default_changes(ClerkProfile(user_id="user_dev", email=None)) == {}


def test_of_one_without_addresses_and_names(settings: Any) -> None:
    settings.AUTH_USER_MODEL = "people.Account"
    assert default_fields(DEV) == {"handle": "user_dev"}


def test_which_has_nothing_to_be_linked_by(settings: Any, config: Callable[..., ClerkConfig]) -> None:
    settings.AUTH_USER_MODEL = "people.Account"
    clerk = Clerk.of(config(), DjangoOptions(link_by_verified_email=True))
    described = ClerkProfile(user_id="user_dev", email="dev@example.com", backend_user={"id": "user_dev"})
    newcomer = Newcomer("user_dev", "", clerk.options)
    assert newcomer.settle(described) is None  # and no query for a field that is not there

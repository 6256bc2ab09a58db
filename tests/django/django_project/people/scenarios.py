"""Run by ``tests/django/test_users.py``, in a process whose ``AUTH_USER_MODEL`` is `Person`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.urls import path

from clerk_middleware.local import LocalClerk
from clerk_middleware_django.models import ClerkIdentity
from clerk_middleware_django.profiles import ClerkProfile, default_fields
from django_project.people.models import Person

pytestmark = pytest.mark.django_db

SITE = "https://app.example.com"
Ask = Callable[..., str]


def by_user(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.user.get_username())


async def by_auser(request: HttpRequest) -> HttpResponse:
    return HttpResponse((await request.auser()).get_username())


@pytest.fixture(params=[by_user, by_auser])
def me(request: pytest.FixtureRequest, browse: Any, routes: Any, clerk: LocalClerk) -> Ask:
    routes(path("", request.param))

    def ask(user_id: str = "user_dev", **claims: Any) -> str:
        token = clerk.issue_session_token(user_id, azp=SITE, claims=claims)
        response = browse("/", headers={"authorization": f"Bearer {token}"})
        assert response.status_code == 200
        return str(response.content.decode())

    return ask


@pytest.fixture(autouse=True)
def creating(clerk_settings: Any, asked: Any) -> Callable[..., None]:
    def change(**options: Any) -> None:
        clerk_settings(**{"CREATE_USERS": True, "API_URL": asked.url, **options})

    change()
    return change


def test_it_is_another_model() -> None:
    assert get_user_model() is Person


def test_a_new_person_is_named_by_their_verified_address(me: Ask) -> None:
    assert me() == me() == "dev@blueridge.example"
    person = Person.objects.get()
    assert (person.shown_as, person.has_usable_password()) == ("somebody", False)
    assert ClerkIdentity.objects.get().user == person


def test_who_has_no_verified_address_is_nobody_here(
    me: Ask, asked: Any, caplog: pytest.LogCaptureFixture
) -> None:
    asked.add_user("user_new", email="new@example.com", email_verified=False)
    assert me("user_new") == ""
    assert Person.objects.count() == 0
    assert "gets no local user: address is the user name of people.Person" in caplog.text
    assert "new@example.com" not in caplog.text


def test_who_claims_anothers_address_is_nobody_here(
    me: Ask, asked: Any, caplog: pytest.LogCaptureFixture
) -> None:
    asked.add_user("user_new", email="dev@blueridge.example")
    assert me() == "dev@blueridge.example"
    assert me("user_new") == ""
    assert ClerkIdentity.objects.get().clerk_user_id == "user_dev"
    assert "dev@blueridge.example" not in caplog.text


def test_a_hook_decides_the_fields(me: Ask, creating: Any) -> None:
    creating(USER_FIELDS=lambda profile: {"address": "own@example.com", "shown_as": profile.first_name})
    assert me() == "own@example.com"
    assert Person.objects.get().shown_as == "Dev"


def test_linking_goes_by_the_models_address(me: Ask, creating: Any) -> None:
    creating(CREATE_USERS=False, LINK_BY_VERIFIED_EMAIL=True)
    person = Person.objects.create(address="Dev@blueridge.example")
    assert me() == "Dev@blueridge.example"
    assert ClerkIdentity.objects.get().user == person


def test_who_is_not_linked_is_nobody_without_the_setting(me: Ask) -> None:
    Person.objects.create(address="dev@blueridge.example")
    assert me() == ""


def test_a_model_without_addresses_gets_none(settings: Any) -> None:
    settings.AUTH_USER_MODEL = "people.Account"
    profile = ClerkProfile(user_id="user_dev", email="dev@blueridge.example", first_name="Dev")
    assert default_fields(profile) == {"handle": "user_dev"}

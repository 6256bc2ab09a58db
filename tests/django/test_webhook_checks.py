"""System checks of webhooks, and of users that follow them."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import checks
from django.urls import include, path, re_path

from clerk_middleware_django.webhook_checks import check_webhooks
from clerk_middleware_django.webhooks import WebhookReceiver

from ..webhook_messages import SECRET, STRANGERS


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLERK_WEBHOOK_SIGNING_SECRET", raising=False)


def ids(messages: Any) -> list[str]:
    return [message.id for message in messages]


def routed(routes: Any, receiver: WebhookReceiver | None = None) -> None:
    receiver = receiver or WebhookReceiver()
    routes(path("", lambda request: None), path("api/", include([path("webhooks/clerk", receiver.view)])))


def test_nothing_is_said_of_what_is_right(routes: Any, clerk_settings: Any) -> None:
    routed(routes)
    clerk_settings(
        WEBHOOK_SIGNING_SECRET=SECRET,
        SYNC_USERS=True,
        CREATE_USERS=True,
        PROTECTED_ROUTES="/teams",
    )
    assert check_webhooks() == []


def test_manage_py_check_says_it(routes: Any) -> None:
    routed(routes)
    assert "clerk.E009" in ids(checks.run_checks())


def test_a_receiver_needs_a_secret(routes: Any) -> None:
    routed(routes)
    (message,) = check_webhooks()
    assert message.id == "clerk.E009"
    assert "/api/webhooks/clerk have no signing secret" in message.msg
    assert "CLERK['WEBHOOK_SIGNING_SECRET']" in str(message.hint)


def test_it_may_have_one_of_its_own(routes: Any) -> None:
    routed(routes, WebhookReceiver(SECRET))
    assert check_webhooks() == []


@pytest.mark.parametrize("options", [{"PROTECTED_ROUTES": "/api(.*)"}, {"PUBLIC_ROUTES": "/"}])
def test_its_path_must_need_no_session(routes: Any, clerk_settings: Any, options: Any) -> None:
    routed(routes)
    clerk_settings(WEBHOOK_SIGNING_SECRET=SECRET, **options)
    (message,) = check_webhooks()
    assert message.id == "clerk.E010"
    assert "/api/webhooks/clerk" in message.msg


def test_a_path_that_is_a_regular_expression_is_not_guessed(routes: Any, clerk_settings: Any) -> None:
    routes(re_path("^api/[a-z]+$", WebhookReceiver().view))
    clerk_settings(WEBHOOK_SIGNING_SECRET=SECRET, PROTECTED_ROUTES="/api(.*)")
    assert check_webhooks() == []


def test_users_can_only_follow_what_is_received(routes: Any, clerk_settings: Any) -> None:
    routes()
    clerk_settings(SYNC_USERS=True, CREATE_USERS=True)
    assert ids(check_webhooks()) == ["clerk.W013"]


def test_they_follow_no_receiver_with_a_secret_of_its_own(routes: Any, clerk_settings: Any) -> None:
    clerk_settings(SYNC_USERS=True, CREATE_USERS=True, WEBHOOK_SIGNING_SECRET=SECRET)
    partner = path("partner", WebhookReceiver(STRANGERS).view)
    routes(partner)
    (message,) = check_webhooks()
    assert message.id == "clerk.W013"
    assert "signed with CLERK['WEBHOOK_SIGNING_SECRET']" in message.msg
    routes(partner, path("clerk", WebhookReceiver().view))
    assert check_webhooks() == []


@pytest.mark.parametrize("option", ["CREATE_USERS", "LINK_BY_VERIFIED_EMAIL"])
def test_a_setting_says_who_is_created(routes: Any, clerk_settings: Any, option: str) -> None:
    routed(routes)
    clerk_settings(WEBHOOK_SIGNING_SECRET=SECRET, SYNC_USERS=True)
    (message,) = check_webhooks()
    assert message.id == "clerk.W016"
    assert "'CREATE_USERS': True" in str(message.hint)
    clerk_settings(WEBHOOK_SIGNING_SECRET=SECRET, SYNC_USERS=True, **{option: True})
    assert check_webhooks() == []


def test_who_has_no_field_for_it_can_not_be_deactivated(
    routes: Any, clerk_settings: Any, settings: Any
) -> None:
    routed(routes)
    clerk_settings(WEBHOOK_SIGNING_SECRET=SECRET, SYNC_USERS=True, CREATE_USERS=True)
    settings.AUTH_USER_MODEL = "people.Person"
    (message,) = check_webhooks()
    assert message.id == "clerk.W015"
    assert "people.Person has no field is_active" in message.msg


def test_settings_that_are_wrong_are_another_checks(routes: Any, settings: Any) -> None:
    routed(routes)
    settings.CLERK = {"SECRET_KEY": 7}
    assert check_webhooks() == []


def test_urls_that_are_broken_are_djangos_to_tell(settings: Any) -> None:
    settings.ROOT_URLCONF = "nowhere.to_be_found"
    assert check_webhooks() == []


def test_a_function_decides_at_each_request(routes: Any, settings: Any, config: Any) -> None:
    routed(routes)
    settings.CLERK = {"CONFIG": lambda request: config()}
    assert check_webhooks() == []

"""Signing up by clerk-js: what is asked for, what is refused, and whom it makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from clerk_middleware.local import LocalClerk

from .page import Page, error_in

NEW = {"email_address": "new@example.com", "password": "long enough"}


def begin(page: Page, **form: str) -> dict[str, Any]:
    response = page.post("/client/sign_ups", **(form or NEW))
    assert response.status_code == 200, response.text
    shown: dict[str, Any] = response.json()["response"]
    return shown


def path_of(sign_up: dict[str, Any]) -> str:
    return f"/client/sign_ups/{sign_up['id']}"


def test_a_new_user_is_signed_in_once_the_address_is_verified(clerk: LocalClerk, page: Page) -> None:
    sign_up = begin(page, **NEW, first_name="New", last_name="Person", unsafe_metadata='{"plan": "free"}')
    assert (sign_up["status"], sign_up["missing_fields"]) == ("missing_requirements", [])
    assert sign_up["unverified_fields"] == ["email_address"]
    assert sign_up["verifications"]["email_address"]["strategy"] is None  # so that components have one sent
    assert sign_up["has_password"] is True
    assert "long enough" not in str(sign_up)
    assert page.client()["sign_up"] == page.get(path_of(sign_up)).json()["response"] == sign_up

    sent = page.post(f"{path_of(sign_up)}/prepare_verification", strategy="email_code").json()["response"]
    verification = sent["verifications"]["email_address"]
    assert (verification["status"], verification["strategy"]) == ("unverified", "email_code")
    assert verification["next_action"] == "needs_attempt"

    answer = page.post(
        f"{path_of(sign_up)}/attempt_verification", strategy="email_code", code="424242"
    ).json()
    done, client = answer["response"], answer["client"]
    assert (done["status"], done["unverified_fields"]) == ("complete", [])
    assert done["verifications"]["email_address"]["status"] == "verified"
    assert client["sign_up"] is None
    assert client["sessions"][0]["id"] == done["created_session_id"] == client["last_active_session_id"]
    user = clerk.users[done["created_user_id"]]
    assert (user.email, user.full_name, user.email_verified) == ("new@example.com", "New Person", True)
    assert user.unsafe_metadata == {"plan": "free"}
    page.ask("DELETE", "/client/sessions")
    assert page.sign_in("new@example.com", "long enough")["sessions"]


def test_it_is_gone_on_with_until_nothing_is_missing(page: Page) -> None:
    sign_up = begin(page, first_name="New")
    assert sign_up["missing_fields"] == ["email_address", "password"]
    for action in ("prepare_verification", "attempt_verification"):
        response = page.post(f"{path_of(sign_up)}/{action}", strategy="email_code", code="424242")
        assert error_in(response) == (400, "verification_missing", None)
    changed = page.ask("PATCH", path_of(sign_up), {"email_address": "new@example.com", "last_name": ""})
    shown = changed.json()["response"]
    assert (shown["missing_fields"], shown["first_name"], shown["last_name"]) == (["password"], "New", None)
    verified = page.post(f"{path_of(sign_up)}/attempt_verification", strategy="email_code", code="424242")
    assert verified.json()["response"]["status"] == "missing_requirements"
    done = page.ask("PATCH", path_of(sign_up), {"password": "long enough"}).json()["response"]
    assert done["status"] == "complete"


def test_another_address_has_to_be_verified_again(page: Page) -> None:
    sign_up = begin(page, email_address="new@example.com")
    page.post(f"{path_of(sign_up)}/attempt_verification", strategy="email_code", code="424242")
    form = {"email_address": "other@example.com", "password": "long enough"}
    shown = page.ask("PATCH", path_of(sign_up), form).json()["response"]
    assert (shown["status"], shown["unverified_fields"]) == ("missing_requirements", ["email_address"])


REFUSED = [
    ({"email_address": "ADA@blueridge.example"}, (422, "form_identifier_exists", "email_address")),
    ({"email_address": "new"}, (422, "form_param_format_invalid", "email_address")),
    ({"email_address": "new@example"}, (422, "form_param_format_invalid", "email_address")),
    ({"email_address": "a b@example.com"}, (422, "form_param_format_invalid", "email_address")),
    ({"email_address": "a@example.com>"}, (422, "form_param_format_invalid", "email_address")),
    ({"password": "short"}, (422, "form_password_length_too_short", "password")),
    ({"password": "long" * 19}, (422, "form_password_length_too_long", "password")),
    ({"password": "\x00" * 8}, (422, "form_param_format_invalid", "password")),
    ({"username": "abc"}, (422, "form_param_format_invalid", "username")),
    ({"username": "new@example.com"}, (422, "form_param_format_invalid", "username")),
    ({"unsafe_metadata": "{"}, (422, "form_param_value_invalid", "unsafe_metadata")),
    ({"unsafe_metadata": "[]"}, (422, "form_param_value_invalid", "unsafe_metadata")),
    ({"unsafe_metadata": "[" * 2000}, (422, "form_param_value_invalid", "unsafe_metadata")),
    ({"strategy": "oauth_google"}, (422, "strategy_for_user_invalid", "strategy")),
    ({"ticket": "x"}, (422, "strategy_for_user_invalid", "strategy")),
]


@pytest.mark.parametrize(("form", "error"), REFUSED)
def test_what_cannot_be_a_user(page: Page, form: dict[str, str], error: tuple[int, str, str]) -> None:
    sign_up = begin(page)
    assert error_in(page.post("/client/sign_ups", **form)) == error
    assert page.client()["sign_up"] == sign_up  # nothing of it is kept
    if set(form) & {"strategy", "ticket"} == set():
        assert error_in(page.ask("PATCH", path_of(sign_up), {"first_name": "New", **form})) == error
        assert page.client()["sign_up"] == sign_up


@pytest.mark.parametrize(
    ("email", "name", "field"),
    [("NEW@example.com", "other", "email_address"), ("other@example.com", "Somebody", "username")],
)
def test_a_name_that_is_taken_meanwhile(
    clerk: LocalClerk, page: Page, email: str, name: str, field: str
) -> None:
    sign_up = begin(page, **NEW, username="somebody")
    clerk.create_user(email, username=name)
    response = page.post(f"{path_of(sign_up)}/attempt_verification", strategy="email_code", code="424242")
    assert error_in(response) == (422, "form_identifier_exists", field)
    assert page.client()["sessions"] == []


def test_a_wrong_code(page: Page) -> None:
    path = f"{path_of(begin(page))}/attempt_verification"
    errors = [error_in(page.post(path, strategy="email_code", code="1"))[1] for _ in range(6)]
    assert errors == ["form_code_incorrect"] * 4 + ["verification_failed", "resource_not_found"]
    other = page.post(f"{path_of(begin(page))}/attempt_verification", strategy="phone_code", code="424242")
    assert error_in(other) == (422, "strategy_for_user_invalid", "strategy")


def test_it_cannot_be_gone_on_with_for_ever(page: Page, clock: Any) -> None:
    sign_up = begin(page)
    clock.now += 3601
    assert error_in(page.get(path_of(sign_up))) == (404, "resource_not_found", None)
    assert page.client()["sign_up"] is None


def test_nor_in_another_browser(new_page: Callable[[], Page]) -> None:
    path, other = path_of(begin(new_page())), new_page()
    begin(other, first_name="Other")
    for response in (
        other.get(path),
        other.ask("PATCH", path, {"first_name": "Other"}),
        other.post(f"{path}/attempt_verification", strategy="email_code", code="424242"),
    ):
        assert error_in(response) == (404, "resource_not_found", None)


def test_who_is_invited_accepts_it(page: Page, clerk: LocalClerk, backend: httpx.Client) -> None:
    for email, tier in (("NEW@example.com", "silver"), ("new@example.com", "gold"), ("other@x.example", "")):
        body = {"email_address": email, "public_metadata": {"tier": tier}, "ignore_existing": True}
        assert backend.post("/invitations", json=body).status_code == 200
    path = path_of(begin(page, **NEW))
    assert {each["status"] for each in backend.get("/invitations").json()} == {"pending"}
    done = page.post(f"{path}/attempt_verification", strategy="email_code", code="424242").json()
    user = clerk.users[done["response"]["created_user_id"]]
    assert user.public_metadata == {"tier": "gold"}
    (accepted,) = backend.get("/invitations?status=accepted").json()
    assert (accepted["email_address"], accepted["public_metadata"]) == (user.email, {"tier": "gold"})
    revoked = backend.post(f"/invitations/{accepted['id']}/revoke")
    assert error_in(revoked) == (400, "invitation_already_accepted", None)


def test_who_is_signed_in_cannot_sign_up(page: Page) -> None:
    page.sign_in("ada@blueridge.example")
    assert error_in(page.post("/client/sign_ups", **NEW)) == (400, "session_exists", None)


def test_there_is_room_for_so_many(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    path = path_of(begin(page))
    monkeypatch.setattr("clerk_middleware.local.rules.MAXIMUM_USERS", 6)
    begun = page.post("/client/sign_ups", **NEW)
    done = page.post(f"{path}/attempt_verification", strategy="email_code", code="424242")
    for response in (begun, done):
        assert error_in(response) == (403, "user_quota_exceeded", None)


class TestSeveralSessions:
    @pytest.fixture
    def clerk(self, several_sessions: LocalClerk) -> LocalClerk:
        return several_sessions

    def test_one_more_user_beside_another(self, page: Page) -> None:
        page.sign_in("ada@example.com")
        path = path_of(begin(page, **NEW))
        answer = page.post(f"{path}/attempt_verification", strategy="email_code", code="424242").json()
        assert len(answer["client"]["sessions"]) == 2


def test_metadata_that_is_null_is_none(page: Page) -> None:
    answer = page.post("/client/sign_ups", **NEW, unsafe_metadata="null")
    assert (answer.status_code, answer.json()["response"]["unsafe_metadata"]) == (200, {})

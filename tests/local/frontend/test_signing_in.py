"""Signing in by clerk-js: by password, by a code, by second factors, by tickets; and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyotp
import pytest

from clerk_middleware.local import LocalClerk

from .conftest import seed_with
from .page import Page, error_in

ADA = "ada@blueridge.example"
GRACE = "grace@harborlines.example"


def begin(page: Page, identifier: str = ADA) -> str:
    """The path of a sign-in."""
    response = page.post("/client/sign_ins", identifier=identifier)
    assert response.status_code == 200, response.text
    return f"/client/sign_ins/{response.json()['response']['id']}"


def test_a_password_after_the_identifier(page: Page, claims_of: Any) -> None:
    created = page.post("/client/sign_ins", identifier=ADA).json()
    shown = created["response"]
    assert shown == created["client"]["sign_in"]
    assert (shown["object"], shown["status"], shown["identifier"]) == ("sign_in", "needs_first_factor", ADA)
    assert shown["supported_identifiers"] == ["email_address"]
    assert shown["supported_first_factors"] == [
        {"strategy": "password"},
        {
            "strategy": "email_code",
            "email_address_id": "idn_ada",
            "safe_identifier": ADA,
            "primary": True,
        },
    ]
    assert shown["supported_second_factors"] is shown["created_session_id"] is None
    assert shown["first_factor_verification"] is None
    assert shown["user_data"]["first_name"] == "Ada"
    assert created["client"]["sessions"] == []

    path = f"/client/sign_ins/{shown['id']}"
    answer = page.post(f"{path}/attempt_first_factor", strategy="password", password="fleet-demo").json()
    assert answer["response"]["status"] == "complete"
    assert answer["response"]["first_factor_verification"]["status"] == "verified"
    client = answer["client"]
    (session,) = client["sessions"]
    assert client["last_active_session_id"] == session["id"] == answer["response"]["created_session_id"]
    assert client["sign_in"] is None
    assert session["last_active_organization_id"] == "org_blue_ridge"
    claims = claims_of(session["last_active_token"]["jwt"])
    assert (claims["sub"], claims["azp"], claims["sid"]) == (
        "user_ada",
        "http://localhost:8000",
        session["id"],
    )


def test_a_password_at_once(page: Page) -> None:
    assert page.sign_in(ADA.upper())["sessions"][0]["user"]["id"] == "user_ada"


def test_a_code_that_is_never_sent(page: Page) -> None:
    path = begin(page)
    shown = page.post(
        f"{path}/prepare_first_factor", strategy="email_code", email_address_id="idn_ada"
    ).json()
    verification = shown["response"]["first_factor_verification"]
    assert (verification["status"], verification["strategy"]) == ("unverified", "email_code")
    wrong = page.post(f"{path}/attempt_first_factor", strategy="email_code", code="123456")
    assert error_in(wrong) == (422, "form_code_incorrect", "code")
    right = page.post(f"{path}/attempt_first_factor", strategy="email_code", code="424242").json()["response"]
    assert right["status"] == "complete"
    assert right["first_factor_verification"]["strategy"] == "email_code"


def test_a_code_may_be_asked_for_at_once(page: Page) -> None:
    shown = page.post("/client/sign_ins", identifier=ADA, strategy="email_code").json()["response"]
    assert shown["first_factor_verification"]["status"] == "unverified"


class TestTheSecondFactor:
    def test_follows_the_first(self, page: Page) -> None:
        path = begin(page, GRACE)
        too_early = page.post(f"{path}/attempt_second_factor", strategy="totp", code="424242")
        assert error_in(too_early)[:2] == (400, "client_state_invalid")
        first = page.post(f"{path}/attempt_first_factor", strategy="password", password="fleet-demo").json()
        assert first["response"]["status"] == "needs_second_factor"
        assert first["response"]["supported_second_factors"] == [{"strategy": "totp"}]
        assert first["client"]["sessions"] == []
        assert page.get(path).json()["response"] == first["response"] == first["client"]["sign_in"]
        again = page.post(f"{path}/attempt_first_factor", strategy="password", password="fleet-demo")
        sent = page.post(f"{path}/prepare_first_factor", strategy="email_code")
        for response in (again, sent):
            assert error_in(response)[:2] == (400, "client_state_invalid")
        prepared = page.post(f"{path}/prepare_second_factor", strategy="totp").json()["response"]
        assert prepared["status"] == "needs_second_factor"
        wrong = page.post(f"{path}/attempt_second_factor", strategy="totp", code="000000")
        assert error_in(wrong) == (422, "form_code_incorrect", "code")
        right = page.post(f"{path}/attempt_second_factor", strategy="totp", code="424242").json()
        assert right["response"]["status"] == "complete"
        assert right["response"]["second_factor_verification"]["status"] == "verified"
        assert right["client"]["sessions"][0]["factor_verification_age"] == [0, 0]

    def test_may_be_that_of_an_authenticator_app(self, clerk: LocalClerk, page: Page, clock: Any) -> None:
        secret = pyotp.random_base32()
        clerk.update_user("user_ada", totp_secret=secret)
        path = begin(page)
        page.post(f"{path}/attempt_first_factor", strategy="password", password="fleet-demo")
        code = pyotp.TOTP(secret).at(int(clock.now))
        right = page.post(f"{path}/attempt_second_factor", strategy="totp", code=code).json()["response"]
        assert right["status"] == "complete"

    def test_is_none_of_who_has_none(self, page: Page) -> None:
        path = begin(page)
        response = page.post(f"{path}/prepare_second_factor", strategy="totp")
        assert error_in(response) == (422, "strategy_for_user_invalid", "strategy")

    def test_may_not_be_anything(self, page: Page) -> None:
        path = begin(page, GRACE)
        page.post(f"{path}/attempt_first_factor", strategy="password", password="fleet-demo")
        response = page.post(f"{path}/attempt_second_factor", strategy="phone_code", code="424242")
        assert error_in(response) == (422, "strategy_for_user_invalid", "strategy")


REFUSED = [
    ({}, (422, "form_param_missing", "identifier")),
    ({"identifier": "nobody@example.com"}, (422, "form_identifier_not_found", "identifier")),
    ({"identifier": ADA, "password": "wrong"}, (422, "form_password_incorrect", "password")),
    ({"identifier": ADA, "password": ""}, (422, "form_param_missing", "password")),
    ({"identifier": ADA, "strategy": "oauth_google"}, (422, "strategy_for_user_invalid", "strategy")),
    ({"strategy": "ticket"}, (422, "form_param_missing", "ticket")),
    ({"strategy": "ticket", "ticket": "unknown"}, (400, "ticket_invalid_code", None)),
]


@pytest.mark.parametrize(("form", "error"), REFUSED)
def test_what_does_not_begin_a_session(page: Page, form: dict[str, str], error: tuple[int, str, str]) -> None:
    assert error_in(page.post("/client/sign_ins", **form)) == error
    assert page.client()["sessions"] == []


def test_a_strategy_that_is_none(page: Page) -> None:
    path = begin(page)
    for action, form in (
        ("prepare_first_factor", {}),
        ("attempt_first_factor", {"code": "424242"}),
        ("attempt_second_factor", {"code": "424242"}),
    ):
        assert error_in(page.post(f"{path}/{action}", **form)) == (422, "form_param_missing", "strategy")
    for strategy in ("phone_code", "totp"):
        prepared = page.post(f"{path}/prepare_first_factor", strategy=strategy)
        attempted = page.post(f"{path}/attempt_first_factor", strategy=strategy, code="424242")
        for response in (prepared, attempted):
            assert error_in(response) == (422, "strategy_for_user_invalid", "strategy")


def test_too_many_wrong_passwords_end_it(page: Page) -> None:
    path = begin(page)
    errors = [
        error_in(page.post(f"{path}/attempt_first_factor", strategy="password", password="wrong"))[1]
        for _ in range(6)
    ]
    assert errors == ["form_password_incorrect"] * 4 + ["verification_failed", "resource_not_found"]
    right = page.post(f"{path}/attempt_first_factor", strategy="password", password="fleet-demo")
    assert error_in(right) == (404, "resource_not_found", None)


def test_too_many_wrong_second_factors_end_it(page: Page) -> None:
    path = begin(page, GRACE)
    page.post(f"{path}/attempt_first_factor", strategy="password", password="fleet-demo")
    errors = [
        error_in(page.post(f"{path}/attempt_second_factor", strategy="totp", code="1"))[1] for _ in range(6)
    ]
    assert errors == ["form_code_incorrect"] * 4 + ["verification_failed", "resource_not_found"]


def test_it_cannot_be_gone_on_with_for_ever(page: Page, clock: Any) -> None:
    path = begin(page)
    clock.now += 601
    assert error_in(page.get(path)) == (404, "resource_not_found", None)
    assert page.client()["sign_in"] is None


def test_nor_in_another_browser(new_page: Callable[[], Page]) -> None:
    path, other = begin(new_page(), GRACE), new_page()
    begin(other)
    for response in (
        other.get(path),
        other.post(f"{path}/attempt_first_factor", strategy="password", password="fleet-demo"),
        other.post(f"{path}/attempt_second_factor", strategy="totp", code="424242"),
    ):
        assert error_in(response) == (404, "resource_not_found", None)


def test_nor_once_its_user_is_gone(clerk: LocalClerk, page: Page) -> None:
    path = begin(page)
    clerk.delete_user("user_ada")
    assert page.client()["sign_in"] is None
    assert page.get(path).status_code == 404


@pytest.mark.parametrize(("state", "code"), [("banned", "user_banned"), ("locked", "user_locked")])
def test_who_may_not_sign_in(clerk: LocalClerk, page: Page, state: Any, code: str) -> None:
    path = begin(page)
    clerk.update_user("user_ada", **{state: True})
    attempted = page.post(f"{path}/attempt_first_factor", strategy="password", password="fleet-demo")
    begun = page.post("/client/sign_ins", identifier=ADA)
    ticket = page.post(
        "/client/sign_ins", strategy="ticket", ticket=clerk.create_sign_in_token("user_ada").token
    )
    for response in (attempted, begun, ticket):
        assert error_in(response) == (403, code, None)
    assert page.client()["sessions"] == []


class TestWhoIsSignedIn:
    def test_cannot_sign_in_again(self, page: Page) -> None:
        client = page.sign_in(ADA)
        for form in ({"identifier": GRACE}, {"strategy": "ticket", "ticket": "x"}):
            response = page.post("/client/sign_ins", **form)
            assert error_in(response) == (400, "session_exists", None)
            shown = response.json()["meta"]["client"]  # so that a page which did not know goes on with it
            assert shown["last_active_session_id"] == client["last_active_session_id"]


class TestSeveralSessions:
    @pytest.fixture
    def clerk(self, several_sessions: LocalClerk) -> LocalClerk:
        return several_sessions

    def test_one_of_each_user(self, page: Page) -> None:
        page.sign_in("ada@example.com")
        token = page.token
        client = page.sign_in("BOB_the_1st")
        assert [session["user"]["id"] for session in client["sessions"]] == ["user_ada", "user_bob"]
        assert client["last_active_session_id"] == client["sessions"][1]["id"]
        assert page.token == token  # with which the page may just be asking for Ada's next session token

    def test_not_two_of_the_same_user(self, page: Page) -> None:
        client = page.sign_in("ada@example.com")
        page.sign_in("bob@example.com")
        response = page.post("/client/sign_ins", identifier="ada@example.com", password="fleet-demo")
        assert error_in(response) == (400, "identifier_already_signed_in", None)
        (error,) = response.json()["errors"]
        assert error["meta"]["session_id"] == client["sessions"][0]["id"]


class TestTickets:
    def test_sign_in_once(self, clerk: LocalClerk, new_page: Callable[[], Page]) -> None:
        ticket = clerk.create_sign_in_token("user_grace").token
        page = new_page()
        answer = page.post("/client/sign_ins", strategy="ticket", ticket=ticket).json()
        assert answer["response"]["status"] == "complete"
        assert answer["client"]["sessions"][0]["user"]["id"] == "user_grace"
        again = new_page().post("/client/sign_ins", strategy="ticket", ticket=ticket)
        assert error_in(again) == (400, "ticket_invalid_code", None)

    def test_of_somebody_who_acts_as_the_user(self, clerk: LocalClerk, page: Page, claims_of: Any) -> None:
        ticket = clerk.create_actor_token("user_ada", actor={"sub": "user_dev"}).token
        client = page.post("/client/sign_ins", strategy="ticket", ticket=ticket).json()["client"]
        (session,) = client["sessions"]
        assert session["actor"] == {"sub": "user_dev"}
        assert claims_of(session["last_active_token"]["jwt"])["act"] == {"sub": "user_dev"}


class TestATask:
    @pytest.fixture
    def clerk(self, clock: Any) -> LocalClerk:
        organization = {"id": "org_1", "slug": "one", "name": "One", "members": {"user_ada": "org:member"}}
        seed = seed_with(
            sessions={"force_organization_selection": True},
            roles={"org:member": {"name": "Member"}},
            organizations=[organization],  # type: ignore[arg-type]
        )
        return LocalClerk(seed, clock=clock)

    def test_keeps_a_session_pending_until_it_is_done(self, page: Page, claims_of: Any) -> None:
        (session,) = page.sign_in("ada@example.com")["sessions"]
        assert (session["status"], session["tasks"]) == ("pending", [{"key": "choose-organization"}])
        assert claims_of(session["last_active_token"]["jwt"])["sts"] == "pending"
        path = f"/client/sessions/{session['id']}"
        # clerk-js makes a session the active one before its task is done.
        touched = page.post(f"{path}/touch", active_organization_id="").json()["response"]
        assert touched["status"] == "pending"
        touched = page.post(f"{path}/touch", active_organization_id="org_1").json()["response"]
        assert (touched["status"], touched["tasks"]) == ("active", None)
        assert claims_of(touched["last_active_token"]["jwt"])["sts"] == "active"
        refused = page.post(f"{path}/touch", active_organization_id="")
        assert error_in(refused) == (403, "organization_not_found_or_unauthorized", None)

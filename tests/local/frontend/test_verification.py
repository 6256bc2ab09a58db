"""Proving again who one is in a session that goes on: what is asked for, what it changes, who is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pyotp.totp import TOTP

from clerk_middleware.local import LocalClerk
from clerk_middleware.local.records import Session

from ..conftest import Clock
from .page import Page, error_in

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
SignedIn = Callable[..., tuple[Page, Session]]


def begin(page: Page, session: Session, level: str = "first_factor") -> dict[str, Any]:
    """The verification that has begun."""
    response = page.post(f"/client/sessions/{session.id}/verify", level=level)
    assert response.status_code == 200, response.text
    verification: dict[str, Any] = response.json()["response"]
    return verification


def attempt(page: Page, session: Session, strategy: str, secret: str) -> httpx.Response:
    """Give a password or a code, for the factor that the strategy is of."""
    which = "second" if strategy == "totp" else "first"
    field = {"password": secret} if strategy == "password" else {"code": secret}
    path = f"/client/sessions/{session.id}/verify/attempt_{which}_factor"
    return page.post(path, strategy=strategy, **field)


def test_a_password_restarts_the_age_of_the_first_factor(
    signed_in: SignedIn, clock: Clock, claims_of: Any
) -> None:
    page, session = signed_in("user_ada", "blue-ridge-freight")
    clock.now += 3600
    begun = begin(page, session)
    assert (begun["object"], begun["status"], begun["level"]) == (
        "session_verification",
        "needs_first_factor",
        "first_factor",
    )
    assert begun["session"]["id"] == session.id
    assert begun["session"]["factor_verification_age"] == [60, -1]
    assert [factor["strategy"] for factor in begun["supported_first_factors"]] == ["password", "email_code"]
    assert begun["supported_second_factors"] is begun["first_factor_verification"] is None

    answer = attempt(page, session, "password", "fleet-demo").json()
    verification = answer["response"]
    assert verification["status"] == "complete"
    assert verification["id"] == begun["id"]
    assert verification["first_factor_verification"]["status"] == "verified"
    assert verification["first_factor_verification"]["strategy"] == "password"
    assert verification["session"]["factor_verification_age"] == [0, -1]
    (shown,) = answer["client"]["sessions"]
    claims = claims_of(shown["last_active_token"]["jwt"])
    assert (claims["fva"], claims["sid"], claims["o"]["slg"]) == ([0, -1], session.id, "blue-ridge-freight")


@pytest.mark.parametrize(
    ("user_id", "level", "shown", "status", "has_first", "has_second"),
    [
        ("user_ada", "first_factor", "first_factor", "needs_first_factor", True, False),
        ("user_ada", "second_factor", "first_factor", "needs_first_factor", True, False),
        ("user_ada", "multi_factor", "first_factor", "needs_first_factor", True, False),
        ("user_grace", "first_factor", "first_factor", "needs_first_factor", True, True),
        ("user_grace", "second_factor", "second_factor", "needs_second_factor", False, True),
        ("user_grace", "multi_factor", "multi_factor", "needs_first_factor", True, True),
    ],
)
def test_who_has_no_second_factor_is_asked_for_the_first(
    signed_in: SignedIn,
    user_id: str,
    level: str,
    shown: str,
    status: str,
    has_first: bool,
    has_second: bool,
) -> None:
    begun = begin(*signed_in(user_id), level)
    assert (begun["level"], begun["status"]) == (shown, status)
    assert (begun["supported_first_factors"] is not None) == has_first
    assert begun["supported_second_factors"] == ([{"strategy": "totp"}] if has_second else None)


def test_the_code_of_a_mail(signed_in: SignedIn, clock: Clock) -> None:
    page, session = signed_in("user_ada")
    clock.now += 3600
    begin(page, session)
    path = f"/client/sessions/{session.id}/verify/prepare_first_factor"
    prepared = page.post(path, strategy="email_code", email_address_id="idn_ada").json()["response"]
    assert prepared["status"] == "needs_first_factor"
    assert prepared["first_factor_verification"]["status"] == "unverified"
    assert prepared["first_factor_verification"]["strategy"] == "email_code"
    assert error_in(attempt(page, session, "email_code", "000000")) == (422, "form_code_incorrect", "code")
    assert attempt(page, session, "email_code", "424242").json()["response"]["status"] == "complete"
    assert session.factor_verification_age(clock()) == [0, -1]


def test_an_authenticator_app_restarts_the_age_of_the_second_factor_alone(
    signed_in: SignedIn, clerk: LocalClerk, clock: Clock
) -> None:
    clerk.update_user("user_ada", totp_secret=SECRET)
    page, session = signed_in("user_ada")
    clock.now += 3600
    begin(page, session, "second_factor")
    path = f"/client/sessions/{session.id}/verify/prepare_second_factor"
    assert page.post(path, strategy="totp").json()["response"]["status"] == "needs_second_factor"
    assert error_in(page.post(path, strategy="phone_code")) == (422, "strategy_for_user_invalid", "strategy")
    code = TOTP(SECRET).at(int(clock()))
    verification = attempt(page, session, "totp", code).json()["response"]
    assert verification["status"] == "complete"
    assert verification["second_factor_verification"]["status"] == "verified"
    assert verification["session"]["factor_verification_age"] == [60, 0]


def test_both_factors_one_after_the_other(signed_in: SignedIn, clock: Clock) -> None:
    page, session = signed_in("user_grace")
    clock.now += 3600
    begin(page, session, "multi_factor")
    assert error_in(attempt(page, session, "totp", "424242")) == (400, "client_state_invalid", None)
    first = attempt(page, session, "password", "fleet-demo").json()["response"]
    assert (first["status"], first["session"]["factor_verification_age"]) == ("needs_second_factor", [0, -1])
    assert error_in(attempt(page, session, "password", "fleet-demo")) == (400, "client_state_invalid", None)
    second = attempt(page, session, "totp", "424242").json()["response"]
    assert (second["status"], second["session"]["factor_verification_age"]) == ("complete", [0, 0])
    assert error_in(attempt(page, session, "totp", "424242")) == (400, "client_state_invalid", None)


def test_wrong_answers_of_a_session_are_counted_whatever_is_begun_again(
    signed_in: SignedIn, clock: Clock
) -> None:
    page, session = signed_in("user_ada")
    for _ in range(5):
        begin(page, session)
        assert error_in(attempt(page, session, "password", "guess")) == (
            422,
            "form_password_incorrect",
            "password",
        )
    begin(page, session)
    for _ in range(2):
        assert error_in(attempt(page, session, "password", "fleet-demo")) == (403, "user_locked", None)
    other_page, other = signed_in("user_ada")
    begin(other_page, other)
    assert attempt(other_page, other, "password", "fleet-demo").status_code == 200

    clock.now += 600
    begin(page, session)
    for _ in range(4):
        assert error_in(attempt(page, session, "password", "guess"))[0] == 422
    assert attempt(page, session, "password", "fleet-demo").status_code == 200
    begin(page, session)
    for _ in range(4):  # the right answer set the count back
        assert error_in(attempt(page, session, "password", "guess"))[0] == 422
    assert attempt(page, session, "password", "fleet-demo").status_code == 200


def test_a_verification_has_to_be_begun_and_is_good_for_ten_minutes(
    signed_in: SignedIn, clock: Clock
) -> None:
    page, session = signed_in("user_ada")
    missing = (400, "verification_missing", None)
    assert error_in(attempt(page, session, "password", "fleet-demo")) == missing
    begin(page, session)
    clock.now += 601
    assert error_in(attempt(page, session, "password", "fleet-demo")) == missing
    begin(page, session)
    clock.now += 600
    assert attempt(page, session, "password", "fleet-demo").status_code == 200


def test_a_strategy_has_to_be_the_users(signed_in: SignedIn) -> None:
    page, session = signed_in("user_grace")
    path, refused = f"/client/sessions/{session.id}/verify", (422, "strategy_for_user_invalid", "strategy")
    begin(page, session, "multi_factor")
    assert error_in(page.post(f"{path}/prepare_first_factor", strategy="passkey")) == refused
    assert error_in(page.post(f"{path}/attempt_first_factor", strategy="totp", code="424242")) == refused
    attempt(page, session, "password", "fleet-demo")
    wrong = page.post(f"{path}/attempt_second_factor", strategy="email_code", code="424242")
    assert error_in(wrong) == refused


def test_a_level_has_to_be_one_of_clerks(signed_in: SignedIn) -> None:
    page, session = signed_in("user_ada")
    path = f"/client/sessions/{session.id}/verify"
    assert error_in(page.post(path, level="strict")) == (422, "form_param_value_invalid", "level")
    assert error_in(page.post(path)) == (422, "form_param_missing", "level")


def test_a_session_of_another_browser_cannot_be_verified(
    signed_in: SignedIn, new_page: Callable[[], Page], clock: Clock
) -> None:
    victims_page, victims = signed_in("user_ada")
    begin(victims_page, victims)
    clock.now += 300
    not_there = (404, "resource_not_found", None)
    for attacker in (signed_in("user_grace")[0], signed_in("user_ada")[0], new_page()):
        path = f"/client/sessions/{victims.id}/verify"
        assert error_in(attacker.post(path, level="first_factor")) == not_there
        for verb in ("prepare", "attempt"):
            for factor in ("first", "second"):
                answer = attacker.post(
                    f"{path}/{verb}_{factor}_factor", strategy="password", password="fleet-demo"
                )
                assert error_in(answer) == not_there
        query = {"_clerk_session_id": victims.id}
        assert error_in(attacker.ask("POST", path, {"level": "first_factor"}, query=query)) == not_there
    assert victims.factor_verification_age(clock()) == [5, -1]


def test_a_page_elsewhere_cannot_verify(signed_in: SignedIn, clock: Clock) -> None:
    page, session = signed_in("user_ada")
    begin(page, session)
    clock.now += 300
    page.origin = "https://evil.example.com"
    assert error_in(attempt(page, session, "password", "fleet-demo"))[:2] == (400, "origin_invalid")
    assert session.factor_verification_age(clock()) == [5, -1]


def test_an_ended_session_is_not_verified(signed_in: SignedIn, clerk: LocalClerk) -> None:
    page, session = signed_in("user_ada")
    begin(page, session)
    clerk.revoke_session(session.id)
    assert error_in(attempt(page, session, "password", "fleet-demo"))[:2] == (401, "authentication_invalid")


def test_who_only_acts_as_a_user_does_not_prove_to_be_one(signed_in: SignedIn) -> None:
    page, session = signed_in("user_ada", actor={"sub": "user_support"})
    answer = page.post(f"/client/sessions/{session.id}/verify", level="first_factor")
    assert error_in(answer) == (403, "authorization_invalid", None)
    assert error_in(attempt(page, session, "password", "fleet-demo"))[:2] == (400, "verification_missing")

"""What one changes of oneself by clerk-js, and what takes a recent proof of who one is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pyotp.totp import TOTP

from clerk_middleware.local import LocalClerk
from clerk_middleware.local.records import Session

from ..conftest import Clock
from .page import Page, error_in

SignedIn = Callable[..., tuple[Page, Session]]
NEEDED = (403, "session_reverification_required", None)


def test_the_user_who_is_signed_in(signed_in: SignedIn) -> None:
    page, _ = signed_in("user_ada")
    answer = page.get("/me").json()
    user = answer["response"]
    assert (user["object"], user["id"], user["first_name"]) == ("user", "user_ada", "Ada")
    assert user["public_metadata"] == {"onboardingComplete": True}
    assert "private_metadata" not in user
    assert answer["client"]["sessions"][0]["user"] == user


def test_names_and_metadata_of_ones_own(signed_in: SignedIn, clerk: LocalClerk) -> None:
    page, _ = signed_in("user_ada")
    form = {"first_name": "Adele", "last_name": "", "unsafe_metadata": '{"theme": {"dark": true}}'}
    changed = page.ask("PATCH", "/me", form).json()["response"]
    assert (changed["first_name"], changed["last_name"]) == ("Adele", None)
    assert changed["unsafe_metadata"] == {"theme": {"dark": True}}
    merged = page.ask("PATCH", "/me/metadata", {"unsafe_metadata": '{"theme": {"size": 2}, "a": null}'})
    assert merged.json()["response"]["unsafe_metadata"] == {"theme": {"dark": True, "size": 2}}
    assert page.ask("PATCH", "/me", {}).json()["response"]["first_name"] == "Adele"
    assert clerk.users["user_ada"].unsafe_metadata == {"theme": {"dark": True, "size": 2}}
    assert clerk.webhook_messages[-1].type == "user.updated"


@pytest.mark.parametrize("field", ["public_metadata", "private_metadata", "email", "plan", "banned"])
def test_what_is_not_ones_own_stays(signed_in: SignedIn, clerk: LocalClerk, field: str) -> None:
    page, _ = signed_in("user_sam")
    before = clerk.users["user_sam"]
    for path in ("/me", "/me/metadata"):
        assert page.ask("PATCH", path, {field: '{"admin": true}'}).status_code == 200
    assert clerk.users["user_sam"] == before


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"first_name": "a" * 257}, (422, "form_param_value_invalid", "first_name")),
        ({"unsafe_metadata": "[]"}, (422, "form_param_value_invalid", "unsafe_metadata")),
        ({"unsafe_metadata": '{"a": "%s"}' % ("a" * 5000)}, None),
        ({"username": "no spaces"}, (422, "form_param_format_invalid", "username")),
        ({"username": "Grace_1"}, (422, "form_identifier_exists", "username")),
    ],
)
def test_what_is_refused(
    signed_in: SignedIn, clerk: LocalClerk, form: dict[str, str], error: tuple[int, str, str] | None
) -> None:
    clerk.update_user("user_grace", username="grace_1")
    page, _ = signed_in("user_ada")
    before = clerk.users["user_ada"]
    refused = page.ask("PATCH", "/me", form)
    assert refused.status_code == 422
    assert error is None or error_in(refused) == error
    assert clerk.users["user_ada"] == before


def test_a_username(signed_in: SignedIn, clerk: LocalClerk) -> None:
    page, _ = signed_in("user_ada")
    assert page.ask("PATCH", "/me", {"username": "ada_1"}).json()["response"]["username"] == "ada_1"
    assert page.ask("PATCH", "/me", {"username": "ADA_1"}).json()["response"]["username"] == "ADA_1"
    assert page.ask("PATCH", "/me", {"username": ""}).json()["response"]["username"] is None


def test_another_password(signed_in: SignedIn, new_page: Callable[[], Page], clerk: LocalClerk) -> None:
    page, session = signed_in("user_ada")
    _, elsewhere = signed_in("user_ada")
    _, graces = signed_in("user_grace")
    form = {"new_password": "a better one", "sign_out_of_other_sessions": "false"}
    answer = page.post("/me/change_password", **form).json()["response"]
    assert (answer["id"], answer["password_enabled"]) == ("user_ada", True)
    assert elsewhere.closed is None
    new_page().sign_in("ada@blueridge.example", "a better one")
    form = {"new_password": "the best one", "current_password": "fleet-demo"}
    wrong = page.post("/me/change_password", **form)
    assert error_in(wrong) == (422, "form_password_incorrect", "current_password")
    form = {**form, "current_password": "a better one", "sign_out_of_other_sessions": "true"}
    assert page.post("/me/change_password", **form).status_code == 200
    assert [other.closed for other in (session, elsewhere, graces)] == [None, "revoked", None]
    assert clerk.users["user_ada"].password == "the best one"


def test_a_password_has_to_be_long_enough(signed_in: SignedIn, clerk: LocalClerk) -> None:
    page, _ = signed_in("user_ada")
    short = page.post("/me/change_password", new_password="short")
    assert error_in(short) == (422, "form_password_length_too_short", "new_password")
    assert error_in(page.post("/me/change_password")) == (422, "form_param_missing", "new_password")
    assert clerk.users["user_ada"].password == "fleet-demo"


def test_deleting_oneself(signed_in: SignedIn, clerk: LocalClerk) -> None:
    page, session = signed_in("user_rosa", "blue-ridge-freight")
    answer = page.ask("DELETE", "/me").json()
    assert answer["response"] == {"object": "user", "id": "user_rosa", "deleted": True}
    assert answer["client"]["sessions"] == []
    assert "user_rosa" not in clerk.users
    assert "user_rosa" not in clerk.organizations["org_blue_ridge"].members
    assert session.closed == "removed"


SENSITIVE = [
    ("PATCH", "/me", {"username": "ada_1"}),
    ("POST", "/me/change_password", {"new_password": "a better one"}),
    ("DELETE", "/me", {}),
    ("POST", "/me/totp", {}),
    ("POST", "/me/totp/attempt_verification", {"code": "000000"}),
    ("DELETE", "/me/totp", {}),
    ("POST", "/me/sessions/OTHER/revoke", {}),
]


@pytest.mark.parametrize(("method", "path", "form"), SENSITIVE)
def test_what_is_sensitive_takes_a_proof_of_the_last_ten_minutes(
    signed_in: SignedIn, clerk: LocalClerk, clock: Clock, method: str, path: str, form: dict[str, str]
) -> None:
    page, _session = signed_in("user_ada")
    _, other = signed_in("user_ada")
    before, path = clerk.users["user_ada"], path.replace("OTHER", other.id)
    clock.now += 600
    assert error_in(page.ask(method, path, form)) == NEEDED
    assert (clerk.users["user_ada"], other.closed) == (before, None)
    clock.now -= 1
    assert error_code(page.ask(method, path, form)) != NEEDED[1]


@pytest.mark.parametrize(("method", "path", "form"), SENSITIVE)
def test_who_only_acts_as_the_user_does_nothing_sensitive(
    signed_in: SignedIn, clerk: LocalClerk, method: str, path: str, form: dict[str, str]
) -> None:
    page, _ = signed_in("user_ada", actor={"sub": "user_support"})
    _, other = signed_in("user_ada")
    before = clerk.users["user_ada"]
    refused = page.ask(method, path.replace("OTHER", other.id), form)
    assert error_in(refused) == (403, "authorization_invalid", None)
    assert (clerk.users["user_ada"], other.closed) == (before, None)


@pytest.mark.parametrize(
    ("method", "path", "form"), [*SENSITIVE, ("PATCH", "/me/metadata", {"unsafe_metadata": "{}"})]
)
def test_neither_another_browser_nor_a_page_elsewhere_changes_a_user(
    signed_in: SignedIn, clerk: LocalClerk, method: str, path: str, form: dict[str, str]
) -> None:
    page, session = signed_in("user_ada")
    _, other = signed_in("user_ada")
    before, path = clerk.users["user_ada"], path.replace("OTHER", other.id)
    attacker, _ = signed_in("user_sam")
    stolen = attacker.ask(method, path, form, query={"_clerk_session_id": session.id})
    assert error_in(stolen) == (404, "resource_not_found", None)
    page.origin = "https://evil.example.com"
    assert error_in(page.ask(method, path, form))[:2] == (400, "origin_invalid")
    assert (clerk.users["user_ada"], other.closed) == (before, None)


def test_the_second_factor_is_what_counts_for_who_has_one(signed_in: SignedIn, clock: Clock) -> None:
    page, session = signed_in("user_grace")
    change = {"new_password": "a better one"}
    assert error_in(page.post("/me/change_password", **change)) == NEEDED
    path = f"/client/sessions/{session.id}/verify"
    page.post(path, level="second_factor")
    page.post(f"{path}/attempt_second_factor", strategy="totp", code="424242")
    assert page.post("/me/change_password", **change).status_code == 200


# Where else one is signed in


def test_the_users_sessions_everywhere(signed_in: SignedIn, clock: Clock) -> None:
    page, session = signed_in("user_ada", "blue-ridge-freight")
    clock.now += 1
    _, other = signed_in("user_ada")
    signed_in("user_grace")
    for path in ("/me/sessions/active", "/me/sessions"):
        listed = page.get(path).json()
        assert [item["id"] for item in listed] == [other.id, session.id]
        assert [item["object"] for item in listed] == ["session"] * 2
        assert listed[0]["latest_activity"]["object"] == "session_activity"
        assert "last_active_token" not in listed[0]
    revoked = page.post(f"/me/sessions/{other.id}/revoke").json()["response"]
    assert (revoked["id"], revoked["status"]) == (other.id, "revoked")
    assert [item["id"] for item in page.get("/me/sessions/active").json()] == [session.id]
    assert error_in(page.post(f"/me/sessions/{other.id}/revoke")) == (404, "resource_not_found", None)


def test_sessions_of_another_user_are_not_revoked(signed_in: SignedIn) -> None:
    page, _ = signed_in("user_ada")
    _, graces = signed_in("user_grace")
    assert error_in(page.post(f"/me/sessions/{graces.id}/revoke")) == (404, "resource_not_found", None)
    assert graces.closed is None


# An authenticator app


def test_adding_an_authenticator_app_and_taking_it_away(
    signed_in: SignedIn, clerk: LocalClerk, clock: Clock
) -> None:
    page, _session = signed_in("user_ada")
    totp = page.post("/me/totp").json()["response"]
    assert (totp["object"], totp["verified"]) == ("totp", False)
    assert totp["uri"].startswith("otpauth://totp/Fleet:ada%40blueridge.example?secret=" + totp["secret"])
    assert not clerk.users["user_ada"].has_second_factor
    code = TOTP(totp["secret"]).at(int(clock()))
    verified = page.post("/me/totp/attempt_verification", code=code).json()
    assert (verified["response"]["id"], verified["response"]["verified"]) == (totp["id"], True)
    assert "secret" not in verified["response"]
    assert clerk.users["user_ada"].totp_secret == totp["secret"]
    assert verified["client"]["sessions"][0]["factor_verification_age"] == [0, 0]
    assert verified["client"]["sessions"][0]["user"]["totp_enabled"] is True

    assert error_in(page.post("/me/totp")) == (400, "totp_already_enabled", None)
    assert page.ask("DELETE", "/me/totp").json()["response"]["deleted"] is True
    assert not clerk.users["user_ada"].has_second_factor
    assert error_in(page.ask("DELETE", "/me/totp")) == (404, "resource_not_found", None)


def test_a_new_app_has_to_give_its_first_code(signed_in: SignedIn, clerk: LocalClerk, clock: Clock) -> None:
    page, _ = signed_in("user_ada")
    verify, missing = "/me/totp/attempt_verification", (400, "verification_missing", None)
    assert error_in(page.post(verify, code="000000")) == missing
    secret = page.post("/me/totp").json()["response"]["secret"]
    code = TOTP(secret).at(int(clock()))
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    for _ in range(4):
        assert error_in(page.post(verify, code=wrong)) == (422, "form_code_incorrect", "code")
    assert error_in(page.post(verify, code=wrong))[:2] == (400, "verification_failed")
    assert error_in(page.post(verify, code=code)) == missing
    other, _ = signed_in("user_ada")
    secret = page.post("/me/totp").json()["response"]["secret"]
    assert error_in(other.post(verify, code=TOTP(secret).at(int(clock())))) == missing
    assert not clerk.users["user_ada"].has_second_factor


def test_a_secret_waits_for_ten_minutes(signed_in: SignedIn, clerk: LocalClerk, clock: Clock) -> None:
    page, session = signed_in("user_ada")
    secret = page.post("/me/totp").json()["response"]["secret"]
    clock.now += 601
    clerk._instance.verified_again(session, first=True)
    late = page.post("/me/totp/attempt_verification", code=TOTP(secret).at(int(clock())))
    assert error_in(late) == (400, "verification_missing", None)


# The e-mail address


def test_an_address_is_verified(signed_in: SignedIn, clerk: LocalClerk) -> None:
    clerk.update_user("user_sam", email_verified=False)
    page, _ = signed_in("user_sam")
    (address,) = page.get("/me/email_addresses").json()["response"]
    assert address["verification"]["status"] == "unverified"
    path = f"/me/email_addresses/{address['id']}"
    assert page.get(path).json()["response"] == address
    verify = f"{path}/attempt_verification"
    assert error_in(page.post(verify, code="424242")) == (400, "verification_missing", None)
    wrong = page.post(f"{path}/prepare_verification", strategy="email_link")
    assert error_in(wrong) == (422, "strategy_for_user_invalid", "strategy")
    page.post(f"{path}/prepare_verification", strategy="email_code")
    for _ in range(5):
        assert error_in(page.post(verify, code="000000")) == (422, "form_code_incorrect", "code")
    assert error_in(page.post(verify, code="424242"))[:2] == (400, "verification_failed")
    assert not clerk.users["user_sam"].email_verified
    page.post(f"{path}/prepare_verification", strategy="email_code")
    verified = page.post(verify, code="424242").json()["response"]
    assert verified["verification"]["status"] == "verified"
    assert clerk.users["user_sam"].email_verified


def test_there_is_one_address_and_it_stays(signed_in: SignedIn, clerk: LocalClerk) -> None:
    page, _ = signed_in("user_ada")
    for answer in (
        page.post("/me/email_addresses", email_address="two@example.com"),
        page.post("/me/email_addresses/", email_address="two@example.com"),
        page.ask("DELETE", "/me/email_addresses/idn_ada"),
    ):
        assert error_in(answer) == (422, "form_param_value_invalid", "email_address")
    assert clerk.users["user_ada"].email == "ada@blueridge.example"


def test_an_address_of_another_user_is_not_there(signed_in: SignedIn, clerk: LocalClerk) -> None:
    clerk.update_user("user_sam", email_verified=False)
    page, _ = signed_in("user_ada")
    path = "/me/email_addresses/idn_sam"
    for answer in (
        page.get(path),
        page.ask("DELETE", path),
        page.post(f"{path}/prepare_verification", strategy="email_code"),
        page.post(f"{path}/attempt_verification", code="424242"),
    ):
        assert error_in(answer) == (404, "resource_not_found", None)
    assert not clerk.users["user_sam"].email_verified


def error_code(response: Any) -> str | None:
    """The code of the first error, if there is any."""
    errors = response.json().get("errors")
    return errors[0]["code"] if errors else None

"""What only the Flask application has: forms by WTForms, and a session of Flask's own for their token."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from clerk_middleware import Authenticator, ClerkConfig

LOAD = {"origin": "Macon", "destination": "Tampa", "cargo": "Peaches", "tons": 8}
PAGE = {"accept": "text/html"}


def signed_in(fleet: Any, user_id: str = "user_dev") -> dict[str, str]:
    return {"authorization": f"Bearer {fleet.token(user_id, 'blue-ridge-freight')}"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"origin": ""}, "origin"),
        ({"origin": " \t"}, "origin"),
        ({"origin": "x" * 61}, "origin"),
        ({"origin": "\ud800"}, "origin"),
        ({"cargo": None}, "cargo"),
        ({"cargo": ["Peaches"]}, "cargo"),
        ({"cargo": {"of": "Peaches"}}, "cargo"),
        ({"tons": "many"}, "tons"),
        ({"tons": True}, "tons"),
        ({"tons": [8]}, "tons"),
        ({"tons": 0}, "tons"),
        ({"tons": -1}, "tons"),
        ({"tons": 60.5}, "tons"),
        ({"tons": "nan"}, "tons"),
        ({"tons": "inf"}, "tons"),
    ],
)
def test_a_load_that_is_none(flask_fleet: Any, change: dict[str, Any], field: str) -> None:
    headers = {**signed_in(flask_fleet), "content-type": "application/json"}
    answer = flask_fleet.ask("POST", "/api/loads", headers, content=json.dumps({**LOAD, **change}))
    assert (answer.status_code, answer.json()) == (422, {"detail": f"Please go back and check: {field}."})
    assert len(flask_fleet.ask("GET", "/api/loads", signed_in(flask_fleet)).json()) == 4


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"[]", "application/json", 422),
        (b"null", "application/json", 422),
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b"x" * 100_000, "application/json", 413),
        (b"[" * 60_000, "application/json", 400),
    ],
)
def test_a_body_that_is_no_load(flask_fleet: Any, content: bytes, kind: str, status: int) -> None:
    headers = {**signed_in(flask_fleet), "content-type": kind}
    answer = flask_fleet.ask("POST", "/api/loads", headers, content=content)
    assert answer.status_code == status
    assert answer.json()["detail"]


@pytest.mark.parametrize("form", [{}, {"driver_id": ""}, {"driver_id": "user_nobody"}])
def test_a_driver_that_is_none(flask_fleet: Any, form: dict[str, str]) -> None:
    headers = {**PAGE, **signed_in(flask_fleet)}
    answer = flask_fleet.ask("POST", "/loads/1044/assign", headers, data=form)
    assert answer.status_code == (404 if form.get("driver_id") else 422)
    assert "fleet.css" in answer.text


def test_what_the_api_returns(flask_fleet: Any) -> None:
    created = flask_fleet.ask("POST", "/api/loads", signed_in(flask_fleet), json=LOAD).json()
    assert created == {**LOAD, "number": 1045, "status": "open", "driver_id": None}
    assert flask_fleet.ask("GET", "/api/loads", signed_in(flask_fleet)).json()[-1] == created
    events = flask_fleet.ask("GET", "/api/audit", signed_in(flask_fleet, "user_carmen")).json()
    assert (events[-1]["who"], events[-1]["what"]) == ("Dev Patel", "created load 1045")


def test_a_method_that_is_not_there(flask_fleet: Any) -> None:
    page = flask_fleet.ask("PUT", "/loads", {**PAGE, **signed_in(flask_fleet)})
    assert (page.status_code, "POST" in page.headers["allow"]) == (405, True)
    assert "fleet.css" in page.text
    answer = flask_fleet.ask("DELETE", "/api/me", signed_in(flask_fleet))
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})


def test_visitors_get_no_cookie_and_members_one_that_no_script_reads(flask_fleet: Any) -> None:
    visitor = {**PAGE, "cookie": "__clerk_db_jwt=dvb_1; __client_uat=0"}
    assert "set-cookie" not in flask_fleet.ask("GET", "/", visitor).headers
    cookie = flask_fleet.ask("GET", "/loads", {**PAGE, **signed_in(flask_fleet)}).headers["set-cookie"]
    assert cookie.startswith("fleet_forms=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_sign_in_leads_to_the_dashboard(flask_fleet: Any) -> None:
    page = flask_fleet.ask("GET", "/", {**PAGE, "cookie": "__clerk_db_jwt=dvb_1; __client_uat=0"}).text
    back = "redirect_url=http%3A%2F%2Ffleet.example%2Fdashboard"
    assert f'href="https://local-instance-1.accounts.dev/sign-in?{back}' in page


def test_a_production_instance_has_its_cookies_by_https_alone(flask_fleet: Any) -> None:
    key = base64.b64encode(b"clerk.fleet.example$").decode()
    config = ClerkConfig(secret_key="sk_live_abc", publishable_key=f"pk_live_{key}")
    assert flask_fleet.create_app(config).config["SESSION_COOKIE_SECURE"]
    assert not flask_fleet.app.config["SESSION_COOKIE_SECURE"]


def test_who_signs_out_leaves_nothing_of_the_forms(flask_fleet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Authenticator, "sign_out", lambda *_: None)
    member = signed_in(flask_fleet)
    cookie = flask_fleet.ask("GET", "/loads", {**PAGE, **member}).headers["set-cookie"].partition(";")[0]
    answer = flask_fleet.ask("POST", "/sign-out", {**PAGE, **member, "cookie": cookie})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert answer.headers["set-cookie"].startswith("fleet_forms=;")


def test_tests_of_the_application_can_turn_the_check_of_forms_off(flask_fleet: Any) -> None:
    token = flask_fleet.token("user_dev", "blue-ridge-freight")
    browser = {**PAGE, "cookie": f"__clerk_db_jwt=dvb_1; __client_uat=1; __session={token}"}
    assert flask_fleet.ask("POST", "/loads", browser, data=LOAD).status_code == 403
    flask_fleet.app.config["WTF_CSRF_ENABLED"] = False
    assert flask_fleet.ask("POST", "/loads", browser, data=LOAD).status_code == 303

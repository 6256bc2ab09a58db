"""Who may do what in the example applications: every role against every route."""

from __future__ import annotations

import time
from typing import Any

import pytest

from clerk_middleware import AsyncAuthenticator, Authenticator, ConfigurationError, RequestState
from clerk_middleware.sign_out import session_to_end
from example_apps.fleet.export import as_text

PEOPLE = {
    "admin": ("user_ada", "blue-ridge-freight"),
    "compliance": ("user_carmen", "blue-ridge-freight"),
    "dispatcher": ("user_dev", "blue-ridge-freight"),
    "driver": ("user_rosa", "blue-ridge-freight"),
    "dispatcher with plus": ("user_grace", "blue-ridge-freight"),
    "admin on starter": ("user_grace", "harbor-lines"),
    "personal": ("user_sam", None),
}
EVERYBODY = tuple(PEOPLE)
DISPATCHERS = ("dispatcher", "dispatcher with plus")
ADMINS = ("admin", "admin on starter")
#: Stands for the status with which the framework redirects.
REDIRECTED = 0
LOAD = {"origin": "Macon", "destination": "Tampa", "cargo": "Peaches", "tons": "8"}
PAGE = {"accept": "text/html"}

# path, who gets it, and the status for everybody else
PAGES = [
    ("/", EVERYBODY, 0),
    ("/dashboard", EVERYBODY, 0),
    ("/loads", DISPATCHERS + ADMINS, 404),
    ("/my-loads", ("driver",), 403),
    ("/tracking", DISPATCHERS, 403),
    ("/compliance", ("compliance",), 403),
    ("/reports", ADMINS, 403),
    ("/audit", (*ADMINS, "compliance"), 404),
    ("/fuel", ("admin",), 403),
    ("/company", ADMINS, 403),
    ("/orgs/harbor-lines", ("admin on starter",), 404),
    ("/no-such-page", (), 404),
    ("/api/me", EVERYBODY, 0),
    ("/api/loads", DISPATCHERS, 403),
    ("/api/audit", (*ADMINS, "compliance"), 404),
]
# path, body, who may, the status then, and for everybody else
ACTIONS: list[tuple[str, dict[str, Any], tuple[str, ...], int]] = [
    ("/loads", {"data": LOAD}, DISPATCHERS, REDIRECTED),
    ("/loads/1044/assign", {"data": {"driver_id": "user_mei"}}, DISPATCHERS, REDIRECTED),
    ("/my-loads/1041/status", {"data": {"status": "delivered"}}, ("driver",), REDIRECTED),
    ("/company/profile/delete", {}, ADMINS, REDIRECTED),
    ("/api/loads", {"json": LOAD}, DISPATCHERS, 201),
]


def signed_in(fleet: Any, person: str, path: str = "/") -> dict[str, str]:
    wanted = {"accept": "application/json"} if path.startswith("/api/") else PAGE
    return {**wanted, "authorization": f"Bearer {fleet.token(*PEOPLE[person])}"}


@pytest.mark.parametrize(("path", "allowed", "otherwise"), PAGES)
def test_who_reads_what(fleet: Any, path: str, allowed: tuple[str, ...], otherwise: int) -> None:
    came = {person: fleet.ask("GET", path, signed_in(fleet, person, path)).status_code for person in PEOPLE}
    assert came == {person: 200 if person in allowed else otherwise for person in PEOPLE}


@pytest.mark.parametrize(("path", "body", "allowed", "status"), ACTIONS)
def test_who_does_what(
    fleet: Any, path: str, body: dict[str, Any], allowed: tuple[str, ...], status: int
) -> None:
    came = {
        person: fleet.ask("POST", path, signed_in(fleet, person, path), **body).status_code
        for person in PEOPLE
    }
    expected = status or fleet.redirected
    assert came == {person: expected if person in allowed else 403 for person in PEOPLE}


def test_a_company_has_its_own_loads(fleet: Any) -> None:
    for person, own, others in (
        ("admin", "Asheville → Roanoke", "Baltimore → Norfolk"),
        ("admin on starter", "Baltimore → Norfolk", "Asheville → Roanoke"),
    ):
        page = fleet.ask("GET", "/loads", signed_in(fleet, person)).text
        assert (own in page, others in page) == (True, False)


def test_a_plan_of_the_users_own(fleet: Any) -> None:
    came = {person: fleet.ask("GET", "/loads.csv", signed_in(fleet, person)).status_code for person in PEOPLE}
    assert {person for person in PEOPLE if came[person] == 200} == {
        "dispatcher with plus",
        "admin on starter",
    }
    assert (came["dispatcher"], came["driver"]) == (403, 404)


def test_an_exported_cell_is_no_formula(fleet: Any) -> None:
    person = signed_in(fleet, "dispatcher with plus")
    form = {"origin": "=1+1", "destination": "Roanoke;=2+2", "cargo": "Dairy", "tons": "1"}
    fleet.ask("POST", "/loads", person, data=form)
    assert ",'=1+1,Roanoke =2+2," in fleet.ask("GET", "/loads.csv", person).text


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("Saint-Denis + Lyon", "Saint-Denis + Lyon"),
        ("São Tomé", "São Tomé"),
        ("", ""),
        ("@SUM(1)", "'@SUM(1)"),
        ("\N{FULLWIDTH EQUALS SIGN}1+1", "'\N{FULLWIDTH EQUALS SIGN}1+1"),
        ("\N{MINUS SIGN}1", "'\N{MINUS SIGN}1"),
        ("\ufeff=1", "'\ufeff=1"),
        ("\N{ZERO WIDTH SPACE} +1", "'\N{ZERO WIDTH SPACE} +1"),
        ("\t=1", "' =1"),
        ("x;=1", "x =1"),
        ("x\r\n=1\N{LINE SEPARATOR}=1", "x  =1 =1"),
    ],
)
def test_what_a_spreadsheet_would_run(cell: str, expected: str) -> None:
    assert as_text(cell) == expected


def test_nobody(fleet: Any) -> None:
    browser = {**PAGE, "cookie": "__clerk_db_jwt=dvb_1; __client_uat=0"}
    answer = fleet.ask("GET", "/loads", browser)
    assert answer.status_code == 307
    assert answer.headers["location"].startswith(
        "https://local-instance-1.accounts.dev/sign-in?redirect_url="
    )
    assert fleet.ask("GET", "/", browser).status_code == 200
    assert fleet.ask("GET", "/api/loads").status_code == 401
    assert fleet.ask("POST", "/api/loads", {"authorization": "Bearer x.y.z"}, json=LOAD).status_code == 401


def test_the_navigation_shows_what_one_may_open(fleet: Any) -> None:
    for person in PEOPLE:
        page = fleet.ask("GET", "/dashboard", signed_in(fleet, person)).text
        for path, allowed, _ in PAGES[2:10]:
            assert (f'<a href="{path}"' in page) == (person in allowed), (person, path)


def test_a_driver_reports_only_the_own_loads(fleet: Any) -> None:
    driver = signed_in(fleet, "driver")
    for number, status, expected in (
        ("1042", "delivered", 404),
        ("9999", "delivered", 404),
        ("1041", "open", 422),
        ("1041", "lost", 422),
    ):
        answer = fleet.ask("POST", f"/my-loads/{number}/status", driver, data={"status": status})
        assert answer.status_code == expected, (number, status)


def test_paying_needs_a_recent_password(fleet: Any) -> None:
    def pay(fva: tuple[int, int]) -> Any:
        token = fleet.token(*PEOPLE["admin"], fva=fva)
        headers = {**PAGE, "authorization": f"Bearer {token}", "referer": "http://fleet.example/company"}
        form = fleet.ask("POST", "/company/drivers/user_mei/pay", headers)
        headers["accept"] = "application/json"
        return form, fleet.ask("POST", "/api/payments", headers, json={"driver_id": "user_jonas"})

    form, api = pay((1, -1))
    assert form.status_code == 403
    assert "Sign out, sign in again" in form.text  # this application was given no verify_url
    assert 'href="http://fleet.example/company"' in form.text
    assert api.json()["clerk_error"]["reason"] == "reverification-error"
    form, api = pay((0, -1))
    assert form.status_code == fleet.redirected
    assert api.json() == {"paid": 2115}


def test_names_are_escaped(fleet: Any) -> None:
    dispatcher = signed_in(fleet, "dispatcher")
    fleet.ask("POST", "/loads", dispatcher, data={**LOAD, "cargo": "<script>alert(1)</script>"})
    page = fleet.ask("GET", "/loads", dispatcher).text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_an_organization_that_was_never_seen(fleet: Any) -> None:
    claims = {"o": {"id": "org_new", "slg": "new", "rol": "member"}, "org.name": "New Haulage"}
    token = fleet.token("user_sam", None, claims=claims)
    page = fleet.ask("GET", "/dashboard", {**PAGE, "authorization": f"Bearer {token}"}).text
    assert "New Haulage · Member" in page
    assert "Your role has no permission of its own" in page


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"org.name": "x" * 300}, "x" * 255),
        ({"org.name": "New\0 Haulage"}, "New Haulage"),
        ({"org.name": ["New"]}, "new"),
        ({"o": {"id": "org_new", "slg": "a/b \0" + "c" * 300, "rol": "member"}}, "a/b c"),
        ({"o": {"id": "org_new", "slg": "", "rol": "member"}}, "org_new"),
        ({"org.name": "New Haulage", "user.organizations": ["org_new"]}, "New Haulage"),
        ({"org.name": "New Haulage", "user.organizations": {"a/b": "member", "": "member"}}, "New Haulage"),
    ],
)
def test_claims_of_another_shape(fleet: Any, claims: dict[str, Any], name: str) -> None:
    claims = {"o": {"id": "org_new", "slg": "new", "rol": "member"}, **claims}
    token = fleet.token("user_sam", None, claims=claims)
    answer = fleet.ask("GET", "/dashboard", {**PAGE, "authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert name in answer.text


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://fleet.example/company?x=1", "http://fleet.example/company"),
        ("http://fleet.example//evil.example/x", "http://fleet.example//evil.example/x"),
        ("http://evil.example/x", "http://fleet.example/dashboard"),
        ("//evil.example/x", "http://fleet.example/dashboard"),
        ("http://[", "http://fleet.example/dashboard"),
        ("", "http://fleet.example/dashboard"),
    ],
)
def test_the_page_before(fleet: Any, referer: str, back: str) -> None:
    headers = {**PAGE, "authorization": "Bearer junk", "referer": referer}
    answer = fleet.ask("POST", "/company/profile/delete", headers)
    assert answer.status_code == 401
    assert f'href="{back}"' in answer.text


def test_every_payment_is_in_the_log(fleet: Any) -> None:
    admin = {**signed_in(fleet, "admin"), "accept": "application/json"}
    fleet.ask("POST", "/company/drivers/user_mei/pay", admin)
    fleet.ask("POST", "/api/payments", admin, json={"driver_id": "user_jonas"})
    said = {event["what"] for event in fleet.ask("GET", "/api/audit", admin).json()}
    assert {"paid $960 to Mei Tanaka", "paid $2,115 to Jonas Weber"} <= said


def test_security_headers(fleet: Any) -> None:
    headers = fleet.ask("GET", "/", {**PAGE, "cookie": "__clerk_db_jwt=dvb_1"}).headers
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert "no-store" not in fleet.ask("GET", "/static/fleet.css").headers.get("cache-control", "")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin", "origin": "http://fleet.example"}, 303),
        ({"origin": "http://fleet.example"}, 303),
        ({"sec-fetch-site": "cross-site", "origin": "http://fleet.example"}, 403),
        ({"sec-fetch-site": "same-site", "origin": "http://other.fleet.example"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"origin": "http://fleet.example.attacker.example"}, 403),
        ({"origin": "null"}, 403),
        ({}, 403),
    ],
)
def test_forms_of_other_sites(fastapi_fleet: Any, headers: dict[str, str], status: int) -> None:
    token = fastapi_fleet.token(*PEOPLE["dispatcher"])
    cookies = {"cookie": f"__clerk_db_jwt=dvb_1; __client_uat=1; __session={token}"}
    answer = fastapi_fleet.ask("POST", "/loads", {**PAGE, **cookies, **headers}, data=LOAD)
    assert answer.status_code == status


@pytest.mark.parametrize("name", ["fastapi_fleet", "flask_fleet"])
def test_it_is_configured_by_the_environment(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = request.getfixturevalue(name)
    monkeypatch.setenv("CLERK_SECRET_KEY", fleet.clerk.secret_key)
    monkeypatch.setenv("CLERK_PUBLISHABLE_KEY", fleet.clerk.publishable_key)
    monkeypatch.setenv("CLERK_AUTHORIZED_PARTIES", "http://localhost:8000")
    config = fleet.config_of(fleet.create_app())
    assert config.authorized_parties == ("http://localhost:8000",)
    assert "/orgs/:slug" in config.organization_patterns
    monkeypatch.delenv("CLERK_SECRET_KEY")
    with pytest.raises(ConfigurationError):
        fleet.create_app()


@pytest.mark.parametrize("age", [0, 600], ids=["signed in", "expired"])
@pytest.mark.parametrize("name", ["fastapi_fleet", "flask_fleet"])
def test_signing_out_ends_the_session_and_forgets_its_cookies(
    name: str, age: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, ended = request.getfixturevalue(name), []

    async def sign_out_async(_: object, state: RequestState) -> None:
        ended.append(session_to_end(state))

    monkeypatch.setattr(AsyncAuthenticator, "sign_out", sign_out_async)
    monkeypatch.setattr(Authenticator, "sign_out", lambda _, state: ended.append(session_to_end(state)))
    token = fleet.token(*PEOPLE["dispatcher"], issued_at=int(time.time()) - age)
    cookies = f"__clerk_db_jwt=dvb_1; __client_uat=1; __session={token}; theme=dark"
    if name == "flask_fleet":
        fleet.app.config["WTF_CSRF_ENABLED"] = False  # this form has no token of its page
    headers = {**PAGE, "sec-fetch-site": "same-origin", "cookie": cookies}
    answer = fleet.ask("POST", "/sign-out", headers)
    assert (answer.status_code, len(ended)) == (303, 1)
    assert ended[0].startswith("sess_")
    forgotten = [line for line in answer.headers.get_list("set-cookie") if "Max-Age=0" in line]
    assert any(line.startswith("__session=") for line in forgotten)
    assert not any(line.startswith(("theme", "__client_uat")) for line in forgotten)


@pytest.mark.parametrize("content", [b"[" * 60_000, b'{"origin":' + b"[" * 20_000 + b"]" * 20_000 + b"}"])
def test_brackets_within_brackets_are_no_load(fastapi_fleet: Any, content: bytes) -> None:
    headers = {"authorization": f"Bearer {fastapi_fleet.token(*PEOPLE['dispatcher'])}"}
    headers["content-type"] = "application/json"
    answer = fastapi_fleet.ask("POST", "/api/loads", headers, content=content)
    assert answer.status_code == 400

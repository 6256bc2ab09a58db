"""The pages: signing in and out, switching the organization, verifying again, as a browser does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from clerk_middleware.local import LocalClerk, LocalServer, Session

from .conftest import Clock, fleet_seed

Decode = Callable[[str], dict[str, Any]]
APP = "http://localhost:8000/loads"
BACK = {"redirect_url": APP}


def sign_in(
    browser: httpx.Client, user_id: str = "user_dev", password: str = "fleet-demo", **query: str
) -> httpx.Response:
    return browser.post("/sign-in", params={**BACK, **query}, data={"user_id": user_id, "password": password})


def dev_browser_token(response: httpx.Response) -> str:
    """The token with which the browser comes back to the application."""
    assert response.status_code == 303
    url = urlsplit(response.headers["location"])
    assert url._replace(query="").geturl() == APP
    return parse_qs(url.query)["__clerk_db_jwt"][0]


def session_of(clerk: LocalClerk, token: str) -> Session | None:
    client = clerk._instance.client_of(token)
    return clerk._instance.session_of(client) if client else None


def test_the_sign_in_page_offers_the_users_of_the_seed(clerk: LocalClerk, browser: httpx.Client) -> None:
    response = browser.get("/sign-in", params=BACK)
    assert response.status_code == 200
    for user in clerk.users.values():
        assert user.display_name in response.text
    assert "Dispatcher at Blue Ridge Freight, Admin at Harbor Lines" in response.text
    assert "localhost:8000" in response.text
    assert clerk.secret_key not in response.text


def test_the_pages_are_locked_down(browser: httpx.Client) -> None:
    first, second = browser.get("/sign-in"), browser.get("/sign-in")
    policy = first.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'nonce-")
    assert policy != second.headers["content-security-policy"]
    assert policy.split("'nonce-")[1].split("'")[0] in first.text
    assert "frame-ancestors 'none'" in policy
    assert "<script" not in first.text
    assert " style=" not in first.text
    for name, value in {
        "cache-control": "no-store",
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }.items():
        assert first.headers[name] == value


def test_what_a_seed_says_is_escaped(clock: Any) -> None:
    users = [{"id": "user_1", "email": "a@b.c", "password": "x", "first_name": "<script>alert(1)</script>"}]
    with LocalClerk({"users": users}).serve() as server:
        page = httpx.get(f"{server.url}/sign-in", params={"redirect_url": 'http://localhost/"><script>'}).text
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_signing_in_returns_to_the_application(clerk: LocalClerk, browser: httpx.Client) -> None:
    response = sign_in(browser)
    assert response.headers["cache-control"] == "no-store"
    session = session_of(clerk, dev_browser_token(response))
    assert session is not None
    assert (session.user_id, session.organization_id) == ("user_dev", "org_blue_ridge")
    assert "Dev Patel" in browser.get("/").text


def test_a_user_of_no_organization(clerk: LocalClerk, browser: httpx.Client) -> None:
    session = session_of(clerk, dev_browser_token(sign_in(browser, "user_sam")))
    assert session is not None
    assert session.organization_id is None
    assert "Personal account" in browser.get("/").text


def test_signing_in_without_an_application_ends_at_home(browser: httpx.Client) -> None:
    response = browser.post("/sign-in", data={"user_id": "user_dev", "password": "fleet-demo"})
    assert (response.status_code, response.headers["location"]) == (303, "/")
    assert "You are signed in" in browser.get("/").text


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"user_id": "user_dev", "password": "wrong"}, "That password is not right."),
        ({"user_id": "user_dev", "password": ""}, "That password is not right."),
        ({"user_id": "user_dev"}, "That password is not right."),
        ({"user_id": "user_nobody", "password": ""}, "That password is not right."),
        ({"user_id": "user_nobody", "password": "fleet-demo"}, "That password is not right."),
        ({"password": "fleet-demo"}, "Choose who you are."),
        ({}, "Choose who you are."),
    ],
)
def test_a_sign_in_that_fails(browser: httpx.Client, form: dict[str, str], error: str) -> None:
    response = browser.post("/sign-in", params=BACK, data=form)
    assert response.status_code == 422
    assert error in response.text
    assert 'role="alert"' in response.text
    assert "You are signed out" in browser.get("/").text


def test_a_password_that_is_a_file(browser: httpx.Client) -> None:
    response = browser.post("/sign-in", data={"user_id": "user_dev"}, files={"password": b"fleet-demo"})
    assert response.status_code == 400


def test_the_second_factor(clerk: LocalClerk, browser: httpx.Client, clock: Any) -> None:
    response = sign_in(browser, "user_grace")
    assert response.status_code == 303
    page = response.headers["location"]
    assert page.startswith("/sign-in/factor-two?redirect_url=")
    assert "Grace Okafor" in browser.get(page).text
    assert "You are signed out" in browser.get("/").text
    clock.now += 120
    wrong = browser.post(page, data={"code": "000000"})
    assert (wrong.status_code, "That code is not right." in wrong.text) == (422, True)
    session = session_of(clerk, dev_browser_token(browser.post(page, data={"code": "424242"})))
    assert session is not None
    assert session.factor_verification_age(clock.now) == [2, 0]


def test_a_code_cannot_be_guessed_for_long(browser: httpx.Client) -> None:
    page = sign_in(browser, "user_grace").headers["location"]
    answers = [browser.post(page, data={"code": str(number)}).text for number in range(5)]
    assert "Too many wrong codes" in answers[-1]
    late = browser.post(page, data={"code": "424242"})
    assert late.headers["location"].startswith("/sign-in?redirect_url=")


def test_a_sign_in_does_not_wait_for_ever(browser: httpx.Client, clock: Any) -> None:
    page = sign_in(browser, "user_grace").headers["location"]
    clock.now += 601
    assert browser.get(page).headers["location"].startswith("/sign-in?")


def test_no_second_factor_without_the_first(browser: httpx.Client) -> None:
    for response in (
        browser.get("/sign-in/factor-two"),
        browser.post("/sign-in/factor-two", data={"code": "424242"}),
    ):
        assert (response.status_code, response.headers["location"]) == (303, "/sign-in")


def test_a_sign_in_gives_the_browser_a_new_token(clerk: LocalClerk, browser: httpx.Client) -> None:
    """Whoever planted a token in the browser before is not signed in by what the user does."""
    planted = clerk._instance.new_client().token
    browser.get("/sign-in", params={"__clerk_db_jwt": planted})
    fresh = dev_browser_token(sign_in(browser, __clerk_db_jwt=planted))
    assert fresh != planted
    assert session_of(clerk, planted) is None
    assert session_of(clerk, fresh) is not None


def test_signing_in_as_somebody_else_ends_the_session(clerk: LocalClerk, browser: httpx.Client) -> None:
    first = session_of(clerk, dev_browser_token(sign_in(browser)))
    second = session_of(clerk, dev_browser_token(sign_in(browser, "user_ada")))
    assert first is not None
    assert second is not None
    assert first.closed == "ended"
    assert second.user_id == "user_ada"


def test_signing_out(clerk: LocalClerk, browser: httpx.Client) -> None:
    session = session_of(clerk, dev_browser_token(sign_in(browser)))
    asked = browser.get("/sign-out", params=BACK)
    assert "Sign out?" in asked.text
    assert "Dev Patel" in asked.text
    token = dev_browser_token(browser.post("/sign-out", params=BACK))
    assert session is not None
    assert session.closed == "ended"
    assert session_of(clerk, token) is None
    assert "You are signed out" in browser.get("/").text


def test_signing_out_when_signed_out_already(browser: httpx.Client) -> None:
    assert dev_browser_token(browser.get("/sign-out", params=BACK))
    browser.cookies.clear()
    assert dev_browser_token(browser.post("/sign-out", params=BACK))


def test_switching_the_organization(clerk: LocalClerk, browser: httpx.Client) -> None:
    session = clerk.sign_in("user_grace", "blue-ridge-freight")
    assert session.client is not None
    query = {**BACK, "__clerk_db_jwt": session.client.token}
    page = browser.get("/switch-organization", params=query)
    for text in ("Blue Ridge Freight", "Harbor Lines", "Personal account", "Dispatcher"):
        assert text in page.text
    for chosen in ("org_harbor_lines", ""):
        response = browser.post("/switch-organization", params=query, data={"organization_id": chosen})
        assert dev_browser_token(response) == session.client.token
        assert (session.organization_id or "") == chosen
    for wrong in ({"organization_id": "org_nowhere"}, {}):
        response = browser.post("/switch-organization", params=query, data=wrong)
        assert (response.status_code, "Choose an organization from the list." in response.text) == (422, True)


def test_an_organization_of_others_cannot_be_chosen(clerk: LocalClerk, browser: httpx.Client) -> None:
    session = session_of(clerk, dev_browser_token(sign_in(browser)))
    response = browser.post("/switch-organization", data={"organization_id": "org_harbor_lines"})
    assert response.status_code == 422
    assert session is not None
    assert session.organization_id == "org_blue_ridge"


@pytest.mark.parametrize("path", ["/switch-organization", "/verify"])
def test_who_is_signed_out_signs_in_first(browser: httpx.Client, path: str) -> None:
    response = browser.get(path, params=BACK)
    assert response.headers["location"] == "/sign-in?redirect_url=http%3A%2F%2Flocalhost%3A8000%2Floads"


def verify(browser: httpx.Client, session: Session, level: str = "", **form: str) -> httpx.Response:
    assert session.client is not None
    query = {**BACK, "__clerk_db_jwt": session.client.token, **({"level": level} if level else {})}
    page = browser.get("/verify", params=query).text
    assert {name for name in ("password", "code") if f'name="{name}"' in page} == set(form)
    return browser.post("/verify", params=query, data=form)


def test_verifying_again_restarts_the_age_of_the_factors(
    clerk: LocalClerk, browser: httpx.Client, clock: Any
) -> None:
    session = clerk.sign_in("user_grace")
    ages = lambda: session.factor_verification_age(clock.now)  # noqa: E731
    clock.now += 1200
    assert ages() == [20, -1]
    assert dev_browser_token(verify(browser, session, "second_factor", code="424242"))
    assert ages() == [20, 0]
    clock.now += 60
    assert dev_browser_token(verify(browser, session, "first_factor", password="fleet-demo"))
    assert ages() == [0, 1]
    clock.now += 60
    assert dev_browser_token(verify(browser, session, "multi_factor", password="fleet-demo", code="424242"))
    assert ages() == [0, 0]
    assert dev_browser_token(verify(browser, session, password="fleet-demo", code="424242"))
    assert session.client is not None
    assert session.client.updated_at == clock.now


def test_verifying_without_a_second_factor(clerk: LocalClerk, browser: httpx.Client, clock: Any) -> None:
    session = clerk.sign_in("user_dev")
    clock.now += 1200
    assert dev_browser_token(verify(browser, session, "second_factor", password="fleet-demo"))
    assert session.factor_verification_age(clock.now) == [0, -1]


@pytest.mark.parametrize(
    ("level", "form"),
    [
        ("", {"password": "wrong", "code": "424242"}),
        ("", {"password": "fleet-demo", "code": "000000"}),
        ("", {"password": "", "code": ""}),
        ("first_factor", {"password": "wrong"}),
        ("second_factor", {"code": "000000"}),
    ],
)
def test_a_wrong_factor_verifies_nothing(
    clerk: LocalClerk, browser: httpx.Client, clock: Any, level: str, form: dict[str, str]
) -> None:
    session = clerk.sign_in("user_grace")
    clock.now += 1200
    response = verify(browser, session, level, **form)
    assert response.status_code == 422
    assert "not right." in response.text
    assert session.factor_verification_age(clock.now) == [20, -1]


def test_signing_up_is_done_in_the_seed(browser: httpx.Client) -> None:
    for path in ("/sign-up", "/sign-in/create"):
        assert "[[users]]" in browser.get(path).text


def test_asking_for_the_headers_changes_nothing(clerk: LocalClerk, browser: httpx.Client) -> None:
    session = session_of(clerk, dev_browser_token(sign_in(browser)))
    for path in ("/sign-in", "/sign-out", "/switch-organization", "/verify"):
        assert browser.head(path).status_code == 200
    assert session is not None
    assert session.closed is None


def test_a_page_that_is_not_there(browser: httpx.Client) -> None:
    response = browser.get("/nothing")
    assert (response.status_code, "There is no such page" in response.text) == (404, True)


def test_the_way_back_to_the_application(clerk: LocalClerk, browser: httpx.Client) -> None:
    """The application is told at once what was changed on LocalClerk's own pages."""
    session = clerk.sign_in("user_grace", "blue-ridge-freight")
    assert session.client is not None
    browser.cookies.set("__clerk_db_jwt", session.client.token)
    assert "Back to" not in browser.get("/").text
    assert browser.get("/application").headers["location"] == "/"
    session.authorized_party = "http://localhost:8000"
    page = browser.get("/").text
    assert "Back to localhost:8000" in page
    assert "with its next session token" in page
    location = browser.get("/application").headers["location"]
    assert location == f"http://localhost:8000/?__clerk_db_jwt={session.client.token}"


def test_no_way_back_to_where_browsers_are_not_sent(clerk: LocalClerk, browser: httpx.Client) -> None:
    session = clerk.sign_in("user_dev")
    assert session.client is not None
    browser.cookies.set("__clerk_db_jwt", session.client.token)
    session.authorized_party = "https://evil.example"
    assert "evil.example" not in browser.get("/").text
    assert browser.get("/application").headers["location"] == "/"


def test_no_way_back_without_a_session(browser: httpx.Client) -> None:
    assert browser.get("/application").headers["location"] == "/"


@pytest.mark.parametrize("path", ["/sign-in", "/verify"])
def test_a_form_with_a_password_names_the_account(browser: httpx.Client, path: str) -> None:
    """For password managers, which would else have nothing to keep the password under."""
    sign_in(browser)
    email = "" if path == "/sign-in" else "dev@blueridge.example"
    assert f'autocomplete="username" value="{email}"' in browser.get(path).text


FOREIGN = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://localhost:8000"},
    {"origin": "http://127.0.0.1:1"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
]


def test_a_form_of_another_origin_is_refused(clerk: LocalClerk, browser: httpx.Client) -> None:
    session = session_of(clerk, dev_browser_token(sign_in(browser)))
    forms = {
        "/sign-in": {"user_id": "user_ada", "password": "fleet-demo"},
        "/switch-organization": {"organization_id": ""},
        "/verify": {"password": "fleet-demo"},
    }
    for headers in FOREIGN:
        for path, form in forms.items():
            response = browser.post(path, data=form, headers=headers)
            assert (response.status_code, "another origin" in response.text) == (403, True)
    assert session is not None
    assert (session.closed, session.organization_id) == (None, "org_blue_ridge")


def test_the_second_factor_of_another_origin_is_refused(browser: httpx.Client) -> None:
    page = sign_in(browser, "user_grace").headers["location"]
    for headers in FOREIGN:
        assert browser.post(page, data={"code": "424242"}, headers=headers).status_code == 403


def test_the_own_origin_is_trusted(server: LocalServer, browser: httpx.Client) -> None:
    for headers in ({"origin": server.url}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}):
        form = {"user_id": "user_dev", "password": "fleet-demo"}
        assert browser.post("/sign-in", data=form, headers=headers).status_code == 303


def test_an_application_may_sign_out_with_a_form_of_its_own(clerk: LocalClerk, browser: httpx.Client) -> None:
    session = session_of(clerk, dev_browser_token(sign_in(browser)))
    assert session is not None
    for origin in ("https://evil.example", "null"):
        assert browser.post("/sign-out", params=BACK, headers={"origin": origin}).status_code == 403
    assert session.closed is None
    assert dev_browser_token(
        browser.post("/sign-out", params=BACK, headers={"origin": "http://localhost:8000"})
    )
    assert session.closed == "ended"


class TestWhereAnOrganizationHasToBeChosen:
    @pytest.fixture
    def clerk(self, clock: Clock) -> LocalClerk:
        return LocalClerk(fleet_seed(force_organization_selection=True), clock=clock)

    def test_signing_in_leads_there_first(self, clerk: LocalClerk, browser: httpx.Client) -> None:
        answer = sign_in(browser)
        assert answer.headers["location"].startswith("/switch-organization?redirect_url=")
        page = browser.get(answer.headers["location"])
        assert "Blue Ridge Freight" in page.text
        assert "Personal account" not in page.text
        again = browser.get("/sign-in", params=BACK)  # where applications send who has yet to choose
        assert (again.status_code, again.headers["location"]) == (303, answer.headers["location"])
        refused = browser.post(answer.headers["location"], data={"organization_id": ""})
        assert refused.status_code == 422
        chosen = browser.post(answer.headers["location"], data={"organization_id": "org_blue_ridge"})
        session = session_of(clerk, dev_browser_token(chosen))
        assert session is not None
        assert (session.tasks, session.organization_id) == ((), "org_blue_ridge")


class TestProduction:
    @pytest.fixture
    def clerk(self, production: LocalClerk) -> LocalClerk:
        return production

    def test_the_way_back_is_by_a_handshake(self, clerk: LocalClerk, browser: httpx.Client) -> None:
        app = "https://app.example.com/x"
        form = {"user_id": "user_1", "password": "one"}
        response = browser.post("/sign-in", params={"redirect_url": app}, data=form)
        assert response.headers["location"].startswith(
            "/v1/client/handshake?redirect_url=https%3A%2F%2Fapp.example.com"
        )
        client = clerk._instance.client_of(browser.cookies["__client"])
        assert client is not None
        assert browser.cookies["__client_uat"] == str(int(client.updated_at))
        back = browser.get(response.headers["location"])
        assert back.headers["location"] == app
        assert any(
            line.startswith("__clerk_handshake_nonce=") for line in back.headers.get_list("set-cookie")
        )

    def test_the_policy_lets_the_form_reach_the_application(self, browser: httpx.Client) -> None:
        policy = browser.get("/sign-in").headers["content-security-policy"]
        assert policy.endswith(" https://app.example.com")


def test_verifying_again_endures_so_many_wrong_answers(
    clerk: LocalClerk, browser: httpx.Client, clock: Clock
) -> None:
    """The page and the components count together: neither gives anybody more guesses."""
    session = clerk.sign_in("user_grace")
    for _ in range(5):
        assert "is not right" in verify(browser, session, "first_factor", password="guess").text
    locked = verify(browser, session, "first_factor", password="fleet-demo")
    assert (locked.status_code, "Too many wrong answers" in locked.text) == (422, True)
    clock.now += 600
    assert "is not right" in verify(browser, session, "first_factor", password="guess").text
    assert dev_browser_token(verify(browser, session, "first_factor", password="fleet-demo"))

"""Who may ask the Frontend API: an application's pages, and no other page that a browser has open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from clerk_middleware.local import LocalClerk, LocalServer

from .conftest import seed_with
from .page import APP, Page, error_in


def test_a_page_on_loopback_may_read_the_answer(page: Page) -> None:
    response = page.get("/client")
    assert response.headers["access-control-allow-origin"] == APP
    assert response.headers["access-control-allow-credentials"] == "true"
    assert "clerk-db-jwt" in response.headers["access-control-expose-headers"]
    assert response.headers["vary"] == "origin"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_so_may_a_page_that_the_seed_lists(clerk: LocalClerk, page: Page) -> None:
    clerk._origins.allowed_origins = ("https://app.example.com",)
    page.origin = "https://app.example.com"
    assert page.get("/client").headers["access-control-allow-origin"] == "https://app.example.com"


FOREIGN = [
    "https://evil.example",
    "http://localhost.evil.example",
    "http://localhost:8000/path",
    "http://user@localhost:8000",
    "null",
    "http://localhost:8000, https://evil.example",
    "",
]


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_another_page_neither_reads_nor_changes_anything(page: Page, origin: str, method: str) -> None:
    page.sign_in("ada@blueridge.example")
    response = page.ask(method, "/client", headers={"origin": origin})
    assert error_in(response) == (400, "origin_invalid", None)
    assert not any(name.startswith("access-control") for name in response.headers)
    assert len(page.client()["sessions"]) == 1


def test_one_origin_is_all_that_a_request_has(page: Page) -> None:
    headers = [("origin", APP), ("origin", "https://evil.example")]
    response = page.http.post("/v1/dev_browser", headers=headers)
    assert error_in(response) == (400, "origin_invalid", None)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_of_another_site_that_hides_its_origin_changes_nothing(page: Page, site: str) -> None:
    page.sign_in("ada@blueridge.example")
    page.origin = None
    response = page.ask("DELETE", "/client", headers={"sec-fetch-site": site})
    assert error_in(response) == (400, "origin_invalid", None)
    assert len(page.client()["sessions"]) == 1


def test_programs_that_are_no_browser_name_no_origin(page: Page) -> None:
    page.origin = None
    response = page.post("/client")
    assert response.status_code == 200
    assert "access-control-allow-origin" not in response.headers


def test_a_preflight(page: Page) -> None:
    answers = [
        page.http.options("/v1/client", headers={"origin": origin, "access-control-request-method": "POST"})
        for origin in (APP, "https://evil.example")
    ]
    assert [answer.status_code for answer in answers] == [204, 400]
    assert answers[0].headers["access-control-allow-methods"] == "GET, POST"
    assert answers[0].headers["access-control-allow-headers"] == "content-type"
    assert "access-control-allow-origin" not in answers[1].headers


def test_verbs_travel_in_the_query_of_a_post_alone(page: Page) -> None:
    assert page.ask("PATCH", "/environment").status_code == 200
    page.sign_in("ada@blueridge.example")
    assert len(page.get("/client", _method="DELETE").json()["response"]["sessions"]) == 1
    assert len(page.client()["sessions"]) == 1
    assert error_in(page.ask("PATCH", "/client")) == (405, "method_not_allowed", None)


def test_an_unknown_verb_in_the_query_is_none(page: Page) -> None:
    response = page.ask("POST", "/environment", query={"_method": "TRACE"})
    assert error_in(response) == (405, "method_not_allowed", None)


BODIES = [
    (b'{"identifier": "ada"}', "application/json", 415, "content_type_invalid"),
    (b"identifier=%ff", "application/x-www-form-urlencoded", 400, "request_body_invalid"),
    (b"identifier=\xff", "application/x-www-form-urlencoded", 400, "request_body_invalid"),
    (b"a=1&" * 101, "application/x-www-form-urlencoded", 400, "request_body_invalid"),
    (b"identifier=a&identifier=b", "application/x-www-form-urlencoded", 422, "form_param_duplicate"),
    (b"identifier=a%00b", "application/x-www-form-urlencoded", 422, "form_param_value_invalid"),
    (b"identifier=" + b"a" * 257, "application/x-www-form-urlencoded", 422, "form_param_value_invalid"),
    (
        b"identifier=" + b"a" * 5000,
        "application/x-www-form-urlencoded",
        422,
        "form_param_max_length_exceeded",
    ),
    (b"identifier=", "application/x-www-form-urlencoded", 422, "form_param_missing"),
    (b"a" * 300_000, "application/x-www-form-urlencoded", 413, "request_invalid"),
]


@pytest.mark.parametrize(("body", "kind", "status", "code"), BODIES)
def test_a_body_that_is_no_small_form(page: Page, body: bytes, kind: str, status: int, code: str) -> None:
    assert page.token
    response = page.http.post(
        "/v1/client/sign_ins",
        params={"__clerk_db_jwt": page.token},
        content=body,
        headers={"content-type": kind, "origin": APP},
    )
    assert error_in(response)[:2] == (status, code)
    assert response.headers["access-control-allow-origin"] == APP  # so that the page can read why


class TestTheBrowser:
    def test_without_a_dev_browser_token_it_has_to_ask_for_one(
        self, new_browser: Callable[[], httpx.Client]
    ) -> None:
        page = Page(new_browser())
        for token in (None, "dvb_from_before_a_restart"):
            page.token = token
            for response in (page.get("/client"), page.post("/client/sign_ins", identifier="a")):
                assert error_in(response) == (401, "dev_browser_unauthenticated", None)
                assert not response.cookies
        page.begin()
        assert page.client()["sessions"] == []

    def test_a_dev_browser_token_is_always_that_of_a_new_browser(self, page: Page) -> None:
        page.sign_in("ada@blueridge.example")
        other = page.post("/dev_browser").json()["id"]
        assert other not in (page.token, *page.http.cookies.values())
        page.http.cookies.clear()
        page.token = other
        assert page.client()["sessions"] == []

    def test_signing_in_leaves_it_its_token(self, clerk: LocalClerk, page: Page) -> None:
        """Components have made links with it before, such as the one back to a satellite."""
        before = page.token
        page.sign_in("ada@blueridge.example")
        assert page.token == before
        assert clerk._instance.client_of(before)

    def test_but_signing_in_on_localclerks_own_page_does_not(self, clerk: LocalClerk, page: Page) -> None:
        before = page.token
        form = {"user_id": "user_ada", "password": "fleet-demo"}
        assert page.http.post("/sign-in", data=form, params={"__clerk_db_jwt": before}).status_code == 303
        assert clerk._instance.client_of(before) is None

    def test_another_tab_learns_of_the_new_token_by_the_cookie(self, page: Page) -> None:
        tab = Page(page.http, token=page.token)
        form = {"user_id": "user_ada", "password": "fleet-demo"}
        page.http.post("/sign-in", data=form, params={"__clerk_db_jwt": page.token or ""})
        assert len(tab.client()["sessions"]) == 1
        assert tab.token != page.token
        assert tab.token in page.http.cookies.values()

    def test_its_cookie_is_set_once(self, page: Page) -> None:
        assert "set-cookie" not in page.get("/client").headers  # which a link could ask for, too
        (line,) = page.post("/client").headers.get_list("set-cookie")
        assert "; HttpOnly" in line
        assert page.token
        assert page.token in line
        assert "set-cookie" not in page.post("/client").headers

    def test_what_tells_nothing_of_anybody_needs_no_browser(
        self, new_browser: Callable[[], httpx.Client]
    ) -> None:
        response = Page(new_browser()).get("/environment")
        assert response.status_code == 200
        assert not response.cookies


class TestProduction:
    @pytest.fixture
    def clerk(self, clock: Any) -> LocalClerk:
        instance = {"type": "production", "host": "clerk.example.com"}
        return LocalClerk(seed_with(instance=instance), clock=clock)

    @pytest.fixture
    def page(self, new_browser: Callable[[], httpx.Client]) -> Page:
        return Page(new_browser())

    def test_there_are_no_dev_browsers(self, page: Page) -> None:
        assert error_in(page.post("/dev_browser")) == (400, "request_invalid_for_environment", None)

    def test_a_new_browser_has_no_client_until_it_begins_something(self, page: Page) -> None:
        response = page.get("/client")
        assert response.json() == {"response": None, "client": None}
        assert not response.cookies
        assert error_in(page.ask("DELETE", "/client/sessions")) == (401, "signed_out", None)

    def test_its_cookies_follow_its_client(self, clerk: LocalClerk, page: Page, clock: Any) -> None:
        suffix = clerk._instance.cookie_suffix
        page.post("/client/sign_ins", identifier="ada@example.com")
        before = dict(page.http.cookies)
        assert before["__client_uat"] == before[f"__client_uat_{suffix}"] == "0"
        response = page.post("/client/sign_ins", identifier="ada@example.com", password="fleet-demo")
        lines = {line.partition("=")[0]: line for line in response.headers.get_list("set-cookie")}
        assert set(lines) == {"__client", "__client_uat", f"__client_uat_{suffix}"}
        assert "; HttpOnly" in lines["__client"]
        assert "HttpOnly" not in lines["__client_uat"]
        assert page.http.cookies["__client"] != before["__client"]
        assert page.http.cookies["__client_uat"] == str(int(clock.now))
        assert "clerk-db-jwt" not in response.headers
        assert "set-cookie" not in page.get("/client").headers
        clock.now += 5
        page.ask("DELETE", "/client/sessions")
        assert page.http.cookies["__client_uat"] == page.http.cookies[f"__client_uat_{suffix}"] == "0"

    def test_a_dev_browser_token_means_nothing(self, clerk: LocalClerk, page: Page) -> None:
        session = clerk.sign_in("user_ada")
        assert session.client
        assert page.get("/client", __clerk_db_jwt=session.client.token).json()["response"] is None


class TestByAProxy:
    """A request that the application passed on has the application's origin, whether it says so or not."""

    @pytest.fixture
    def proxied(self, clerk: LocalClerk, page: Page) -> Page:
        page.http.headers["clerk-proxy-url"] = "https://app.example.com/__clerk"
        page.http.headers["clerk-secret-key"] = clerk.secret_key
        page.origin = None
        return page

    def test_the_applications_own_pages_may_ask(self, proxied: Page, claims_of: Any) -> None:
        proxied.origin = "https://app.example.com"
        client = proxied.sign_in("ada@blueridge.example")
        proxied.origin = None
        for shown in (client, proxied.client()):
            (session,) = shown["sessions"]
            assert claims_of(session["last_active_token"]["jwt"])["azp"] == "https://app.example.com"

    def test_and_no_others(self, proxied: Page) -> None:
        for origin in ("https://evil.example", "https://app.example.com:444", "http://app.example.com"):
            proxied.origin = origin
            assert error_in(proxied.get("/client")) == (400, "origin_invalid", None)

    def test_its_cookies_are_secure_where_the_application_is(self, proxied: Page) -> None:
        (line,) = proxied.post("/client").headers.get_list("set-cookie")
        assert line.endswith("; Secure")

    def test_pages_that_it_does_not_say_itself_are_behind_the_proxy(self, proxied: Page) -> None:
        shown = proxied.get("/environment").json()["display_config"]
        assert shown["sign_in_url"] == "https://app.example.com/__clerk/sign-in"
        assert shown["after_sign_in_url"] == "https://app.example.com/"


def test_no_header_has_to_say_that_it_is_a_browser(server: LocalServer) -> None:
    assert httpx.get(f"{server.url}/v1/environment").status_code == 200

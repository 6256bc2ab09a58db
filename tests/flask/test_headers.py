"""What authenticating adds to a response: redirects of handshakes, cookies, and what caches are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, Response, make_response, session
from werkzeug.test import TestResponse

from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware_flask import Clerk, current_auth, require_auth, require_role

SITE = "https://app.example.com"

Headers = dict[str, str]
Ask = Callable[..., TestResponse]
Apps = Callable[..., Flask]


def who() -> str:
    return str(current_auth.user_id)


class TestAHandshake:
    def test_sends_a_browser_to_clerk_before_any_view(
        self, app_of: Apps, development: LocalClerk, ask: Ask, navigation: Headers
    ) -> None:
        ran: list[int] = []
        app = app_of(development)
        app.before_request(lambda: ran.append(1))
        app.get("/who")(who)
        for path in ("/who?page=2", "/nowhere"):
            response = ask(app, path, navigation)
            assert (response.status_code, response.data) == (307, b"")
            assert response.headers.getlist("Cache-Control") == ["no-store"]
            assert len(response.headers.getlist("Location")) == 1
            target = urlsplit(response.location)
            assert target.path == "/v1/client/handshake"
            assert parse_qs(target.query)["redirect_url"] == [f"{SITE}{path}"]
        assert ran == []

    def test_is_not_for_what_no_browser_navigates_to(
        self, app_of: Apps, development: LocalClerk, ask: Ask
    ) -> None:
        app = app_of(development)
        app.get("/who")(who)
        assert ask(app, "/who", {"accept": "application/json"}).text == "None"

    def test_comes_back_with_cookies_and_to_the_url_as_it_was(
        self, app_of: Apps, development: LocalClerk, ask: Ask, navigation: Headers
    ) -> None:
        token = development.session_token(development.sign_in("user_dev"), azp=SITE)
        lines = [
            f"__session={token}; Path=/; Domain=app.example.com; Partitioned; Priority=High",
            "__client_uat=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        ]
        result = development._instance.keys.sign({"handshake": lines})
        response = ask(app_of(development), f"/who?page=2&__clerk_handshake={result}", navigation)
        assert (response.status_code, response.location) == (307, f"{SITE}/who?page=2")
        assert response.headers.getlist("Set-Cookie") == lines
        assert response.headers.getlist("Cache-Control") == ["no-store"]

    def test_in_production_comes_back_to_the_view(
        self, app: Flask, clerk: LocalClerk, ask: Ask, navigation: Headers
    ) -> None:
        app.get("/who")(who)
        token = clerk.issue_session_token("user_dev", azp=SITE)
        result = clerk._instance.keys.sign({"handshake": [f"__session={token}; Path=/"]})
        response = ask(app, "/who", navigation | {"cookie": f"__clerk_handshake={result}"})
        assert response.text == "user_dev"
        assert response.headers.getlist("Set-Cookie") == [f"__session={token}; Path=/"]
        assert response.headers["Cache-Control"] == "no-store"

    def test_is_of_the_url_that_flask_serves(
        self, app_of: Apps, development: LocalClerk, ask: Ask, navigation: Headers
    ) -> None:
        app = app_of(development)
        for path, query, back in (
            ("/gr\xc3\xb6\xc3\x9fe", "q=%C3%A4", "/gr%C3%B6%C3%9Fe?q=%C3%A4"),
            ("/a b", "x=1", "/a%20b?x=1"),
            ("//evil.example/", "", "//evil.example/"),
            ("/loads?", "x=%3F", "/loads%3F?x=%3F"),
        ):
            overrides = {"PATH_INFO": path, "QUERY_STRING": query}
            response = ask(app, headers=navigation, environ_overrides=overrides)
            (url,) = parse_qs(urlsplit(response.location).query)["redirect_url"]
            assert url == f"{SITE}{back}"

    def test_tells_caches_where_an_earlier_function_answers_in_its_place(
        self, bare_app: Apps, development: LocalClerk, ask: Ask, navigation: Headers
    ) -> None:
        app = bare_app(
            CLERK_SECRET_KEY=development.secret_key, CLERK_PUBLISHABLE_KEY=development.publishable_key,
            CLERK_JWT_KEY=development.jwt_key,
        )  # fmt: skip
        app.before_request(lambda: f"closed, {current_auth.user_id}")
        Clerk(app)
        response = ask(app, headers=navigation)
        assert (response.status_code, response.text) == (200, "closed, None")
        assert response.headers["Vary"] == "Authorization, Cookie"


class TestCookies:
    """Of a session that was refreshed."""

    @pytest.fixture
    def refreshing(self, app_of: Apps, backend_api: LocalServer) -> Flask:
        app = app_of(CLERK_API_URL=backend_api.url)
        app.get("/")(who)
        app.get("/admin", endpoint="admin")(require_role("org:admin")(lambda: who()))
        app.get("/cached", endpoint="cached")(
            lambda: Response(who(), headers={"Cache-Control": "public, max-age=60"})
        )
        app.get("/redirect", endpoint="redirect")(lambda: Response(who(), 302, {"Location": "/"}))
        return app

    @pytest.mark.parametrize(
        ("path", "status"),
        [("/", 200), ("/admin", 403), ("/nowhere", 404), ("/cached", 200), ("/redirect", 302)],
    )
    def test_are_on_every_response(
        self, path: str, status: int, refreshing: Flask, ask: Ask, expired_cookies: Headers
    ) -> None:
        response = ask(refreshing, path, expired_cookies)
        assert response.status_code == status
        lines = response.headers.getlist("Set-Cookie")
        assert len(lines) == len(set(lines)) == 4
        assert any(line.startswith("__session=ey") for line in lines)
        assert response.headers.getlist("Cache-Control") == ["no-store"]
        assert response.headers.getlist("Vary") == ["Authorization, Cookie"]

    def test_are_on_an_error_page_too(self, refreshing: Flask, ask: Ask, expired_cookies: Headers) -> None:
        refreshing.testing = False
        refreshing.get("/broken", endpoint="broken")(lambda: 1 / 0)
        response = ask(refreshing, "/broken", expired_cookies)
        assert response.status_code == 500
        assert len(response.headers.getlist("Set-Cookie")) == 4

    def test_are_beside_the_applications_own(
        self, refreshing: Flask, ask: Ask, expired_cookies: Headers
    ) -> None:
        @refreshing.get("/own")
        def own() -> Response:
            session["seen"] = True
            response = make_response(who())
            response.set_cookie("theme", "dark")
            return response

        response = ask(refreshing, "/own", expired_cookies)
        names = [line.partition("=")[0] for line in response.headers.getlist("Set-Cookie")]
        assert names.count("theme") == names.count("session") == 1
        assert len(names) == 6

    def test_are_not_sent_again_by_themselves(self, app: Flask, ask: Ask, cookies: Headers) -> None:
        app.get("/")(who)
        response = ask(app, headers=cookies)
        assert response.text == "user_dev"
        assert "Set-Cookie" not in response.headers
        assert "Cache-Control" not in response.headers


class TestVary:
    @pytest.mark.parametrize(
        ("own", "expected"),
        [
            (None, "Authorization, Cookie"),
            ("Accept-Language", "Accept-Language, Authorization, Cookie"),
            ("cookie", "cookie, Authorization"),
            ("*", "*"),
        ],
    )
    def test_is_added_to_the_applications_own(
        self, own: str | None, expected: str, app: Flask, ask: Ask
    ) -> None:
        app.get("/")(lambda: Response("", headers={"Vary": own} if own else {}))
        assert ask(app).headers.getlist("Vary") == [expected]

    def test_is_what_flasks_session_says_too(self, app: Flask, ask: Ask, dispatcher: Headers) -> None:
        @app.get("/")
        def view() -> str:
            session["seen"] = who()
            return ""

        response = ask(app, headers=dispatcher)
        assert response.headers.getlist("Vary") == ["Cookie, Authorization"]
        assert response.headers["Set-Cookie"].startswith("session=")

    @pytest.mark.parametrize("path", ["/", "/auth", "/nowhere", "/broken", "/put"])
    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
    def test_is_on_every_response(self, path: str, method: str, app: Flask, ask: Ask) -> None:
        app.testing = False
        app.get("/")(lambda: "the same for all")
        app.get("/auth", endpoint="auth")(require_auth(lambda: who()))
        app.get("/broken", endpoint="broken")(lambda: 1 / 0)
        app.put("/put", endpoint="put")(lambda: "")
        assert ask(app, path, method=method).headers.getlist("Vary") == ["Authorization, Cookie"]

    @pytest.mark.parametrize("is_first", [True, False])
    def test_comes_after_every_function_that_runs_after_a_view(
        self, is_first: bool, bare_app: Apps, keys: Any, ask: Ask
    ) -> None:
        app = bare_app(**keys)

        def vary(response: Response) -> Response:
            response.headers["Vary"] = "Accept-Language"
            return response

        if is_first:
            app.after_request(vary)
        Clerk(app)
        if not is_first:
            app.after_request(vary)
        app.get("/")(lambda: "")
        assert ask(app).headers.getlist("Vary") == ["Accept-Language, Authorization, Cookie"]

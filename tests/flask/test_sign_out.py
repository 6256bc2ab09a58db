"""``clerk.sign_out()``: the session ends at Clerk and in the browser, and nobody else's does."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import jwt
import pytest
from flask import Flask, Response, request, session
from werkzeug.test import TestResponse

from clerk_middleware import NotAuthorized, PublishableKey
from clerk_middleware.local import LocalClerk, LocalServer, Session
from clerk_middleware_flask import Clerk, get_auth

SITE = "https://app.example.com"

Headers = dict[str, str]
Ask = Callable[..., TestResponse]
Apps = Callable[..., Flask]


@pytest.fixture(autouse=True)
def healthy(clerk: LocalClerk) -> Iterator[None]:
    yield
    clerk.recover()


@pytest.fixture
def make(bare_app: Apps, keys: Any, backend_api: LocalServer) -> Callable[..., Flask]:
    """An application that signs out as it should be done, by a POST."""

    def of(**options: Any) -> Flask:
        app = bare_app(**(keys | {"CLERK_API_URL": backend_api.url} | options))
        clerk = Clerk(app)
        app.post("/sign-out")(lambda: clerk.sign_out(request.args.get("next")))
        return app

    return of


@pytest.fixture
def app(make: Callable[..., Flask]) -> Flask:
    return make()


@pytest.fixture
def begun(clerk: LocalClerk) -> Callable[..., tuple[Session, str]]:
    """A session that LocalClerk knows, and a token of it."""

    def of(user_id: str = "user_dev", **options: Any) -> tuple[Session, str]:
        session = clerk.sign_in(user_id)
        return session, clerk.session_token(session, azp=SITE, **options)

    return of


@pytest.fixture
def suffix(clerk: LocalClerk) -> str:
    return PublishableKey.parse(clerk.publishable_key).cookie_suffix


def deleted(response: TestResponse) -> set[str]:
    lines = response.headers.getlist("Set-Cookie")
    return {line.partition("=")[0] for line in lines if "Max-Age=0" in line and "=;" in line}


def browser(token: str, extra: str = "") -> Headers:
    return {"cookie": f"__session={token}; __client_uat={int(time.time()) - 900}{extra}"}


class TestSigningOut:
    def test_ends_the_session_at_clerk_and_in_the_browser(
        self, app: Flask, ask: Ask, begun: Any, suffix: str
    ) -> None:
        began, token = begun()
        other, _ = begun()
        extra = f"; __refresh_{suffix}=x; __session_other=kept; __client_uat_{suffix}=1; theme=dark"
        response = ask(app, "/sign-out", browser(token, extra), "POST")
        assert (response.status_code, response.location) == (303, "/")
        assert began.closed == "revoked"
        assert other.closed is None
        assert deleted(response) == {"__session", f"__refresh_{suffix}"}
        for line in response.headers.getlist("Set-Cookie"):
            assert {"Path=/", "SameSite=Lax", "Max-Age=0"} <= set(line.split("; "))
        assert response.headers["Vary"] == "Cookie, Authorization"

    def test_forgets_the_suffixed_cookie_and_not_another_instances(
        self, app: Flask, ask: Ask, begun: Any, suffix: str
    ) -> None:
        began, token = begun()
        now = int(time.time())
        headers = {
            "cookie": f"__session_{suffix}={token}; __client_uat_{suffix}={now - 100}; __session_other=kept; "
            f"__session={token}; __client_uat={now - 100}"
        }
        response = ask(app, "/sign-out", headers, "POST")
        assert began.closed == "revoked"
        assert deleted(response) == {"__session", f"__session_{suffix}"}

    def test_is_for_a_bearer_too(self, app: Flask, ask: Ask, begun: Any) -> None:
        began, token = begun()
        response = ask(app, "/sign-out", {"authorization": f"Bearer {token}"}, "POST")
        assert response.status_code == 303
        assert began.closed == "revoked"
        assert deleted(response) == set()

    def test_is_for_a_session_that_is_not_finished(self, app: Flask, ask: Ask, begun: Any) -> None:
        began, token = begun(claims={"sts": "pending"})
        ask(app, "/sign-out", browser(token), "POST")
        assert began.closed == "revoked"

    def test_needs_no_publishable_key(self, make: Any, ask: Ask, begun: Any) -> None:
        began, token = begun()
        headers = {"authorization": f"Bearer {token}", "cookie": "__session=x; theme=dark"}
        response = ask(make(CLERK_PUBLISHABLE_KEY=None), "/sign-out", headers, "POST")
        assert began.closed == "revoked"
        assert deleted(response) == {"__session"}

    def test_by_nobody_is_no_mistake(self, app: Flask, ask: Ask) -> None:
        response = ask(app, "/sign-out", method="POST")
        assert (response.status_code, response.location) == (303, "/")
        assert "Set-Cookie" not in response.headers

    def test_forgets_a_garbled_token_too(self, app: Flask, ask: Ask) -> None:
        assert deleted(ask(app, "/sign-out", browser("x.y.z"), "POST")) == {"__session"}

    def test_empties_flasks_own_session(self, app: Flask, begun: Any) -> None:
        """Whoever comes next at that browser finds nothing in it."""
        app.get("/put", endpoint="put")(lambda: session.update(basket="full") or "")
        app.get("/look", endpoint="look")(
            lambda: {"basket": session.get("basket"), "user": get_auth().user_id}
        )
        client = app.test_client()
        client.set_cookie("__session", begun()[1], domain="app.example.com")
        client.get("/put", base_url=SITE)
        assert client.get("/look", base_url=SITE).json["basket"] == "full"
        client.post("/sign-out", base_url=SITE)
        assert client.get("/look", base_url=SITE).json == {"basket": None, "user": None}

    def test_needs_no_session_of_flasks(self, make: Any, ask: Ask, begun: Any) -> None:
        began, token = begun()
        assert ask(make(SECRET_KEY=None), "/sign-out", browser(token), "POST").status_code == 303
        assert began.closed == "revoked"


class TestTheCookies:
    """They are forgotten whichever response a view returns."""

    GOODBYE = "Goodbye"

    @pytest.fixture
    def app(self, bare_app: Apps, keys: Any, backend_api: LocalServer, in_kind: Any) -> Flask:
        app = bare_app(**(keys | {"CLERK_API_URL": backend_api.url}))
        clerk = Clerk(app)
        constant = Response(self.GOODBYE)

        def text() -> str:
            clerk.sign_out()
            return self.GOODBYE

        def same() -> Response:
            clerk.sign_out()
            return constant

        def refused() -> str:
            clerk.sign_out()
            raise NotAuthorized("Not here.")

        for view in (text, same, refused):
            app.add_url_rule(f"/{view.__name__}", view.__name__, in_kind(view), methods=["GET", "POST"])
        app.get("/goodbye")(lambda: constant)
        return app

    @pytest.mark.parametrize("path", ["/text", "/same", "/refused"])
    def test_are_forgotten_by_every_response(self, path: str, app: Flask, ask: Ask, begun: Any) -> None:
        began, token = begun()
        response = ask(app, path, browser(token), "POST")
        assert response.status_code == (403 if path == "/refused" else 200)
        assert deleted(response) == {"__session"}
        assert began.closed == "revoked"

    def test_are_forgotten_by_nobody_who_gets_the_same_response_later(
        self, app: Flask, ask: Ask, begun: Any
    ) -> None:
        for _ in range(2):
            lines = ask(app, "/same", browser(begun()[1]), "POST").headers.getlist("Set-Cookie")
            assert len(lines) == 1
        assert "Set-Cookie" not in ask(app, "/goodbye", browser(begun()[1])).headers

    def test_of_a_refresh_in_the_same_request_do_not_come_after(
        self, app: Flask, ask: Ask, expired_cookies: Headers
    ) -> None:
        assert "eyJ" in str(ask(app, "/goodbye", expired_cookies).headers)
        response = ask(app, "/text", expired_cookies)  # a token is refreshed for a GET only
        lines = response.headers.getlist("Set-Cookie")
        assert len(deleted(response)) == 3
        assert all("Max-Age=0" in line for line in lines)
        assert "eyJ" not in "".join(lines)


class TestTheNextPage:
    @pytest.mark.parametrize(
        ("wanted", "location"),
        [("/bye", "/bye"), (f"{SITE}/bye?a=b", "/bye?a=b"), ("", ""), (None, "")],
    )
    def test_is_one_of_this_site(self, wanted: str | None, location: str, app: Flask, ask: Ask) -> None:
        query = {"next": wanted} if wanted is not None else {}
        response = ask(app, "/sign-out", method="POST", query_string=query)
        assert response.location == (f"{SITE}{location}" if location else "/")

    @pytest.mark.parametrize(
        "wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\n"]
    )
    def test_is_no_strangers(self, wanted: str, app: Flask, ask: Ask) -> None:
        response = ask(app, "/sign-out", method="POST", query_string={"next": wanted})
        assert response.location == "/"

    @pytest.mark.parametrize("script", ["/app", "/app/"])
    def test_is_the_applications_first_below_a_prefix(self, script: str, app: Flask, ask: Ask) -> None:
        response = ask(app, "/sign-out", method="POST", environ_overrides={"SCRIPT_NAME": script})
        assert response.location == "/app/"

    @pytest.mark.parametrize("slashes", ["/", "//", "///", "/\\", "\\/", "/\t/", "/./", "//@", "/\r\n/"])
    @pytest.mark.parametrize("next_page", ["", "?next=", "?next=https://evil.example/"])
    def test_is_of_this_site_whatever_the_prefix(
        self, next_page: str, slashes: str, app: Flask, ask: Ask
    ) -> None:
        """A proxy may pass ``X-Forwarded-Prefix`` on from elsewhere."""
        overrides = {"SCRIPT_NAME": f"{slashes}evil.example"}
        response = ask(app, f"/sign-out{next_page}", method="POST", environ_overrides=overrides)
        assert response.status_code == 303
        assert response.location.startswith("/")
        assert response.location[1] not in "/\\\t\r\n"
        assert urlsplit(urljoin(SITE, response.location)).netloc == "app.example.com"


class TestWhatIsNotDone:
    def test_is_logged_where_clerk_does_not_answer(
        self, app: Flask, ask: Ask, begun: Any, clerk: LocalClerk, caplog: pytest.LogCaptureFixture
    ) -> None:
        clerk.fail("/sessions/*/revoke", 503, times=None)
        began, token = begun()
        with caplog.at_level(logging.WARNING, "clerk_middleware"):
            response = ask(app, "/sign-out", browser(token), "POST")
        assert response.status_code == 303
        assert deleted(response) == {"__session"}
        assert began.closed is None
        assert f"session {began.id} was signed out here only, and goes on at Clerk" in caplog.text
        assert token not in caplog.text

    def test_is_logged_where_there_is_no_secret_key(
        self, make: Any, ask: Ask, begun: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = make(CLERK_SECRET_KEY=None)
        with caplog.at_level(logging.WARNING, "clerk_middleware"):
            assert ask(app, "/sign-out", browser(begun()[1]), "POST").status_code == 303
        assert "CLERK_SECRET_KEY is not set" in caplog.text


class TestTheSessionThatEnds:
    def test_may_have_a_token_that_expired_meanwhile(self, app: Flask, ask: Ask, begun: Any) -> None:
        began, token = begun(issued_at=time.time() - 300, lifetime=60)
        ask(app, "/sign-out", browser(token), "POST")
        assert began.closed == "revoked"

    def test_is_of_no_forged_token(self, app: Flask, ask: Ask, begun: Any) -> None:
        victim, _ = begun("user_ada")
        now = int(time.time())
        claims = {"sid": victim.id, "iat": now - 300, "exp": now - 240, "azp": SITE}
        forged = jwt.encode(claims, "no key of Clerk's, 32 bytes long!!", "HS256")
        ask(app, "/sign-out", browser(forged), "POST")
        assert victim.closed is None

    @pytest.mark.parametrize("header", ["genuine and expired", "genuine", "garbled"])
    def test_is_of_no_forged_cookie_beside_a_header(
        self, header: str, app: Flask, ask: Ask, begun: Any
    ) -> None:
        victim, _ = begun("user_ada")
        forged = jwt.encode({"sid": victim.id, "iat": 1}, "no key of Clerk's, 32 bytes long!!", "HS256")
        token = "x.y.z"
        if header != "garbled":
            old = {"issued_at": time.time() - 86400} if "expired" in header else {}
            _, token = begun("user_rosa", **old)
        ask(app, "/sign-out", browser(forged) | {"authorization": f"Bearer {token}"}, "POST")
        assert victim.closed is None

    def test_is_of_no_other_application(self, app: Flask, ask: Ask, clerk: LocalClerk) -> None:
        began = clerk.sign_in("user_dev")
        token = clerk.session_token(
            began, azp="https://blog.example.com", issued_at=time.time() - 300, lifetime=60
        )
        ask(app, "/sign-out", browser(token), "POST")
        assert began.closed is None

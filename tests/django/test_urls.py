"""The views of ``clerk_middleware_django.urls``: signing in, up and out, by both of Django's handlers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, RequestFactory
from django.urls import path as route

from clerk_middleware import ConfigurationError, PublishableKey, SessionAuth
from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware_django.models import ClerkIdentity
from clerk_middleware_django.views import sign_in, sign_out

from .conftest import SITE, Browse

Change = Callable[..., None]
Headers = dict[str, str]

HERE = "https://testserver"
PORTAL = "https://accounts.example.com"
STRANGERS = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "\r\n//evil.example",
    "//\n/evil.example",
    "/a\r\nSet-Cookie: x=y",
    "\x0c//evil.example",
    "javascript:alert(1)",
    "https://testserver@evil.example",
    "https://testserver\\@evil.example",
    "https://testserver.evil.example",
    "http://testserver/",
    "https:evil.example",
    "/" * 3000,
    "",
]


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "django_project.clerk_urls"


@pytest.fixture
def ask(browse: Browse) -> Callable[..., Any]:
    """`browse`, where a link was followed or a form posted."""

    def send(path: str, method: str = "GET", headers: Headers | None = None, **options: Any) -> Any:
        headers = {"sec-fetch-dest": "document", **(headers or {})}
        return browse(path, method, headers, **options)

    return send


@pytest.fixture
def dispatcher_user(db: None) -> Any:
    user = get_user_model().objects.create_user("dev")
    ClerkIdentity.objects.create(user=user, clerk_user_id="user_dev")
    return user


def way_back(response: Any) -> str:
    assert response.status_code == 302
    return parse_qs(urlsplit(response["Location"]).query)["redirect_url"][0]


class TestSigningIn:
    @pytest.mark.parametrize(
        ("path", "page"), [("/clerk/sign-in/", "/sign-in"), ("/clerk/sign-up/", "/sign-up")]
    )
    def test_leads_to_clerk_and_back(self, path: str, page: str, ask: Callable[..., Any]) -> None:
        response = ask(f"{path}?next=/members%3Fa%3D1")
        assert response["Location"].startswith(f"{PORTAL}{page}?redirect_url=")
        assert way_back(response) == f"{HERE}/members?a=1"
        assert "no-store" in response["Cache-Control"]
        assert ask(path, "HEAD").status_code == 302
        assert ask(path, "POST").status_code == 405

    def test_is_where_login_required_sends(self, ask: Callable[..., Any]) -> None:
        response = ask("/members?a=1")
        assert response["Location"] == "/clerk/sign-in/?next=/members%3Fa%3D1"
        assert way_back(ask(response["Location"])) == f"{HERE}/members?a=1"

    def test_is_where_the_middleware_sends(self, settings: Any, ask: Callable[..., Any]) -> None:
        settings.MIDDLEWARE = [
            *settings.MIDDLEWARE,
            "django.contrib.auth.middleware.LoginRequiredMiddleware",
        ]
        response = ask("/plain")
        assert response["Location"] == "/clerk/sign-in/?next=/plain"
        assert way_back(ask(response["Location"])) == f"{HERE}/plain"
        assert ask("/clerk/sign-up/").status_code == 302
        assert ask("/clerk/sign-out/", "POST")["Location"] == "/"

    @pytest.mark.parametrize("evil", STRANGERS)
    def test_leads_back_to_no_stranger(self, evil: str, ask: Callable[..., Any], settings: Any) -> None:
        settings.LOGIN_REDIRECT_URL = "/start"
        assert way_back(ask(f"/clerk/sign-in/?next={quote(evil, safe='')}")) == f"{HERE}/start"

    def test_leads_back_to_the_start_page(self, ask: Callable[..., Any], settings: Any) -> None:
        settings.LOGIN_REDIRECT_URL = "clerk:sign-up"  # a name, as Django has it
        assert way_back(ask("/clerk/sign-in/")) == f"{HERE}/clerk/sign-up/"

    def test_carries_no_secret(self, ask: Callable[..., Any]) -> None:
        secrets = quote("/members?__clerk_db_jwt=dvb_1&__clerk_handshake=h.h.h&a=1")
        assert way_back(ask(f"/clerk/sign-in/?next={secrets}")) == f"{HERE}/members?a=1"

    def test_finishes_a_session_with_tasks(
        self, ask: Callable[..., Any], signed_in: Callable[..., Headers]
    ) -> None:
        response = ask("/clerk/sign-in/", headers=signed_in("user_dev", claims={"sts": "pending"}))
        assert response["Location"].startswith(f"{PORTAL}/sign-in/tasks?")

    def test_is_not_the_page_with_the_form(self, ask: Callable[..., Any], clerk_settings: Change) -> None:
        clerk_settings(SIGN_IN_URL="/clerk/sign-in/")
        with pytest.raises(ConfigurationError, match=r"settings\.CLERK: SIGN_IN_URL"):
            ask("/clerk/sign-in/?next=/members")
        clerk_settings(SIGN_IN_URL="/sign-in")
        assert ask("/clerk/sign-in/")["Location"].startswith(f"{HERE}/sign-in?")

    def test_needs_the_middleware(self, ask: Callable[..., Any], settings: Any) -> None:
        settings.MIDDLEWARE = []
        for path, method in [("/clerk/sign-in/", "GET"), ("/clerk/sign-out/", "POST")]:
            with pytest.raises(ConfigurationError, match="ClerkMiddleware did not see this request"):
                ask(path, method)


class TestSigningInTwice:
    """Who is signed in already must not be sent to and fro."""

    @pytest.mark.django_db
    def test_without_an_account_here(self, ask: Callable[..., Any], cookies: Headers) -> None:
        response = ask("/members", headers=cookies)
        assert response["Location"] == "/clerk/sign-in/?next=/members"
        for path in (response["Location"], "/clerk/sign-in/", "/clerk/sign-up/"):
            assert ask(path, headers=cookies).status_code == 403

    def test_with_an_account_that_may_not(
        self, cookies: Headers, dispatcher_user: Any, settings: Any, tmp_path: Any
    ) -> None:
        browser = Client(headers={"sec-fetch-dest": "document"})
        browser.cookies.load(cookies["cookie"])
        sign_in = "/clerk/sign-in/?next=/refusing"
        for page, target in (("/refusing", sign_in), (sign_in, "/refusing"), ("/refusing", sign_in)):
            response: Any = browser.get(page, secure=True)
            assert response["Location"] == target
        answer: Any = browser.get(sign_in, secure=True)
        assert answer.status_code == 403
        assert b"your account may not open the page that you came from" in answer.content
        assert b"<button>Sign out" in answer.content

    def test_by_a_stale_link(self, ask: Callable[..., Any], cookies: Headers, dispatcher_user: Any) -> None:
        for _ in range(2):
            assert ask("/clerk/sign-in/?next=/members", headers=cookies)["Location"] == "/members"

    def test_is_told_why(
        self, ask: Callable[..., Any], cookies: Headers, dispatcher_user: Any, settings: Any, tmp_path: Any
    ) -> None:
        (tmp_path / "403.html").write_text("{{ exception }}")
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
        dispatcher_user.is_active = False
        dispatcher_user.save()
        assert b"no active account here" in ask("/clerk/sign-in/", headers=cookies).content
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "APP_DIRS": False}]
        response = ask("/clerk/sign-in/", headers=cookies)
        assert (response.status_code, response.content) == (
            403,
            b"You are signed in, but have no active account here.",
        )

    def test_may_be_told_where_there_is_no_way_to_sign_out(
        self, ask: Callable[..., Any], cookies: Headers, dispatcher_user: Any, settings: Any
    ) -> None:
        settings.ROOT_URLCONF = (route("sign-in/", sign_in),)
        settings.LOGIN_REDIRECT_URL = "/"
        dispatcher_user.is_active = False
        dispatcher_user.save()
        response = ask("/sign-in/", headers=cookies)
        assert (response.status_code, b"<form" in response.content) == (403, False)

    def test_by_a_link_to_sign_in(
        self, ask: Callable[..., Any], cookies: Headers, dispatcher_user: Any, settings: Any
    ) -> None:
        settings.LOGIN_REDIRECT_URL = "/plain"
        for path in ("/clerk/sign-in/", "/clerk/sign-up/"):
            assert ask(path, headers=cookies)["Location"] == "/plain"

    @pytest.mark.parametrize("middlewares", [1, 6])
    def test_in_a_project_without_local_users(
        self, middlewares: int, ask: Callable[..., Any], cookies: Headers, settings: Any
    ) -> None:
        clerk = "clerk_middleware_django.middleware.ClerkMiddleware"
        settings.MIDDLEWARE = [clerk] if middlewares == 1 else settings.MIDDLEWARE[:6]
        assert ask("/clerk/sign-in/", headers=cookies)["Location"] == "/accounts/profile/"

    def test_by_a_start_page_that_refuses(
        self, cookies: Headers, dispatcher_user: Any, settings: Any
    ) -> None:
        settings.LOGIN_REDIRECT_URL = "/refusing"
        browser = Client()
        browser.cookies.load(cookies["cookie"])
        assert browser.get("/clerk/sign-in/", secure=True).status_code == 302
        assert browser.get("/clerk/sign-in/", secure=True).status_code == 403  # and no third time

    @pytest.mark.parametrize("page", ["/members", "/refusing"])
    def test_after_the_token_expired_on_a_form(
        self,
        page: str,
        clerk: LocalClerk,
        backend_api: LocalServer,
        clerk_settings: Change,
        expired_cookies: Headers,
        dispatcher_user: Any,
    ) -> None:
        """The form's POST can't be refreshed, and the sign-in view's GET is: on, but only once."""
        clerk_settings(API_URL=backend_api.url, AUTHORIZED_PARTIES=[SITE, HERE])
        browser = Client(headers={"sec-fetch-dest": "document"})
        browser.cookies.load(expired_cookies["cookie"])
        refused: Any = browser.post(page, secure=True)
        renewed: Any = browser.get(refused["Location"], secure=True)
        assert (renewed.status_code, renewed["Location"]) == (302, page)
        assert renewed.cookies["__session"].value
        assert renewed.cookies["clerk_sent_on"]["httponly"]
        assert renewed.cookies["clerk_sent_on"]["secure"]
        again = browser.get(page, secure=True)
        assert again.status_code == (200 if page == "/members" else 302)
        assert browser.get(refused["Location"], secure=True).status_code == 403

    def test_after_a_handshake(self, ask: Callable[..., Any], cookies: Headers, dispatcher_user: Any) -> None:
        """Of development instances, whose browsers are redirected once more after it."""
        headers = {"cookie": f"{cookies['cookie']}; __clerk_redirect_count=1"}
        response = ask("/clerk/sign-in/?next=/refusing", headers=headers)
        assert response["Location"] == "/refusing"
        # First, because Django's asynchronous client puts a comma behind the last one.
        headers["cookie"] = f"clerk_sent_on={response.cookies['clerk_sent_on'].value}; {headers['cookie']}"
        assert ask("/clerk/sign-in/?next=/refusing", headers=headers).status_code == 403

    def test_leads_on_to_no_stranger(
        self, ask: Callable[..., Any], cookies: Headers, dispatcher_user: Any
    ) -> None:
        headers = {"cookie": f"{cookies['cookie']}; __clerk_redirect_count=1"}
        for evil in STRANGERS:
            response = ask(f"/clerk/sign-in/?next={quote(evil, safe='')}", headers=headers)
            assert response["Location"] == "/accounts/profile/"


class Browser:
    """One that was signed in by Clerk, and posts forms of this site."""

    def __init__(self, clerk: LocalClerk, ask: Callable[..., Any], age: int = 0) -> None:
        self._ask = ask
        self.session = clerk.sign_in("user_dev", "blue-ridge-freight")
        self.suffix = PublishableKey.parse(clerk.publishable_key).cookie_suffix
        token = clerk.session_token(self.session, azp=SITE, issued_at=time.time() - age, lifetime=60)
        uat = int(time.time()) - 900
        self.cookies = {
            "__session": token,
            f"__session_{self.suffix}": token,
            f"__refresh_{self.suffix}": str(self.session.refresh_token),
            "__client_uat": str(uat),
            f"__client_uat_{self.suffix}": str(uat),
            "__session_OtherOne": "another.instances.token",
            "theme": "dark",
        }

    def post(self, path: str, **options: Any) -> Any:
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        return self._ask(path, "POST", {**headers, **options.pop("headers", {})}, **options)

    @property
    def own_cookies(self) -> set[str]:
        return {"__session", f"__session_{self.suffix}", f"__refresh_{self.suffix}"}


@pytest.fixture
def browser(
    clerk: LocalClerk, ask: Callable[..., Any], backend_api: LocalServer, clerk_settings: Change
) -> Callable[..., Browser]:
    clerk_settings(API_URL=backend_api.url)
    return lambda **options: Browser(clerk, ask, **options)


def forgotten(response: Any) -> set[str]:
    assert all(cookie["path"] == "/" for cookie in response.cookies.values())
    return {name for name, cookie in response.cookies.items() if cookie["max-age"] == 0}


class TestSigningOut:
    def test_ends_the_session(self, browser: Callable[..., Browser]) -> None:
        own = browser()
        response = own.post("/clerk/sign-out/")
        assert (response.status_code, response["Location"]) == (302, "/")
        assert own.session.closed == "revoked"
        assert forgotten(response) == set(response.cookies) == own.own_cookies
        assert "no-store" in response["Cache-Control"]

    def test_ends_it_also_when_the_token_has_expired(self, browser: Callable[..., Browser]) -> None:
        own = browser(age=600)  # nobody reads a page in a minute
        response = own.post("/clerk/sign-out/")
        assert own.session.closed == "revoked"
        assert forgotten(response) == own.own_cookies

    def test_ends_a_session_with_tasks(self, browser: Callable[..., Browser], clerk: LocalClerk) -> None:
        own = browser()
        pending = clerk.session_token(own.session, azp=SITE, claims={"sts": "pending"})
        own.cookies |= dict.fromkeys(("__session", f"__session_{own.suffix}"), pending)
        own.post("/clerk/sign-out/")
        assert own.session.closed == "revoked"

    @pytest.mark.parametrize("age", [0, 600])
    def test_ends_no_session_by_a_token_that_is_not_genuine(
        self, age: int, browser: Callable[..., Browser], clerk: LocalClerk
    ) -> None:
        own, others = browser(age=age), browser()
        header, _, signature = own.cookies["__session"].split(".")
        forged = ".".join((header, others.cookies["__session"].split(".")[1], signature))
        own.cookies |= dict.fromkeys(("__session", f"__session_{own.suffix}"), forged)
        response = own.post("/clerk/sign-out/")
        assert (own.session.closed, others.session.closed) == (None, None)
        assert forgotten(response) == own.own_cookies

    def test_ends_nothing_for_who_is_not_signed_in(self, ask: Callable[..., Any], caplog: Any) -> None:
        response = ask("/clerk/sign-out/", "POST", {"cookie": "theme=dark"})
        assert (response.status_code, response["Location"]) == (302, "/")
        assert not response.cookies
        assert not caplog.records

    def test_ends_nothing_for_a_token_of_no_session(
        self, browser: Callable[..., Browser], clerk: LocalClerk, caplog: Any
    ) -> None:
        own = browser()
        old = clerk.session_token(
            own.session, azp=SITE, issued_at=time.time() - 900, lifetime=60, claims={"sid": None}
        )
        own.cookies |= dict.fromkeys(("__session", f"__session_{own.suffix}"), old)
        assert forgotten(own.post("/clerk/sign-out/")) == own.own_cookies
        assert own.session.closed is None
        assert not caplog.records

    def test_needs_no_publishable_key(self, browser: Callable[..., Browser], clerk_settings: Change) -> None:
        own = browser()
        clerk_settings(PUBLISHABLE_KEY=None, JWT_KEY=None, SECRET_KEY="sk_live_of_nobody")
        assert forgotten(own.post("/clerk/sign-out/")) == {"__session"}

    def test_forgets_the_session_here_where_clerk_does_not_answer(
        self, browser: Callable[..., Browser], clerk_settings: Change, caplog: Any
    ) -> None:
        own = browser()
        clerk_settings(API_URL="http://127.0.0.1:9")
        with caplog.at_level(logging.WARNING, "clerk_middleware"):
            response = own.post("/clerk/sign-out/")
        assert response.status_code == 302
        assert forgotten(response) == own.own_cookies
        [record] = [record for record in caplog.records if record.name.startswith("clerk_middleware")]
        assert own.session.id in record.getMessage()
        assert own.cookies["__session"] not in record.getMessage()

    def test_forgets_the_session_here_where_there_is_no_secret_key(
        self, browser: Callable[..., Browser], clerk_settings: Change, caplog: Any
    ) -> None:
        own = browser()
        clerk_settings(SECRET_KEY=None)
        response = own.post("/clerk/sign-out/")
        assert forgotten(response) == own.own_cookies
        assert "SECRET_KEY" in caplog.text

    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
    def test_is_no_link(self, method: str, ask: Callable[..., Any], cookies: Headers) -> None:
        response = ask("/clerk/sign-out/", method, cookies)
        assert response.status_code == 405
        assert not response.cookies

    @pytest.mark.parametrize("age", [0, 600])
    @pytest.mark.parametrize("is_global", [True, False])
    def test_is_for_this_sites_forms_only(
        self, age: int, is_global: bool, browser: Callable[..., Browser], settings: Any
    ) -> None:
        csrf = "django.middleware.csrf.CsrfViewMiddleware"
        if not is_global:
            settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != csrf]
        own = browser(age=age)
        response = own.post("/clerk/sign-out/", enforce_csrf_checks=True)
        assert response.status_code == 403
        assert own.session.closed is None
        assert not response.cookies
        own.cookies = {"csrftoken": "a" * 32, **own.cookies}
        origin = {"x-csrftoken": "a" * 32, "origin": "https://evil.example"}
        assert own.post("/clerk/sign-out/", headers=origin, enforce_csrf_checks=True).status_code == 403
        origin["origin"] = HERE
        assert own.post("/clerk/sign-out/", headers=origin, enforce_csrf_checks=True).status_code == 302
        assert own.session.closed == "revoked"

    @pytest.mark.parametrize("where", ["query", "form"])
    def test_leads_on(self, where: str, ask: Callable[..., Any], settings: Any) -> None:
        def next_of(wanted: str) -> str:
            query = f"next={quote(wanted, safe='')}"
            if where == "query":
                return str(ask(f"/clerk/sign-out/?{query}", "POST")["Location"])
            form = {"data": query, "content_type": "application/x-www-form-urlencoded"}
            return str(ask("/clerk/sign-out/?next=/ignored", "POST", **form)["Location"])

        settings.LOGOUT_REDIRECT_URL = "/bye"
        assert next_of("/plain?a=1&b=2") == "/plain?a=1&b=2"
        assert next_of(f"{HERE}//evil.example") == f"{HERE}//evil.example"
        for evil in STRANGERS:
            assert next_of(evil) == "/bye"

    def test_leads_to_the_page_that_the_project_names(self, ask: Callable[..., Any], settings: Any) -> None:
        settings.LOGOUT_REDIRECT_URL = "clerk:sign-in"
        assert ask("/clerk/sign-out/", "POST")["Location"] == "/clerk/sign-in/"

    @pytest.mark.django_db
    def test_empties_djangos_session(self, cookies: Headers, clerk_settings: Change) -> None:
        clerk_settings(API_URL="http://127.0.0.1:9")
        browser = Client()
        browser.get("/remember", secure=True)
        assert browser.session["cart"] == "lorry"
        response = browser.post("/clerk/sign-out/", secure=True)
        assert response.cookies["sessionid"].value == ""
        assert "cart" not in browser.session

    def test_where_there_are_no_sessions(self, ask: Callable[..., Any], settings: Any) -> None:
        settings.MIDDLEWARE = ["clerk_middleware_django.middleware.ClerkMiddleware"]
        assert ask("/clerk/sign-out/", "POST").status_code == 302


def test_an_identity_that_a_test_puts_on_a_request_is_not_enough_to_sign_out() -> None:
    request: Any = RequestFactory().post("/clerk/sign-out/")
    request.auth, request._dont_enforce_csrf_checks = (
        SessionAuth.from_claims({"sub": "user_1"}, "token"),
        True,
    )
    with pytest.raises(ConfigurationError, match="ClerkMiddleware did not see this request"):
        sign_out(request)


def test_the_event_loop_goes_on_while_clerk_is_asked(
    clerk: LocalClerk, backend_api: LocalServer, clerk_settings: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The view is synchronous: Django has a thread for it."""
    import asyncio

    from django.test import AsyncClient

    from clerk_middleware import Authenticator

    clerk_settings(API_URL=backend_api.url)
    monkeypatch.setattr(Authenticator, "sign_out", lambda *_: time.sleep(0.3))
    token = clerk.issue_session_token("user_dev", azp=SITE)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    async def ask() -> None:
        ticking = asyncio.create_task(tick())
        headers = {"authorization": f"Bearer {token}"}
        response = await AsyncClient().post("/clerk/sign-out/", secure=True, headers=headers)
        ticking.cancel()
        assert response.status_code == 302

    asyncio.run(ask())
    assert ticks > 10

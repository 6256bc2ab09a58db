"""What becomes of responses that outlive a request, and of what they tell the caches on their way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import path
from django_project.wire import Received

from clerk_middleware import PublishableKey
from clerk_middleware.local import LocalClerk
from clerk_middleware_django.middleware import ClerkMiddleware

from .conftest import SITE, Asked

Headers = dict[str, str]
Receive = Callable[..., Received]
Kind = Callable[[Any], Any]

FOR_CACHES = {
    "Expires": "Thu, 31 Dec 2099 23:59:59 GMT",
    "CDN-Cache-Control": "max-age=600",
    "Cloudflare-CDN-Cache-Control": "max-age=600",
    "Surrogate-Control": "max-age=600",
}


@pytest.fixture(autouse=True)
def backend(asked: Asked, clerk_settings: Any) -> None:
    clerk_settings(API_URL=asked.url)


def expired(clerk: LocalClerk, user_id: str) -> Headers:
    """The cookies of a browser whose session token has to be refreshed."""
    session = clerk.sign_in(user_id)
    now = int(time.time())
    suffix = PublishableKey.parse(clerk.publishable_key).cookie_suffix
    token = clerk.session_token(session, azp=SITE, issued_at=now - 300, lifetime=60)
    pairs = {"session": token, "client_uat": now - 900}
    lines = [f"__{name}{end}={value}" for name, value in pairs.items() for end in ("", f"_{suffix}")]
    return {"cookie": "; ".join([*lines, f"__refresh_{suffix}={session.refresh_token}"])}


def token_in(response: Received) -> str:
    [line] = [line for line in response.headers("set-cookie") if line.startswith("__session=")]
    return line.partition(";")[0]


class TestAResponseThatAViewKeeps:
    """And returns again, to somebody else."""

    @pytest.fixture
    def kept(self, routes: Any, in_kind: Kind) -> HttpResponse:
        response = HttpResponse("the same for all")
        response.set_cookie("theme", "dark")
        routes(path("", in_kind(lambda request: response)))
        return response

    def test_never_has_the_cookies_of_an_earlier_visitor(
        self, kept: HttpResponse, receive: Receive, clerk: LocalClerk, cookies: Headers
    ) -> None:
        first = receive("/", headers=expired(clerk, "user_dev"))
        assert token_in(first).startswith("__session=ey")
        for headers in ({}, cookies):
            later = receive("/", headers=headers)
            assert later.headers("set-cookie") == ["theme=dark; Path=/"]
            assert token_in(first) not in str(later)

    def test_has_those_of_who_asks(self, kept: HttpResponse, receive: Receive, clerk: LocalClerk) -> None:
        first = receive("/", headers=expired(clerk, "user_dev"))
        second = receive("/", headers=expired(clerk, "user_ada"))
        assert token_in(first) != token_in(second)
        for response in (first, second):
            names = [line.partition("=")[0] for line in response.headers("set-cookie")]
            assert len(names) == len(first.headers("set-cookie")) > 2
            assert names.count("__session") == names.count("theme") == 1

    def test_never_has_anothers_while_both_are_being_answered(self, clerk: LocalClerk) -> None:
        """In two threads of a server: the second comes before the first response is sent."""
        response = HttpResponse("the same for all")
        middleware = ClerkMiddleware(lambda request: response)
        sent = []
        for user_id in ("user_dev", "user_ada"):
            headers = expired(clerk, user_id) | {"host": "app.example.com"}
            sent.append(middleware(RequestFactory().get("/", secure=True, headers=headers)))
        first, second = (str(response.cookies) for response in sent)
        assert "__session=ey" in first
        assert "__session=ey" in second
        assert first != second

    def test_says_what_it_depends_on_once(self, kept: HttpResponse, receive: Receive) -> None:
        for _ in range(2):
            assert receive("/").header("vary") == "Authorization, Cookie"


class TestWhatACDNIsTold:
    """Some of it goes before ``Cache-Control``."""

    @pytest.fixture(autouse=True)
    def page(self, routes: Any, in_kind: Kind) -> None:
        def view(request: Any) -> HttpResponse:
            return HttpResponse(headers={"Cache-Control": "max-age=60", **FOR_CACHES})

        routes(path("", in_kind(view)))

    def test_goes_with_cookies(self, receive: Receive, expired_cookies: Headers) -> None:
        response = receive("/", headers=expired_cookies)
        assert response.headers("set-cookie")
        assert "no-store" in response.header("cache-control")
        for name, value in FOR_CACHES.items():
            assert value not in response.headers(name.lower())
        assert response.headers("cdn-cache-control") == []

    def test_stays_without(self, receive: Receive, cookies: Headers) -> None:
        response = receive("/", headers=cookies)
        assert response.header("cache-control") == "max-age=60"
        for name, value in FOR_CACHES.items():
            assert response.header(name.lower()) == value

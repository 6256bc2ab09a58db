"""CSRF: an identity from a cookie is checked as a session is, one from the header is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from rest_framework.decorators import api_view
from rest_framework.response import Response

from clerk_middleware.local import LocalClerk
from clerk_middleware_django import get_auth, protect, require_auth, require_permission

from .conftest import SITE, Browse

Headers = dict[str, str]
Kind = Callable[[Any], Any]

TOKEN = "a" * 32
WITH_TOKEN = {"x-csrftoken": TOKEN, "referer": f"{SITE}/", "origin": SITE}
UNSAFE = ["POST", "PUT", "PATCH", "DELETE", "BREW"]


def who(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(get_auth(request).user_id))


@pytest.fixture
def send(browse: Browse, settings: Any) -> Callable[..., Any]:
    """Send a request to a project that checks for forgeries, as all are outside of tests."""
    settings.CSRF_TRUSTED_ORIGINS = [SITE]

    def ask(headers: Headers, method: str = "POST", **options: Any) -> Any:
        return browse("/", method, headers, enforce_csrf_checks=True, **options)

    return ask


@pytest.fixture
def with_csrf_cookie(cookies: Headers) -> Headers:
    return {"cookie": f"{cookies['cookie']}; csrftoken={TOKEN}"}


class TestACookie:
    @pytest.mark.parametrize("method", UNSAFE)
    def test_needs_the_token(
        self, method: str, send: Any, cookies: Headers, with_csrf_cookie: Headers, routes: Any, in_kind: Kind
    ) -> None:
        routes(path("", in_kind(who)))
        assert send(cookies, method).status_code == 403
        assert send(with_csrf_cookie, method).status_code == 403
        assert send(with_csrf_cookie | {"x-csrftoken": "b" * 32, "origin": SITE}, method).status_code == 403
        assert send(with_csrf_cookie | WITH_TOKEN, method).content == b"user_dev"

    def test_needs_the_right_origin(
        self, send: Any, with_csrf_cookie: Headers, routes: Any, in_kind: Kind
    ) -> None:
        routes(path("", in_kind(who)))
        forged = with_csrf_cookie | WITH_TOKEN | {"origin": "https://evil.example"}
        assert send(forged).status_code == 403

    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE"])
    def test_needs_none_in_safe_methods(
        self, method: str, send: Any, cookies: Headers, routes: Any, in_kind: Kind
    ) -> None:
        routes(path("", in_kind(who)))
        assert send(cookies, method).status_code == 200

    def test_needs_it_in_protected_views_too(
        self, send: Any, cookies: Headers, routes: Any, in_kind: Kind
    ) -> None:
        for decorator in (require_auth, require_permission("org:dispatcher:assign_drivers"), protect()):
            routes(path("", decorator(in_kind(who))))
            assert send(cookies).status_code == 403

    def test_that_was_just_refreshed_needs_it(
        self, send: Any, expired_cookies: Headers, navigation: Headers, routes: Any, in_kind: Kind
    ) -> None:
        routes(path("", in_kind(who)))
        assert send(expired_cookies | navigation).status_code == 403

    def test_needs_none_where_a_view_is_exempt_as_any_session_would(
        self, send: Any, cookies: Headers, routes: Any, in_kind: Kind
    ) -> None:
        routes(path("", csrf_exempt(in_kind(who))))
        assert send(cookies).content == b"user_dev"

    def test_is_not_exempt_by_being_decorated(
        self, send: Any, cookies: Headers, routes: Any, in_kind: Kind
    ) -> None:
        assert not hasattr(require_auth(who), "csrf_exempt")


class TestTheHeader:
    @pytest.mark.parametrize("method", UNSAFE)
    def test_needs_no_token(
        self, method: str, send: Any, dispatcher: Headers, routes: Any, in_kind: Kind
    ) -> None:
        routes(path("", in_kind(who)))
        assert send(dispatcher, method).content == b"user_dev"

    def test_counts_alone_where_there_are_anothers_cookies(
        self, send: Any, admin: Headers, cookies: Headers, routes: Any, in_kind: Kind
    ) -> None:
        routes(path("", in_kind(who)))
        assert send(admin | cookies).content == b"user_ada"

    @pytest.mark.parametrize(
        "header", ["Bearer ", "Bearer", "", "Basic dXNlcjpwYXNz", "Negotiate abc", "a.b.c", "bearera.b.c"]
    )
    def test_that_is_no_bearer_token_switches_nothing_off(
        self, header: str, send: Any, cookies: Headers, routes: Any, in_kind: Kind
    ) -> None:
        routes(path("", in_kind(who)))
        assert send(cookies | {"authorization": header}).status_code == 403

    @pytest.mark.parametrize("how", ["garbled", "expired", "stranger's", "another site's"])
    def test_that_does_not_count_makes_nobody_of_who_has_a_cookie(
        self, how: str, send: Any, cookies: Headers, signed_in: Any, routes: Any, in_kind: Kind,
        clerk: LocalClerk, development: LocalClerk,
    ) -> None:  # fmt: skip
        """No browser sends such a header on its own: its client learns of the token, not of CSRF."""
        routes(path("", in_kind(who)))
        headers = signed_in(issued_at=1_700_000_000, lifetime=60)
        if how == "garbled":
            headers = {"authorization": "Bearer a.b.c"}
        elif how == "stranger's":
            headers = {"authorization": f"Bearer {development.issue_session_token('user_dev', azp=SITE)}"}
        elif how == "another site's":
            token = clerk.issue_session_token("user_dev", azp="https://evil.example")
            headers = {"authorization": f"Bearer {token}"}
        for sent in (headers, headers | cookies):
            assert send(sent).content == b"None"
        routes(path("", require_auth(in_kind(who))))
        for sent in (headers, headers | cookies):
            refused = send(sent)
            assert refused.status_code == 401
            assert refused.headers["WWW-Authenticate"] == "Bearer"


class TestTheMark:
    """``_dont_enforce_csrf_checks``, which is Django's own, is set for one reason only."""

    @pytest.mark.parametrize(
        ("fixture", "marked"),
        [("dispatcher", True), ("cookies", False), (None, False), ("expired_cookies", False)],
    )
    def test_is_a_bearer_token_in_the_header(
        self, fixture: str | None, marked: bool, send: Any, request: pytest.FixtureRequest, routes: Any
    ) -> None:
        found: list[bool] = []

        def view(request: HttpRequest) -> HttpResponse:
            found.append(getattr(request, "_dont_enforce_csrf_checks", False))
            return HttpResponse()

        routes(path("", view))
        send(request.getfixturevalue(fixture) if fixture else {}, "GET")
        assert found == [marked]

    def test_is_set_for_a_machines_token_that_is_accepted(
        self, send: Any, machine: Headers, clerk_settings: Any, routes: Any, in_kind: Kind
    ) -> None:
        clerk_settings(ACCEPTS_TOKEN="any")
        routes(path("", in_kind(lambda request: HttpResponse(str(get_auth(request).is_authenticated)))))
        assert send(machine).content == b"True"


class TestBelowApiView:
    """REST framework exempts its views from Django's check, so a requirement below it checks itself."""

    @pytest.fixture(autouse=True)
    def view(self, routes: Any, settings: Any) -> None:
        @api_view(["GET", "POST", "DELETE"])
        @require_permission("org:dispatcher:assign_drivers")
        def assign(request: Any) -> Response:
            return Response("assigned")

        assign.cls.authentication_classes = ()  # type: ignore[attr-defined]
        assign.cls.permission_classes = ()  # type: ignore[attr-defined]
        routes(path("", assign))

    @pytest.mark.parametrize("method", ["POST", "DELETE"])
    def test_a_cookie_needs_the_token(
        self, method: str, send: Any, cookies: Headers, with_csrf_cookie: Headers
    ) -> None:
        refused = send(cookies, method)
        assert refused.status_code == 403
        assert refused.json()["clerk_error"]["message"].startswith("Referer checking failed")
        assert send(with_csrf_cookie, method).status_code == 403
        assert send(with_csrf_cookie | WITH_TOKEN, method).status_code == 200
        assert send(cookies, "GET").status_code == 200

    def test_the_header_needs_none(self, send: Any, dispatcher: Headers, cookies: Headers) -> None:
        assert send(dispatcher).status_code == 200
        assert send(dispatcher | cookies).status_code == 200

    def test_who_is_not_allowed_is_refused_first(self, send: Any, admin: Headers) -> None:
        assert send(admin).json()["clerk_error"]["metadata"] == {
            "required": {"permission": "org:dispatcher:assign_drivers"}
        }
        assert send({}).status_code == 401

    def test_a_cookie_needs_the_token_where_django_has_no_csrf_middleware(
        self, send: Any, cookies: Headers, settings: Any
    ) -> None:
        settings.MIDDLEWARE = [m for m in settings.MIDDLEWARE if not m.endswith("CsrfViewMiddleware")]
        assert send(cookies).status_code == 403

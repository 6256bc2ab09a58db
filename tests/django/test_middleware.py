"""`ClerkMiddleware` under both of Django's handlers: who asks, and what becomes of the response."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from asgiref.sync import AsyncToSync, SyncToAsync
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIHandler
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotFound,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import path, re_path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import cache_control, cache_page
from django.views.decorators.vary import vary_on_headers
from django_project.wire import Received, by_asgi

from clerk_middleware import ConfigurationError, NotAuthorized, SessionAuth
from clerk_middleware.local import LocalClerk
from clerk_middleware_django import ClerkAuthRequiredMixin, get_auth, get_session, require_auth
from clerk_middleware_django.middleware import ClerkMiddleware
from clerk_middleware_django.runtime import current

from .conftest import SITE, Asked, Browse

Headers = dict[str, str]
Receive = Callable[..., Received]
Kind = Callable[[Any], Any]

CLERK = "clerk_middleware_django.middleware.ClerkMiddleware"
COMMON = "django.middleware.common.CommonMiddleware"


def who(request: HttpRequest) -> HttpResponse:
    auth = get_auth(request)
    return JsonResponse({"user_id": auth.user_id, "org_id": auth.org_id})


class TestWhoAsks:
    @pytest.mark.parametrize("view", ["/who", "/awho"])
    def test_is_told_by_the_authorization_header(
        self, view: str, browse: Browse, dispatcher: Headers
    ) -> None:
        response: Any = browse(view, headers=dispatcher)
        assert json.loads(response.content) == {"user_id": "user_dev", "org_id": "org_blue_ridge"}

    @pytest.mark.parametrize("view", ["/who", "/awho"])
    def test_is_told_by_a_browsers_cookies(self, view: str, browse: Browse, cookies: Headers) -> None:
        response: Any = browse(view, headers=cookies)
        assert response.json()["user_id"] == "user_dev"

    @pytest.mark.parametrize("view", ["/who", "/awho"])
    def test_may_be_nobody(self, view: str, browse: Browse) -> None:
        response: Any = browse(view)
        assert response.json() == {"user_id": None, "org_id": None}

    def test_is_typed_and_the_same_by_every_name(
        self, browse: Browse, dispatcher: Headers, routes: Any, in_kind: Kind
    ) -> None:
        seen: list[Any] = []

        def view(request: Any) -> HttpResponse:
            seen.extend((request.auth, get_auth(request), get_session(request)))
            return HttpResponse()

        routes(path("", in_kind(view)))
        browse("/", headers=dispatcher)
        assert seen[0] is seen[1]
        assert isinstance(seen[2], SessionAuth)
        assert seen[2].user_id == "user_dev"

    def test_that_must_be_somebody_is_refused_as_signed_out(
        self, browse: Browse, routes: Any, in_kind: Kind
    ) -> None:
        routes(path("", in_kind(lambda request: HttpResponse(get_session(request).user_id))))
        assert browse("/").status_code == 401

    def test_is_not_known_without_the_middleware_and_the_error_says_so(self, rf: Any) -> None:
        with pytest.raises(ConfigurationError, match=rf"did not see this request: add '{re.escape(CLERK)}'"):
            get_auth(rf.get("/"))

    def test_is_nobody_of_clerks_where_another_framework_found_out_somebody_else(
        self, browse: Browse, dispatcher: Headers, routes: Any, in_kind: Kind
    ) -> None:
        def view(request: Any) -> HttpResponse:
            request.auth = "what the API key of Ninja stands for"
            return HttpResponse(str(get_auth(request).user_id))

        routes(path("", in_kind(view)))
        response: Any = browse("/", headers=dispatcher)
        assert response.content == b"None"

    def test_with_an_unfinished_session_is_nobody(
        self, browse: Browse, signed_in: Callable[..., Headers]
    ) -> None:
        response: Any = browse("/who", headers=signed_in(claims={"sts": "pending"}))
        assert response.json()["user_id"] is None

    def test_does_not_outlive_the_token(self, browse: Browse, signed_in: Callable[..., Headers]) -> None:
        response: Any = browse("/who", headers=signed_in(issued_at=1_700_000_000, lifetime=60))
        assert response.json()["user_id"] is None

    def test_must_be_of_this_application(self, browse: Browse, clerk: LocalClerk) -> None:
        token = clerk.issue_session_token("user_dev", azp="https://blog.example.com")
        response: Any = browse("/who", headers={"authorization": f"Bearer {token}"})
        assert response.json()["user_id"] is None

    def test_is_found_from_the_key_set_that_clerk_serves(
        self, browse: Browse, dispatcher: Headers, asked: Asked, clerk_settings: Any
    ) -> None:
        clerk_settings(JWT_KEY=None, API_URL=asked.url)
        response: Any = browse("/who", headers=dispatcher)
        assert response.json()["user_id"] == "user_dev"
        assert asked.paths == ["/v1/jwks"]

    def test_is_nobody_while_the_key_set_cannot_be_had(
        self, browse: Browse, dispatcher: Headers, asked: Asked, clerk_settings: Any
    ) -> None:
        asked.clerk.fail("/jwks", status=500, times=None)
        clerk_settings(JWT_KEY=None, API_URL=asked.url)
        response: Any = browse("/who", headers=dispatcher)
        assert (response.status_code, response.json()["user_id"]) == (200, None)


class TestThreads:
    """No thread hop, whichever handler: what Django does without one still is."""

    @pytest.mark.parametrize(("handler", "kind"), [("asgi", "async"), ("wsgi", "sync")], indirect=["handler"])
    def test_there_is_no_hop(
        self,
        kind: str,
        receive: Receive,
        dispatcher: Headers,
        settings: Any,
        routes: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        hops: list[Any] = []
        for hop in (SyncToAsync, AsyncToSync):
            call: Any = hop.__call__

            def recorded(self: Any, *args: Any, _call: Any = call, **kwargs: Any) -> Any:
                hops.append(self)
                return _call(self, *args, **kwargs)

            monkeypatch.setattr(hop, "__call__", recorded)
        threads: list[int] = []
        hops_on_the_way: list[int] = []

        def view(request: HttpRequest) -> HttpResponse:
            threads.append(threading.get_ident())
            return HttpResponse(get_session(request).user_id)

        async def aview(request: HttpRequest) -> HttpResponse:
            return view(request)

        # The outermost of all: the handler itself hops on its own account, before and after.
        def outermost(get_response: Any) -> Any:
            def inside(request: HttpRequest) -> Any:
                threads.append(threading.get_ident())
                before = len(hops)
                response = get_response(request)
                hops_on_the_way.append(len(hops) - before)
                return response

            async def ainside(request: HttpRequest) -> Any:
                threads.append(threading.get_ident())
                before = len(hops)
                response = await get_response(request)
                hops_on_the_way.append(len(hops) - before)
                return response

            return ainside if kind == "async" else inside

        outermost.sync_capable, outermost.async_capable = kind == "sync", kind == "async"  # type: ignore[attr-defined]
        monkeypatch.setattr("django_project.outermost", outermost, raising=False)
        settings.MIDDLEWARE = ["django_project.outermost", CLERK]
        of_the_kind: Any = aview if kind == "async" else view
        routes(path("", of_the_kind), path("protected", require_auth(of_the_kind)))
        for target in ("/", "/protected"):
            assert receive(target, headers=dispatcher).body == b"user_dev"
            assert (len(threads), len(set(threads)), hops_on_the_way) == (2, 1, [0])
            threads.clear()
            hops_on_the_way.clear()

    def test_an_event_loop_is_not_blocked_by_clerk(
        self, dispatcher: Headers, asked: Asked, clerk_settings: Any, routes: Any
    ) -> None:
        asked.clerk.delay("/jwks", 1.0)
        clerk_settings(JWT_KEY=None, API_URL=asked.url)

        async def view(request: HttpRequest) -> HttpResponse:
            return HttpResponse()

        routes(path("", view))

        async def longest_pause() -> float:
            headers = [
                (b"host", b"app.example.com"),
                (b"authorization", dispatcher["authorization"].encode()),
            ]
            task = asyncio.create_task(by_asgi(ASGIHandler(), "GET", b"/", b"", headers, b"", ""))
            longest = 0.0
            while not task.done():
                began = time.monotonic()
                await asyncio.sleep(0.005)
                longest = max(longest, time.monotonic() - began)
            assert (await task).status == 200
            await current().async_authenticator.aclose()
            return longest

        longest = asyncio.run(longest_pause())
        assert asked.paths == ["/v1/jwks"]
        assert longest < 0.8


class TestAHandshake:
    def test_sends_a_browser_to_clerk_before_any_view(
        self, receive: Receive, in_development: Any, navigation: Headers
    ) -> None:
        response = receive("/who", headers=navigation, query=b"page=2")
        assert (response.status, response.body) == (307, b"")
        assert response.header("cache-control") == "no-store"
        target = urlsplit(response.header("location"))
        assert target.path == "/v1/client/handshake"
        assert parse_qs(target.query)["redirect_url"] == [f"{SITE}/who?page=2"]
        assert response.header("content-type") == "text/plain; charset=utf-8"

    def test_is_not_for_what_no_browser_navigates_to(self, receive: Receive, in_development: Any) -> None:
        response = receive("/who", headers={"accept": "application/json"})
        assert (response.status, response.json()["user_id"]) == (200, None)

    def test_comes_back_with_cookies_and_to_the_url_as_it_was(
        self, receive: Receive, in_development: Any, development: LocalClerk, navigation: Headers
    ) -> None:
        token = development.session_token(development.sign_in("user_dev"), azp=SITE)
        lines = [
            f"__session={token}; Path=/; Domain=app.example.com; Partitioned; Priority=High",
            f"__session={token}; Path=/; Max-Age=315360000; SameSite=Lax; New-Attribute=1",
            "__client_uat=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        ]
        result = development._instance.keys.sign({"handshake": lines})
        response = receive("/who", headers=navigation, query=f"page=2&__clerk_handshake={result}".encode())
        assert response.status == 307
        assert response.header("location") == f"{SITE}/who?page=2"
        assert response.headers("set-cookie") == lines
        assert response.header("cache-control") == "no-store"

    def test_in_production_comes_back_to_the_view(
        self, receive: Receive, clerk: LocalClerk, navigation: Headers
    ) -> None:
        token = clerk.issue_session_token("user_dev", azp=SITE)
        result = clerk._instance.keys.sign({"handshake": [f"__session={token}; Path=/"]})
        response = receive("/who", headers=navigation | {"cookie": f"__clerk_handshake={result}"})
        assert (response.status, response.json()["user_id"]) == (200, "user_dev")
        assert response.headers("set-cookie") == [f"__session={token}; Path=/"]
        assert "no-store" in response.header("cache-control")

    @pytest.mark.parametrize("kind", ["garbage", "stranger's"])
    def test_token_that_does_not_verify_is_a_bad_request(
        self, kind: str, receive: Receive, in_development: Any, clerk: LocalClerk, navigation: Headers
    ) -> None:
        result = "x.y.z" if kind == "garbage" else clerk._instance.keys.sign({"handshake": []})
        response = receive("/who", headers=navigation, query=f"__clerk_handshake={result}".encode())
        assert response.status == 400
        assert response.json()["clerk_error"]["type"] == "handshake-failed"
        assert response.header("cache-control") == "no-store"
        assert result not in response.body.decode()

    @pytest.mark.parametrize(
        ("target", "query", "back"),
        [
            ("/größe/", b"q=%C3%A4", "/gr%C3%B6%C3%9Fe/?q=%C3%A4"),
            ("/größe/", "q=ä".encode(), "/gr%C3%B6%C3%9Fe/?q=%C3%A4"),
            ("/a b/", b"x=1", "/a%20b/?x=1"),
            ("//evil.example/", b"", "//evil.example/"),
            ("/loads?", b"x=%3F", "/loads%3F?x=%3F"),
            ("/", b"", "/"),
        ],
    )
    def test_knows_the_url_to_come_back_to(
        self, target: str, query: bytes, back: str, receive: Receive, in_development: Any, navigation: Headers
    ) -> None:
        response = receive(target, headers=navigation, query=query)
        assert response.status == 307
        (url,) = parse_qs(urlsplit(response.header("location")).query)["redirect_url"]
        assert url == f"{SITE}{back}"


class TestTheUrl:
    """Scheme, host and port are Django's, so that nobody else can say where a sign-in comes back to."""

    @pytest.fixture
    def way_back(
        self, receive: Receive, in_development: Any, navigation: Headers
    ) -> Callable[..., tuple[int, str]]:
        def of(host: str = "app.example.com", **headers: str) -> tuple[int, str]:
            extra = {name.replace("_", "-"): value for name, value in headers.items()}
            response = receive("/who", headers=navigation | extra, host=host)
            location = "".join(response.headers("location"))
            return response.status, "".join(parse_qs(urlsplit(location).query).get("redirect_url", []))

        return of

    def test_is_the_hosts_own(self, way_back: Any) -> None:
        assert way_back() == (307, f"{SITE}/who")

    def test_has_the_port(self, way_back: Any) -> None:
        assert way_back("app.example.com:8443") == (307, "https://app.example.com:8443/who")

    def test_is_not_what_forwarded_headers_claim(self, way_back: Any, settings: Any) -> None:
        settings.ALLOWED_HOSTS = ["*"]
        forged = way_back(
            x_forwarded_host="evil.example", x_forwarded_proto="http", forwarded="host=evil.example"
        )
        assert forged == (307, f"{SITE}/who")

    def test_is_of_the_proxys_host_where_django_is_told_so(self, way_back: Any, settings: Any) -> None:
        settings.USE_X_FORWARDED_HOST = True
        settings.ALLOWED_HOSTS = ["app.example.com"]
        assert way_back("10.0.0.1", x_forwarded_host="app.example.com") == (307, f"{SITE}/who")

    def test_is_refused_for_a_host_that_a_proxy_forwards_but_django_does_not_allow(
        self, way_back: Any, settings: Any
    ) -> None:
        settings.USE_X_FORWARDED_HOST = True
        assert way_back(x_forwarded_host="evil.example") == (400, "")

    def test_is_https_where_the_proxys_header_says_so(
        self, browse: Browse, in_development: Any, navigation: Headers, settings: Any
    ) -> None:
        def scheme(value: str) -> str:
            headers = navigation | {"x-forwarded-proto": value}
            response: Any = browse("/who", headers=headers, secure=False)
            (url,) = parse_qs(urlsplit(response.headers["Location"]).query)["redirect_url"]
            return urlsplit(url).scheme

        assert scheme("https") == "http"
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        assert (scheme("https"), scheme("http")) == ("https", "http")

    @pytest.mark.parametrize(
        "host", ["evil.example", "app.example.com.evil.example", "a@evil.example", "a b"]
    )
    @pytest.mark.parametrize("stack", ["the project's", "Clerk's alone"])
    def test_is_a_bad_request_for_a_host_that_is_not_allowed(
        self, host: str, stack: str, way_back: Any, settings: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        if stack == "Clerk's alone":  # nobody else looks at the host then
            settings.MIDDLEWARE = [CLERK]
        assert way_back(host) == (400, "")
        assert "failed unexpectedly" not in caplog.text

    def test_has_no_query_where_a_server_leaves_that_out(self, rf: Any, dispatcher: Headers) -> None:
        request = rf.get("/", headers=dispatcher)
        del request.META["QUERY_STRING"]  # PEP 3333: may be absent
        answer: Any = ClerkMiddleware(lambda r: HttpResponse(get_session(r).user_id))(request)
        assert answer.content == b"user_dev"


class TestCookiesThatAuthenticatingSets:
    """A refresh: the browser's token has expired, and it gets a new one along with the page."""

    @pytest.fixture(autouse=True)
    def backend(self, asked: Asked, clerk_settings: Any) -> None:
        clerk_settings(API_URL=asked.url)

    def test_go_with_the_page(self, receive: Receive, expired_cookies: Headers, navigation: Headers) -> None:
        response = receive("/who", headers=expired_cookies | navigation)
        assert (response.status, response.json()["user_id"]) == (200, "user_dev")
        names = [line.partition("=")[0] for line in response.headers("set-cookie")]
        assert len(names) > 1
        assert "__session" in names
        assert all("; " in line for line in response.headers("set-cookie"))

    def test_are_none_where_the_token_is_fresh(self, receive: Receive, cookies: Headers) -> None:
        response = receive("/who", headers=cookies)
        assert response.headers("set-cookie") == []
        assert response.headers("cache-control") == []

    @pytest.mark.parametrize(
        "own", ["public, max-age=3600", "public, s-maxage=600, immutable", "private", "no-cache", None]
    )
    def test_are_never_cached(
        self, own: str | None, receive: Receive, expired_cookies: Headers, routes: Any, in_kind: Kind
    ) -> None:
        headers = {"Cache-Control": own} if own else {}
        routes(path("", in_kind(lambda request: HttpResponse(headers=headers))))
        response = receive("/", headers=expired_cookies)
        assert response.headers("set-cookie")
        directives = set(response.header("cache-control").split(", "))
        assert directives == {"max-age=0", "no-cache", "no-store", "must-revalidate", "private"}

    def test_leave_the_views_own(
        self, receive: Receive, expired_cookies: Headers, routes: Any, in_kind: Kind
    ) -> None:
        def view(request: HttpRequest) -> HttpResponse:
            response = HttpResponse()
            response.set_cookie("theme", "dark")
            response.set_cookie("__session", "a view may not", path="/elsewhere")
            return response

        routes(path("", in_kind(view)))
        lines = receive("/", headers=expired_cookies).headers("set-cookie")
        assert "theme=dark; Path=/" in lines
        assert len([line for line in lines if line.startswith("__session=")]) == 2

    @pytest.mark.parametrize("error", [Http404, PermissionDenied, NotAuthorized("no"), ValueError])
    def test_go_with_error_pages(
        self, error: Any, receive: Receive, expired_cookies: Headers, routes: Any, in_kind: Kind
    ) -> None:
        def view(request: HttpRequest) -> HttpResponse:
            raise error

        routes(path("", in_kind(view)))
        response = receive("/", headers=expired_cookies)
        status = {Http404: 404, ValueError: 500}.get(error, 403)
        assert response.status == status
        assert response.headers("set-cookie")
        assert "no-store" in response.header("cache-control")
        assert response.header("vary") == "Authorization, Cookie"

    def test_go_with_the_page_of_a_path_that_does_not_exist(
        self, receive: Receive, expired_cookies: Headers
    ) -> None:
        response = receive("/nowhere", headers=expired_cookies)
        assert response.status == 404
        assert response.headers("set-cookie")

    def test_go_with_a_refusal(
        self, receive: Receive, expired_cookies: Headers, clerk_settings: Any, asked: Asked
    ) -> None:
        refresh = "/sessions/*/refresh"
        asked.clerk.fail(refresh, status=500, times=None)
        clerk_settings(API_URL=asked.url, PROTECTED_ROUTES="/who")
        assert receive("/who", headers=expired_cookies).status == 401
        asked.clerk.recover()
        assert receive("/who", headers=expired_cookies).headers("set-cookie")

    def test_go_with_a_response_that_streams(
        self, receive: Receive, handler: str, expired_cookies: Headers, routes: Any
    ) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for chunk in (b"one ", b"two"):
                yield chunk

        def view(request: HttpRequest) -> StreamingHttpResponse:
            return StreamingHttpResponse(iter([b"one ", b"two"]) if handler == "wsgi" else chunks())

        routes(path("", view))
        response = receive("/", headers=expired_cookies)
        assert response.body == b"one two"
        assert response.headers("set-cookie")
        assert response.header("vary") == "Authorization, Cookie"


class TestCaches:
    """What depends on who asks is shown to nobody else."""

    @pytest.fixture(autouse=True)
    def empty(self, settings: Any) -> Any:
        settings.CACHES = {
            "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "pages"}
        }
        cache.clear()
        yield
        cache.clear()

    @pytest.fixture
    def users(self, clerk: LocalClerk, request: pytest.FixtureRequest) -> dict[str | None, Headers]:
        """Headers of two users' browsers, and of nobody's."""
        now = 1_700_000_000
        found: dict[str | None, Headers] = {None: {}}
        for user in ("user_dev", "user_ada"):
            token = clerk.issue_session_token(user, organization="blue-ridge-freight", azp=SITE)
            found[user] = {"cookie": f"__session={token}; __client_uat={now}"}
        return found

    def shown(self, browse: Browse, users: dict[str | None, Headers]) -> None:
        for _ in range(2):
            for user, headers in users.items():
                response: Any = browse("/", headers=headers)
                if response.status_code == 200:
                    assert response.content == str(user).encode()

    @pytest.mark.parametrize("order", ["outside of", "inside of"])
    def test_the_cache_of_the_whole_site(
        self, order: str, browse: Browse, users: Any, settings: Any, routes: Any, in_kind: Kind
    ) -> None:
        update = "django.middleware.cache.UpdateCacheMiddleware"
        fetch = "django.middleware.cache.FetchFromCacheMiddleware"
        settings.MIDDLEWARE = (
            [update, COMMON, CLERK, fetch] if order == "outside of" else [CLERK, update, COMMON, fetch]
        )
        view = lambda request: HttpResponse(str(get_auth(request).user_id))  # noqa: E731
        routes(path("", in_kind(view if order == "outside of" else require_auth(view))))
        self.shown(browse, users)

    def test_a_page_that_is_cached_outside_of_its_protection(
        self, browse: Browse, users: Any, routes: Any, in_kind: Kind
    ) -> None:
        view = in_kind(lambda request: HttpResponse(get_auth(request).user_id))
        routes(path("", cache_page(60)(require_auth(view))))
        self.shown(browse, users)
        response: Any = browse("/", headers=users["user_dev"])
        assert response.headers["Expires"]  # it was cached, once for each

    def test_a_page_that_is_cached_inside_of_its_protection_is_kept_for_each(
        self, browse: Browse, users: Any, routes: Any, in_kind: Kind
    ) -> None:
        view = in_kind(lambda request: HttpResponse(get_session(request).user_id))
        page = require_auth(cache_page(60)(vary_on_headers("Authorization", "Cookie")(view)))
        routes(path("", page))
        for _ in range(2):
            answers: list[Any] = [browse("/", headers=headers) for headers in users.values()]
            assert [answer.status_code for answer in answers] == [401, 200, 200]
            assert len({answer.content for answer in answers[1:]}) == 2

    def test_a_page_that_is_cached_inside_of_its_protection_for_all_is_refused(
        self, browse: Browse, users: Any, routes: Any, in_kind: Kind
    ) -> None:
        routes(path("", require_auth(cache_page(60)(in_kind(lambda request: HttpResponse("yours"))))))
        signed_in = list(users.values())[1]
        for _ in range(2):
            with pytest.raises(ConfigurationError, match=r"@vary_on_headers\('Authorization', 'Cookie'\)"):
                browse("/", headers=signed_in)

    def test_a_method_that_is_cached_for_all_is_refused(
        self, browse: Browse, users: Any, routes: Any, in_kind: Kind
    ) -> None:
        def get(self: Any, request: HttpRequest) -> HttpResponse:
            return HttpResponse("yours")

        page = type("Page", (ClerkAuthRequiredMixin, View), {"get": method_decorator(cache_page(60))(get)})
        routes(path("", page.as_view()))
        with pytest.raises(ConfigurationError, match="would show one user's page to the next"):
            browse("/", headers=list(users.values())[1])

    def test_a_cache_around_all_is_told_as_before(
        self, browse: Browse, users: Any, routes: Any, in_kind: Kind, settings: Any
    ) -> None:
        settings.MIDDLEWARE = [
            "django.middleware.cache.UpdateCacheMiddleware",
            CLERK,
            "django.middleware.cache.FetchFromCacheMiddleware",
        ]
        routes(path("", require_auth(in_kind(lambda request: HttpResponse(get_session(request).user_id)))))
        first, second = list(users.values())[1:]
        for headers in (first, second, first):
            response: Any = browse("/", headers=headers)
            assert response.headers["Expires"]
        assert browse("/", headers=first).content != browse("/", headers=second).content

    @pytest.mark.parametrize("where", ["page", "site"])
    def test_refreshed_cookies_are_in_no_cache(
        self,
        where: str,
        receive: Receive,
        expired_cookies: Headers,
        asked: Asked,
        clerk_settings: Any,
        settings: Any,
        routes: Any,
        in_kind: Kind,
    ) -> None:
        clerk_settings(API_URL=asked.url)
        view = cache_control(public=True)(in_kind(lambda request: HttpResponse("the same for all")))
        if where == "site":
            settings.MIDDLEWARE = [
                "django.middleware.cache.UpdateCacheMiddleware",
                CLERK,
                "django.middleware.cache.FetchFromCacheMiddleware",
            ]
        routes(path("", cache_page(60)(view) if where == "page" else view))
        assert receive("/", headers=expired_cookies).headers("set-cookie")
        for headers in ({}, expired_cookies):
            assert bool(receive("/", headers=headers).headers("set-cookie")) == bool(headers)

    @pytest.mark.parametrize("own", [None, "Accept-Language", "cookie", "*"])
    def test_are_told_what_a_page_depends_on(
        self, own: str | None, receive: Receive, routes: Any, in_kind: Kind
    ) -> None:
        routes(path("", in_kind(lambda request: HttpResponse(headers={"Vary": own} if own else {}))))
        expected = {
            None: "Authorization, Cookie",
            "Accept-Language": "Accept-Language, Authorization, Cookie",
            "cookie": "cookie, Authorization",
            "*": "*",
        }
        assert receive("/").header("vary") == expected[own]

    def test_are_told_of_a_refusal_too(self, receive: Receive, routes: Any, in_kind: Kind) -> None:
        routes(path("", require_auth(in_kind(lambda request: HttpResponse()))))
        response = receive("/")
        assert response.status == 401
        assert response.header("vary") == "Authorization, Cookie"
        assert response.header("cache-control") == "no-store"


class TestRoutes:
    """PROTECTED_ROUTES and PUBLIC_ROUTES."""

    @pytest.fixture(autouse=True)
    def any_path(self, routes: Any, in_kind: Kind) -> None:
        routes(re_path(r"(?s).*", in_kind(lambda request, *args: HttpResponse("the page"))))

    @pytest.mark.parametrize(
        ("target", "status"),
        [
            ("/teams", 401),
            ("/teams/", 401),
            ("/teams/7", 401),
            ("/TEAMS", 401),
            ("/%74eams".replace("%74", "t"), 401),
            ("//teams", 401),
            ("/x/../teams", 401),
            ("/./teams", 401),
            ("/\\teams", 401),
            ("/teams\n", 401),
            ("/about", 200),
            ("/teamster", 200),
            ("/", 200),
        ],
    )
    def test_that_are_protected(
        self, target: str, status: int, receive: Receive, dispatcher: Headers, clerk_settings: Any
    ) -> None:
        clerk_settings(PROTECTED_ROUTES=["/teams", "/teams/(.*)"])
        assert receive(target).status == status
        assert receive(target, headers=dispatcher).status == 200

    @pytest.mark.parametrize(
        ("target", "status"),
        [("/", 200), ("/about", 200), ("/about/", 200), ("/about/us", 401), ("/x/../about", 401),
         ("/about/../teams", 401), ("/größe", 401), (b"/\xff", 401)],
    )  # fmt: skip
    def test_that_are_public(
        self, target: str, status: int, receive: Receive, dispatcher: Headers, clerk_settings: Any
    ) -> None:
        clerk_settings(PUBLIC_ROUTES=["/", "/about"])
        assert receive(target).status == status
        assert receive(target, headers=dispatcher).status == 200

    def test_below_a_prefix_are_written_with_it_or_without(
        self, receive: Receive, clerk_settings: Any
    ) -> None:
        for pattern in ("/teams", "/app/teams"):
            clerk_settings(PROTECTED_ROUTES=pattern)
            assert receive("/teams", root="/app").status == 401
            assert receive("/about", root="/app").status == 200
        clerk_settings(PUBLIC_ROUTES="/about")
        assert receive("/teams", root="/app").status == 401
        assert receive("/about", root="/app").status == 200

    def test_below_a_prefix_that_django_is_told_of(
        self, receive: Receive, clerk_settings: Any, settings: Any
    ) -> None:
        settings.FORCE_SCRIPT_NAME = "/app"
        clerk_settings(PROTECTED_ROUTES="/teams")
        assert receive("/teams").status == 401

    def test_send_a_browser_to_sign_in_and_never_reach_the_view(
        self, receive: Receive, navigation: Headers, clerk_settings: Any, clerk: LocalClerk
    ) -> None:
        clerk_settings(PROTECTED_ROUTES="/teams", SIGN_IN_URL="https://accounts.example.com/sign-in")
        response = receive("/teams", headers=navigation, query=b"page=2")
        assert response.status == 307
        target = urlsplit(response.header("location"))
        assert (target.netloc, target.path) == ("accounts.example.com", "/sign-in")
        assert parse_qs(target.query)["redirect_url"] == [f"{SITE}/teams?page=2"]
        assert b"the page" not in response.body

    def test_that_do_not_exist_are_no_secret_of_theirs(self, receive: Receive, routes: Any) -> None:
        routes()
        assert receive("/teams").status == 404


class TestARefusalThatAViewRaises:
    def test_is_answered_with_its_message(self, receive: Receive, dispatcher: Headers, routes: Any,
                                          in_kind: Kind) -> None:  # fmt: skip
        def view(request: HttpRequest) -> HttpResponse:
            raise NotAuthorized("This load is another driver's.")

        routes(path("", in_kind(view)))
        response = receive("/", headers=dispatcher)
        assert response.status == 403
        assert response.header("content-type") == "application/json"
        assert response.header("cache-control") == "no-store"
        assert response.header("vary") == "Authorization, Cookie"
        assert response.json() == {
            "clerk_error": {
                "type": "forbidden",
                "reason": "not-authorized",
                "message": "This load is another driver's.",
                "metadata": {"required": {}},
            }
        }

    def test_is_answered_where_a_template_raises_it(
        self, receive: Receive, dispatcher: Headers, routes: Any, in_kind: Kind
    ) -> None:
        from django.template.response import SimpleTemplateResponse

        class Late(SimpleTemplateResponse):
            @property
            def rendered_content(self) -> str:
                raise NotAuthorized("Not this page.")

        routes(path("", in_kind(lambda request: Late("none.html"))))
        assert receive("/", headers=dispatcher).status == 403

    def test_leaves_every_other_exception_to_django(
        self, browse: Browse, dispatcher: Headers, routes: Any, in_kind: Kind
    ) -> None:
        def view(request: HttpRequest) -> HttpResponse:
            raise ZeroDivisionError

        routes(path("", in_kind(view)))
        with pytest.raises(ZeroDivisionError):
            browse("/", headers=dispatcher)


class TestAViewForRefusals:
    """AUTHORIZATION_FAILURE_VIEW, in the way of Django's CSRF_FAILURE_VIEW."""

    @pytest.fixture(autouse=True)
    def pages(self, routes: Any, in_kind: Kind) -> None:
        def raising(request: HttpRequest) -> HttpResponse:
            raise NotAuthorized("Not yours.")

        page = in_kind(lambda request: HttpResponse("the page"))
        routes(
            path("decorated", require_auth(page)), path("raising", in_kind(raising)), path("by-path", page)
        )

    @pytest.fixture(params=["decorated", "raising", "by-path"])
    def refused(self, request: pytest.FixtureRequest, receive: Receive, clerk_settings: Any) -> Any:
        def by(view: Any) -> Received:
            clerk_settings(AUTHORIZATION_FAILURE_VIEW=view, PROTECTED_ROUTES="/by-path")
            return receive(f"/{request.param}")

        return by

    def test_answers(self, refused: Any, in_kind: Kind) -> None:
        response = refused(
            lambda request, error: HttpResponse(f"{error} {request.path}", status=error.status_code)
        )
        assert response.status in (401, 403)
        assert response.body.startswith((b"nobody is signed in", b"Not yours."))
        assert response.header("vary") == "Authorization, Cookie"

    def test_may_be_asynchronous(self, refused: Any) -> None:
        async def view(request: HttpRequest, error: Any) -> HttpResponse:
            return HttpResponse("no", status=418)

        assert refused(view).status == 418

    def test_may_be_named_by_its_path(self, refused: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        refuse: Any = lambda request, error: HttpResponseNotFound("nothing here")  # noqa: E731
        monkeypatch.setattr("django_project.refuse", refuse, raising=False)
        assert refused("django_project.refuse").body == b"nothing here"

    def test_leaves_it_to_the_default_answer_by_returning_none(self, refused: Any) -> None:
        response = refused(lambda request, error: None)
        assert response.status in (401, 403)
        assert response.json()["clerk_error"]["type"] in ("unauthorized", "forbidden")

    def test_may_raise_what_django_has_a_page_for(self, refused: Any) -> None:
        def view(request: HttpRequest, error: Any) -> HttpResponse:
            raise Http404

        assert refused(view).status == 404

    def test_may_raise_the_refusal_on_for_the_default_answer(self, refused: Any) -> None:
        def view(request: HttpRequest, error: Any) -> HttpResponse:
            raise error

        response = refused(view)
        assert response.status in (401, 403)
        assert "clerk_error" in response.json()


class TestHostileHeaders:
    """Whatever is sent, there is an answer, and it is nobody's."""

    @pytest.mark.parametrize(
        "pairs",
        [
            [("authorization", "")],
            [("authorization", "Bearer")],
            [("authorization", "Bearer ")],
            [("authorization", "Bearer \x00")],
            [("authorization", "Bearer a.b.c")],
            [("authorization", b"Bearer \xff\xfe\x80")],
            [("authorization", "Bearer ü.ü.ü".encode())],
            [("authorization", "Bearer " + "a" * 65536)],
            [("authorization", "Bearer " + "." * 65536)],
            [("authorization", "Basic dXNlcjpwYXNz")],
            [("authorization", "Bearer a.b.c"), ("authorization", "Bearer d.e.f")],
            [("cookie", "")],
            [("cookie", ";;;=;=; =x")],
            [("cookie", "__session=")],
            [("cookie", "__session=\x00; __client_uat=\x00")],
            [("cookie", b"__session=\xff\xfe; __client_uat=\xff")],
            [("cookie", "__session=a.b.c; __client_uat=99999999999999999999999999")],
            [("cookie", "__session=a.b.c; __client_uat=-1")],
            [("cookie", "__session=" + "x" * 65536)],
            [("cookie", "__session=%FF%FE%00; __client_uat=1")],
            [("cookie", "__session=a.b.c"), ("cookie", "__session=d.e.f; __client_uat=1")],
            [("cookie", "__clerk_handshake=a.b.c")],
            [("cookie", "__clerk_db_jwt=\x00\x01")],
            [("accept", b"\xff\xff"), ("sec-fetch-dest", b"\xff"), ("user-agent", b"\x00")],
            [("origin", "null"), ("referer", "http://[::1"), ("x-forwarded-host", "a\x00b")],
        ],
        ids=str,
    )
    @pytest.mark.parametrize("instance", ["production", "development"])
    def test_are_answered(
        self, pairs: Any, instance: str, receive: Receive, request: pytest.FixtureRequest,
        navigation: Headers, caplog: pytest.LogCaptureFixture,
    ) -> None:  # fmt: skip
        if instance == "development":
            request.getfixturevalue("in_development")
        for extra in ([], list(navigation.items())):
            response = receive("/who", headers=[*pairs, *extra])
            assert response.status in (200, 307, 400)
            if response.status == 200:
                assert response.json()["user_id"] is None
        assert "failed unexpectedly" not in caplog.text

    def test_of_which_the_second_authorization_does_not_sign_in(
        self, receive: Receive, dispatcher: Headers, admin: Headers
    ) -> None:
        pairs = [("authorization", dispatcher["authorization"]), ("authorization", admin["authorization"])]
        assert receive("/who", headers=pairs).json()["user_id"] is None

    @pytest.mark.parametrize("query", [b"\xff\xfe", b"__clerk_handshake=%FF", b"__clerk_handshake_nonce=%00",
                                       b"%", b"__clerk_db_jwt=\xff", b"a=" + b"b" * 65536])  # fmt: skip
    @pytest.mark.parametrize("instance", ["production", "development"])
    def test_with_hostile_queries_too(
        self, query: bytes, instance: str, receive: Receive, navigation: Headers,
        request: pytest.FixtureRequest, asked: Asked, in_development: Any, clerk_settings: Any,
    ) -> None:  # fmt: skip
        (in_development if instance == "development" else clerk_settings)(API_URL=asked.url)
        assert receive("/who", headers=navigation, query=query).status in (200, 307, 400)

    @pytest.mark.parametrize("target", [b"/\xff\xfe", b"/\x00", "/\ud7ff".encode(), b"", b"*", b"/%"])
    def test_with_hostile_paths_too(
        self, target: bytes, receive: Receive, navigation: Headers, clerk_settings: Any
    ) -> None:
        clerk_settings(PROTECTED_ROUTES="/teams(.*)")
        assert receive(target, headers=navigation).status in (200, 307, 400, 404)

"""The Frontend API proxy in Django: before authentication, streamed, and not spoilt by other middleware."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import os
import socket
import threading
import time
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
from asgiref.sync import async_to_sync, markcoroutinefunction
from django.conf import settings as django_settings
from django.core.exceptions import RequestAborted
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory
from django.urls import path
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from clerk_middleware import CSP, ClerkConfig, ClerkError, ClerkRequest
from clerk_middleware.local import LocalClerk
from clerk_middleware_django.asgi_exchange import Exchange
from clerk_middleware_django.proxy import frontend_api_proxy
from clerk_middleware_django.runtime import current
from clerk_middleware_django.test import AsyncClerkClient, ClerkClient

from ..frontend_api import PATIENCE, FrontendAPI, served_frontend_api, serving
from ..gunicorn_server import gunicorn, needs_gunicorn
from .conftest import Browse, served

Receive = Callable[..., Any]

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def _frontend_api() -> Iterator[FrontendAPI]:
    with served_frontend_api() as api:
        yield api


@pytest.fixture
def frontend_api(_frontend_api: FrontendAPI, clerk_settings: Any) -> FrontendAPI:
    _frontend_api.forget()
    clerk_settings(FRONTEND_API_PROXY=True, FAPI_URL=_frontend_api.url)
    return _frontend_api


class Synchronous:
    """A middleware that is not asynchronous: where it is inside of `ClerkMiddleware`, that isn't either."""

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)


class Asynchronous(Synchronous):
    """The contrary."""

    sync_capable, async_capable = False, True

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> Any:
        return await self.get_response(request)


class Reading(Synchronous):
    """Reads the body before anybody else does."""

    def __call__(self, request: HttpRequest) -> Any:
        assert request.body
        return self.get_response(request)


class Failing(Synchronous):
    """Fails, with an answer in its hands."""

    def __call__(self, request: HttpRequest) -> Any:
        self.get_response(request)
        raise LookupError("another middleware's")


class Noticing(Asynchronous):
    """Says when it is cancelled, or has an answer."""

    is_over = threading.Event()

    async def __call__(self, request: HttpRequest) -> Any:
        try:
            return await self.get_response(request)
        finally:
            self.is_over.set()


class Dawdling(Synchronous):
    """Has an answer in its hands, and does not hand it on before its client is gone."""

    has_answer = threading.Event()

    def __call__(self, request: HttpRequest) -> Any:
        answer = self.get_response(request)
        self.has_answer.set()
        assert Noticing.is_over.wait(PATIENCE)
        return answer


class DawdlingAsynchronously(Asynchronous):
    """The same, until Django cancels it."""

    async def __call__(self, request: HttpRequest) -> Any:
        answer = await self.get_response(request)
        Dawdling.has_answer.set()
        await asyncio.sleep(PATIENCE)
        return answer


class Peeking(Asynchronous):
    """Has the body in memory, so that there is no file of it any more."""

    async def __call__(self, request: HttpRequest) -> Any:
        assert request.body == b""
        return await self.get_response(request)


class Keeping(Asynchronous):
    """Keeps the answer where others find it."""

    async def __call__(self, request: HttpRequest) -> Any:
        given: Any = request
        given.answer = await self.get_response(request)
        return given.answer


def other(request: HttpRequest, **_: Any) -> HttpResponse:
    return HttpResponse("the project's own")


@pytest.fixture(params=["", "Synchronous", "Asynchronous"])
def chain(request: pytest.FixtureRequest, settings: Any) -> None:
    """With each kind of what may be inside of `ClerkMiddleware`."""
    if request.param:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.{request.param}"]


@pytest.mark.usefixtures("chain")
class TestARequest:
    @pytest.mark.parametrize("size", [3, 300_000])
    def test_reaches_the_frontend_api_as_it_is(
        self, frontend_api: FrontendAPI, receive: Receive, size: int
    ) -> None:
        body = b"x" * size
        headers = {"content-type": "text/plain", "content-length": str(size), "x-own": "yes"}
        answer = receive("/__clerk/v1/asked", "POST", headers, query=b"a=%20b", body=body)
        assert answer.status == 200
        told = answer.json()
        assert (told["method"], told["query"], told["size"]) == ("POST", "a=%20b", size)
        assert told["sha256"] == hashlib.sha256(body).hexdigest()
        assert frontend_api.headers["x-own"] == "yes"
        assert frontend_api.headers["clerk-proxy-url"] == "https://app.example.com/__clerk"
        assert frontend_api.headers["clerk-secret-key"] == django_settings.CLERK["SECRET_KEY"]
        assert answer.headers("x-clerk") == ["yes"]
        assert len(answer.headers("content-type")) == 1

    def test_gets_several_cookies_as_several(self, frontend_api: FrontendAPI, receive: Receive) -> None:
        answer = receive("/__clerk/v1/client/handshake")
        assert answer.status == 307
        assert [line.partition(";")[0] for line in answer.headers("set-cookie")] == [
            "__client=one",
            "__client_uat=2",
        ]
        assert answer.header("location").endswith("/__clerk/v1/client/verify")

    def test_that_is_refused_says_why(self, frontend_api: FrontendAPI, receive: Receive) -> None:
        answer = receive("/__clerk/v1//evil.example")
        assert answer.status == 400
        assert answer.json()["errors"][0]["code"] == "proxy_path_mismatch"

    def test_that_nobody_answers_is_answered(self, clerk_settings: Any, receive: Receive) -> None:
        clerk_settings(FRONTEND_API_PROXY=True, FAPI_URL="http://127.0.0.1:1")
        answer = receive("/__clerk/v1/asked")
        assert answer.status == 502
        assert answer.json()["errors"][0]["code"] == "proxy_request_failed"


class TestBeforeAllElse:
    def test_nobody_has_to_be_signed_in(
        self, frontend_api: FrontendAPI, clerk_settings: Any, receive: Receive
    ) -> None:
        clerk_settings(FRONTEND_API_PROXY=True, FAPI_URL=frontend_api.url, PROTECTED_ROUTES="/(.*)")
        assert receive("/__clerk/v1/asked").status == 200
        assert receive("/who").status == 401

    def test_no_handshake_comes_of_it(
        self, frontend_api: FrontendAPI, in_development: Any, receive: Receive
    ) -> None:
        in_development(FRONTEND_API_PROXY=True, FAPI_URL=frontend_api.url)
        browser = {"accept": "text/html", "sec-fetch-dest": "document"}
        assert receive("/who", headers=browser).status == 307
        assert receive("/__clerk/v1/asked", headers=browser).status == 200

    def test_no_token_against_forgery_is_needed(self, frontend_api: FrontendAPI, browse: Browse) -> None:
        assert browse("/__clerk/v1/asked", "POST", enforce_csrf_checks=True).status_code == 200

    def test_a_host_that_is_not_allowed_is_refused(self, frontend_api: FrontendAPI, receive: Receive) -> None:
        assert receive("/__clerk/v1/asked", host="evil.example").status == 400
        assert frontend_api.headers == {}

    def test_all_else_is_the_projects(self, frontend_api: FrontendAPI, receive: Receive) -> None:
        assert receive("/who").json() == {"user_id": None, "org_id": None}
        assert receive("/__clerkish").status == 404

    def test_it_is_off_by_default(self, receive: Receive) -> None:
        assert receive("/__clerk/v1/asked").status == 404

    def test_it_may_depend_on_the_request(
        self, frontend_api: FrontendAPI, config: Any, settings: Any, receive: Receive
    ) -> None:
        with_proxy = config(frontend_api_proxy=True, fapi_url=frontend_api.url)
        asked: list[str] = []

        def choose(request: Any) -> ClerkConfig:
            asked.append(request.url.path)
            return with_proxy if request.header("x-own") else config()  # type: ignore[no-any-return]

        settings.CLERK = {"CONFIG": choose}
        assert receive("/__clerk/v1/asked", headers={"x-own": "yes"}).status == 200
        assert receive("/__clerk/v1/asked").status == 404
        assert asked == ["/__clerk/v1/asked"] * 2


class TestURLs:
    def test_the_scheme_is_djangos(self, frontend_api: FrontendAPI, settings: Any, receive: Receive) -> None:
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
        receive("/__clerk/v1/asked", headers={"x-forwarded-proto": "http"})
        assert frontend_api.headers["clerk-proxy-url"] == "http://app.example.com/__clerk"

    def test_a_mount_is_part_of_the_path(
        self, frontend_api: FrontendAPI, clerk_settings: Any, receive: Receive
    ) -> None:
        clerk_settings(FRONTEND_API_PROXY="/app/__clerk", FAPI_URL=frontend_api.url)
        assert receive("/__clerk/v1/asked", root="/app").status == 200
        assert frontend_api.headers["clerk-proxy-url"] == "https://app.example.com/app/__clerk"
        assert receive("/__clerk/v1/asked").status == 404

    @pytest.mark.parametrize("handler", ["wsgi"])
    def test_a_path_that_is_put_before_is_too(
        self, frontend_api: FrontendAPI, clerk_settings: Any, settings: Any, receive: Receive
    ) -> None:
        settings.FORCE_SCRIPT_NAME = "/app"
        clerk_settings(FRONTEND_API_PROXY="/app/__clerk", FAPI_URL=frontend_api.url)
        assert receive("/__clerk/v1/asked").status == 200

    def test_what_was_sent_counts_as_well(
        self, frontend_api: FrontendAPI, settings: Any, receive: Receive
    ) -> None:
        settings.FORCE_SCRIPT_NAME = "/app"
        assert receive("/__clerk/v1/asked").status == 200


class TestOtherMiddleware:
    def test_a_404_of_clerks_is_no_redirect(
        self, frontend_api: FrontendAPI, routes: Any, receive: Receive
    ) -> None:
        routes(path("<path:anything>/", other))
        assert receive("/elsewhere").status == 301
        assert receive("/__clerk/v1/missing").status == 404

    def test_compression_is_clerks(self, frontend_api: FrontendAPI, settings: Any, receive: Receive) -> None:
        settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", *settings.MIDDLEWARE]
        headers = {"accept-encoding": "gzip"}
        answer = receive("/__clerk/v1/asked", headers=headers, query=b"a=" + b"x" * 500)
        assert answer.json()["method"] == "GET"
        assert answer.headers("content-encoding") == []
        assert frontend_api.headers["accept-encoding"] == "gzip"
        assert len(receive("/__clerk/v1/zipped", headers=headers).body) < 200

    def test_a_session_of_djangos_goes_along(
        self, frontend_api: FrontendAPI, settings: Any, receive: Receive
    ) -> None:
        settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
        settings.MIDDLEWARE = [*settings.MIDDLEWARE[:2], f"{__name__}.Remembering", *settings.MIDDLEWARE[2:]]
        cookies = receive("/__clerk/v1/client/handshake").headers("set-cookie")
        assert [line.partition("=")[0] for line in cookies] == ["__client", "__client_uat", "sessionid"]

    def test_a_policy_is_not_put_on_clerks_answers(
        self, frontend_api: FrontendAPI, clerk_settings: Any, receive: Receive
    ) -> None:
        clerk_settings(
            FRONTEND_API_PROXY=True, FAPI_URL=frontend_api.url, CONTENT_SECURITY_POLICY=CSP(strict=True)
        )
        assert receive("/__clerk/v1/asked").headers("content-security-policy") == []
        assert receive("/__clerk/v1/asked").headers("vary") == []

    def test_a_body_that_was_read_before_still_arrives(
        self, frontend_api: FrontendAPI, settings: Any, receive: Receive
    ) -> None:
        settings.MIDDLEWARE = [f"{__name__}.Reading", *settings.MIDDLEWARE]
        headers = {"content-length": "5"}
        assert receive("/__clerk/v1/asked", "POST", headers, body=b"hello").json()["size"] == 5


class Remembering(Synchronous):
    def __call__(self, request: HttpRequest) -> Any:
        request.session["cart"] = "lorry"
        return self.get_response(request)


class TestView:
    @pytest.fixture(autouse=True)
    def _view(self, frontend_api: FrontendAPI, routes: Any, settings: Any) -> None:
        routes(path("__clerk/<path:path>", frontend_api_proxy), path("deep/<path:path>", frontend_api_proxy))
        settings.MIDDLEWARE = [
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.auth.middleware.LoginRequiredMiddleware",
        ]

    def test_it_does_the_same(self, receive: Receive) -> None:
        body = b"y" * 100_000
        headers = {"content-length": str(len(body))}
        assert receive("/__clerk/v1/asked", "POST", headers, body=body).json()["size"] == len(body)

    def test_it_says_where_it_should_be(self, receive: Receive) -> None:
        answer = receive("/deep/v1/asked")
        assert answer.status == 400
        assert "'/__clerk'" in answer.json()["errors"][0]["message"]

    def test_it_says_that_it_is_off(self, clerk_settings: Any, receive: Receive) -> None:
        clerk_settings()
        answer = receive("/__clerk/v1/asked")
        assert answer.status == 500
        assert answer.json()["errors"][0]["code"] == "proxy_configuration_error"


class Upstream:
    """A Frontend API whose answer does not end, or breaks off; it tells when nobody listens any more."""

    def __init__(self) -> None:
        self.url = ""
        self.was_left = threading.Event()
        self.app = Starlette(routes=[Route("/v1/endless", self.endless), Route("/v1/broken", self.broken)])

    async def endless(self, request: Request) -> Response:
        async def parts() -> AsyncIterator[str]:
            try:
                yield "first"
                await anyio.sleep(PATIENCE)
            finally:
                self.was_left.set()

        return StreamingResponse(parts())

    async def broken(self, request: Request) -> Response:
        async def parts() -> AsyncIterator[str]:
            yield "first"

        return StreamingResponse(parts(), headers={"content-length": "100"})


@pytest.fixture
def upstream(clerk_settings: Any) -> Iterator[Upstream]:
    upstream = Upstream()
    with serving(upstream.app) as url:
        clerk_settings(FRONTEND_API_PROXY=True, FAPI_URL=url)
        yield upstream


@contextmanager
def left_early(upstream: Upstream, settings: Any, outside: list[str]) -> Iterator[None]:
    """After a client has left while the middleware *outside* still has the answer."""
    settings.MIDDLEWARE = [*(f"{__name__}.{name}" for name in outside), *settings.MIDDLEWARE]
    Dawdling.has_answer.clear()
    Noticing.is_over.clear()
    with served() as url:
        address = urlsplit(url)
        with socket.create_connection((address.hostname, address.port)) as client:
            client.sendall(b"GET /__clerk/v1/endless HTTP/1.1\r\nHost: testserver\r\n\r\n")
            assert Dawdling.has_answer.wait(PATIENCE)
            assert not upstream.was_left.is_set()
        yield


@contextmanager
def without_collections() -> Iterator[None]:
    """What has to be done at once may not be done by chance."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class TestEnds:
    @pytest.mark.usefixtures("chain")
    def test_the_client_that_goes_away_is_told_to_clerk(self, upstream: Upstream) -> None:
        with (
            served() as url,
            httpx.stream("GET", f"{url}/__clerk/v1/endless", headers={"host": "testserver"}) as answer,
        ):
            parts = answer.iter_text()  # which closes the connection as soon as it is forgotten
            assert next(parts) == "first"
            assert not upstream.was_left.is_set()
            answer.close()
            assert upstream.was_left.wait(PATIENCE)

    @pytest.mark.parametrize(
        "outside",
        [
            ["Noticing", "Dawdling"],
            ["Noticing", "DawdlingAsynchronously"],
            ["Synchronous", "DawdlingAsynchronously"],
            ["DawdlingAsynchronously", "Keeping"],
            ["Synchronous", "DawdlingAsynchronously", "Keeping"],
            ["Noticing", "Dawdling", "Peeking"],
            ["Synchronous", "DawdlingAsynchronously", "Peeking"],
        ],
        ids=" ".join,
    )
    def test_a_client_that_goes_away_before_the_answer_is_told_to_clerk_too(
        self, upstream: Upstream, settings: Any, outside: list[str]
    ) -> None:
        """Django forgets the answer then, without closing it."""
        with without_collections(), left_early(upstream, settings, outside):
            assert upstream.was_left.wait(PATIENCE / 4)

    def test_an_answer_that_leads_to_itself_is_given_up_with_a_collection(
        self, upstream: Upstream, settings: Any
    ) -> None:
        with (
            without_collections(),
            left_early(upstream, settings, ["Noticing", "Dawdling", "Keeping", "Peeking"]),
        ):
            give_up = time.monotonic() + PATIENCE / 4
            while not upstream.was_left.wait(0.05):
                assert time.monotonic() < give_up
                gc.collect()

    def test_an_answer_that_nobody_sends_is_given_up(
        self, upstream: Upstream, settings: Any, browse: Browse
    ) -> None:
        settings.MIDDLEWARE = [f"{__name__}.Failing", *settings.MIDDLEWARE]
        assert browse("/__clerk/v1/endless", raise_request_exception=False).status_code == 500
        assert upstream.was_left.wait(PATIENCE)

    @pytest.mark.usefixtures("chain")
    def test_a_server_that_stops_leaves_it(self, upstream: Upstream) -> None:
        with ExitStack() as server:
            url = server.enter_context(served())
            headers = {"host": "testserver"}
            with httpx.stream(
                "GET", f"{url}/__clerk/v1/endless", headers=headers, timeout=PATIENCE
            ) as answer:
                parts = answer.iter_text()
                assert next(parts) == "first"
                server.close()
                assert upstream.was_left.wait(PATIENCE)
                with pytest.raises(httpx.RemoteProtocolError):
                    next(parts)

    @pytest.mark.usefixtures("chain")
    def test_a_broken_answer_does_not_end_as_if_it_were_whole(self, upstream: Upstream) -> None:
        with served() as url, pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"{url}/__clerk/v1/broken", headers={"host": "testserver"})

    def test_new_settings_close_the_connections_of_the_old(
        self, frontend_api: FrontendAPI, clerk_settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed: list[object] = []
        proxy = current().proxy
        monkeypatch.setattr(type(proxy), "close", lambda self: closed.append(self))
        clerk_settings()
        assert closed == [proxy]


class Waiting:
    """In the place of a proxy: says nothing until the client is gone."""

    def __init__(self, *, says_nothing: bool = False) -> None:
        self.says_nothing = says_nothing
        self.received: list[str] = []

    async def forward(self, scope: Any, receive: Any, send: Any, request: Any) -> None:
        while not self.says_nothing and "http.disconnect" not in self.received:
            self.received.append((await receive())["type"])


class TestWithoutAnAnswer:
    def exchange(self, proxy: Any) -> Exchange:
        request = AsyncRequestFactory().get("/__clerk/v1/asked")
        return Exchange(proxy, request, ClerkRequest("GET", "https://app.example.com/"))

    def test_who_waits_for_it_and_goes_ends_the_request(self) -> None:
        proxy = Waiting()

        async def leave() -> Exchange:
            exchange = self.exchange(proxy)
            waiting = asyncio.create_task(exchange.start())
            await asyncio.sleep(0.01)
            waiting.cancel()
            await asyncio.wait([waiting], timeout=PATIENCE)
            assert waiting.cancelled()
            await asyncio.wait([exchange._task], timeout=PATIENCE)
            return exchange

        exchange = asyncio.run(leave())
        assert proxy.received == ["http.request", "http.disconnect"]
        exchange.close()  # without an event loop there is nothing left to close

    def test_what_nobody_takes_is_not_asked_for(self) -> None:
        sent: list[int] = []

        class Eager:
            async def forward(self, scope: Any, receive: Any, send: Any, request: Any) -> None:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                for number in range(10):
                    sent.append(number)
                    await send({"type": "http.response.body", "body": b"%d" % number, "more_body": True})

        async def take_two() -> None:
            answer = await self.exchange(Eager()).start()
            assert [await anext(answer) for _ in range(2)] == [b"0", b"1"]
            await asyncio.sleep(0.01)
            assert len(sent) <= 3
            assert b"".join([part async for part in answer]) == b"23456789"

        asyncio.run(take_two())

    def test_one_that_is_broken_off_does_not_end_as_if_it_were_whole(self) -> None:
        class Slow:
            async def forward(self, scope: Any, receive: Any, send: Any, request: Any) -> None:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await asyncio.sleep(PATIENCE)

        async def break_off() -> None:
            exchange = self.exchange(Slow())
            answer = await exchange.start()
            exchange._task.cancel()  # as event loops do when they end
            with pytest.raises(ClerkError, match="was broken off"):
                await anext(answer)

        asyncio.run(break_off())

    def test_a_failure_keeps_nothing_of_the_request(self) -> None:
        class Asked:
            """What is asked of Clerk has the secret key in it."""

        known: list[weakref.ref[Asked]] = []

        class Failing:
            async def forward(self, scope: Any, receive: Any, send: Any, request: Any) -> None:
                asked = Asked()
                known.append(weakref.ref(asked))
                await send({"type": "http.response.start", "status": 200, "headers": []})
                raise ClerkError("the answer broke off")

        async def fail() -> None:
            answer = await self.exchange(Failing()).start()
            with suppress(ClerkError):
                await anext(answer)

        with without_collections():
            asyncio.run(fail())
            assert known[0]() is None

    def test_there_is_none_to_send(self) -> None:
        async def start() -> None:
            await self.exchange(Waiting(says_nothing=True)).start()

        with pytest.raises(RequestAborted):
            asyncio.run(start())


@pytest.mark.parametrize("kind", [ClerkClient, AsyncClerkClient])
def test_a_client_in_tests_asks_nobody(frontend_api: FrontendAPI, kind: Any) -> None:
    client = kind()
    ask = client.get if kind is ClerkClient else async_to_sync(client.get)
    assert ask("/__clerk/v1/asked").status_code == 404
    assert frontend_api.headers == {}


@needs_gunicorn
def test_gunicorn_sends_events_as_they_come(
    frontend_api: FrontendAPI, clerk: LocalClerk, tmp_path: Path
) -> None:
    environment = {
        "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])]),
        "CLERK_PUBLISHABLE_KEY": clerk.publishable_key,
        "CLERK_SECRET_KEY": clerk.secret_key,
        "CLERK_FRONTEND_API_PROXY": "/__clerk",
        "CLERK_FAPI_URL": frontend_api.url,
    }
    threads = "--worker-class=gthread"
    with gunicorn("django_project.served:wsgi", threads, folder=tmp_path, environment=environment) as server:
        _expect_events(server.url, frontend_api)


def test_uvicorn_sends_events_as_they_come(frontend_api: FrontendAPI, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", *settings.MIDDLEWARE]
    with served() as url:
        _expect_events(url, frontend_api)


def _expect_events(url: str, frontend_api: FrontendAPI) -> None:
    body = b"z" * 3_000_000
    with httpx.Client(base_url=url, timeout=PATIENCE, headers={"accept-encoding": "gzip"}) as client:
        with client.stream("GET", "/__clerk/v1/events") as answer:
            parts = answer.iter_text()
            assert "first" in next(parts)
            frontend_api.first_event_was_taken.set()
            assert "second" in "".join(parts)
        told = client.post("/__clerk/v1/asked", content=body).json()
        assert (told["size"], told["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())

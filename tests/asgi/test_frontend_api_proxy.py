"""The Frontend API proxy by ASGI: before authentication, on any event loop, and with no leak."""

from __future__ import annotations

import asyncio
import gc
import gzip
from collections.abc import Iterator
from typing import Any

import anyio.lowlevel
import anyio.to_thread
import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from clerk_middleware import ClerkConfig, ClerkRequest, FrontendAPIProxy
from clerk_middleware.asgi import ClerkMiddleware
from clerk_middleware.proxy import capacity, leftovers
from clerk_middleware.proxy.asgi import ASGIProxy

from ..misbehaving_upstream import LONG, Upstream, misbehaving
from ..proxied import SECRET_KEY, FrontendAPI, Reply, by_asgi, configured

HEADERS = [(b"host", b"app.example.com")]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with misbehaving() as upstream:
        yield upstream


def scope_of(path: str, **other: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": HEADERS,
        "client": ("203.0.113.9", 50000),
        **other,
    }


class Client:
    """A client of an application, who may leave."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.has_asked = False
        self.has_left = anyio.Event()
        self.is_answered = anyio.Event()

    async def receive(self) -> Any:
        if not self.has_asked:
            self.has_asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.has_left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        if message.get("body"):
            self.is_answered.set()

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    async def ask(self, app: Any, path: str) -> Any:
        with anyio.fail_after(LONG):
            await app(scope_of(path), self.receive, self.send)
        return self.sent[0]["status"] if self.sent else None


async def nobody(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("the application was asked")


# --- In the middleware ---------------------------------------------------------------------------------


def test_comes_before_authentication_and_asks_for_the_configuration_once(
    upstream: Upstream, every_backend: str
) -> None:
    asked: list[ClerkRequest] = []

    def find(request: ClerkRequest) -> ClerkConfig:
        asked.append(request)
        return configured(fapi_url=upstream.url)

    async def main() -> None:
        app, client = ClerkMiddleware(nobody, find, protected_routes="/(.*)"), Client()
        assert await client.ask(app, "/__clerk/v1/fine") == 200
        assert client.body == b"fine"
        names = [name for name, _ in client.sent[0]["headers"]]
        assert names == [b"content-length"]  # nothing of the application's, and no policy
        await app._proxy.aclose()

    anyio.run(main, backend=every_backend)
    assert len(asked) == 1
    assert upstream.last("/v1/fine").all("clerk-secret-key") == [SECRET_KEY]


def test_other_paths_are_the_applications(config: Any, request_to: Any, responding: Any) -> None:
    app = ClerkMiddleware(responding(), config(frontend_api_proxy=True))
    for path in ("/", "/__clerkish", "/x/__clerk/v1"):
        assert asyncio.run(request_to(app, path)).body == b"fine"


def test_a_websocket_is_the_applications(config: Any, request_to: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.close"})

    guarded = ClerkMiddleware(app, config(frontend_api_proxy=True))
    assert asyncio.run(request_to(guarded, "/__clerk/v1", websocket=True)).kinds == ["websocket.close"]


def test_compression_is_not_doubled(client_of: Any) -> None:
    compressed = gzip.compress(b"fine" * 1000)
    api = FrontendAPI(Reply(200, [("Content-Encoding", "gzip")], [compressed]))
    app = Starlette(middleware=[Middleware(GZipMiddleware), Middleware(ClerkMiddleware, configured())])
    client = client_of(app)
    clerk = app.middleware_stack.app.app  # type: ignore[union-attr]
    assert isinstance(clerk, ClerkMiddleware)
    clerk._proxy = ASGIProxy(configured(), transport=api)
    response = client.get("/__clerk/v1", headers={"accept-encoding": "gzip"})
    assert response.headers.get_list("content-encoding") == ["gzip"]
    assert response.text == "fine" * 1000


def test_the_end_of_the_application_closes_its_connections(upstream: Upstream, every_backend: str) -> None:
    async def main() -> None:
        app, client = ClerkMiddleware(lifespan_only, configured(fapi_url=upstream.url)), Client()
        await client.ask(app, "/__clerk/v1/fine")
        http = app._proxy._clients.current()._client
        assert http is not None
        assert not http.is_closed
        await app({"type": "lifespan"}, client.receive, client.send)
        assert http.is_closed
        assert await Client().ask(app, "/__clerk/v1/fine") == 200  # opens others
        await app._proxy.aclose()

    async def lifespan_only(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "lifespan"

    anyio.run(main, backend=every_backend)
    assert upstream.connections == 2


# --- Event loops and processes -------------------------------------------------------------------------


def test_answers_on_every_event_loop(every_backend: str) -> None:
    reply = Reply(200, [("Content-Length", "8")], [b"half", b"half"])
    answer = by_asgi(configured(), FrontendAPI(reply), backend=every_backend, method="POST", body=[b"x"] * 3)
    assert (answer.status, answer.code if answer.status != 200 else "") == (200, "")
    assert (answer.body, answer.is_complete, reply.is_closed) == (b"halfhalf", True, True)


def test_event_loops_share_no_connection(upstream: Upstream) -> None:
    proxy = ASGIProxy(configured(fapi_url=upstream.url))

    async def ask() -> None:
        assert await Client().ask(proxy, "/__clerk/v1/fine") == 200
        assert await Client().ask(proxy, "/__clerk/v1/fine") == 200
        await proxy.aclose()

    for _ in range(3):
        asyncio.run(ask())
    assert upstream.connections == 3


def test_a_child_has_connections_of_its_own(upstream: Upstream) -> None:
    proxy = ASGIProxy(configured(fapi_url=upstream.url))

    async def ask() -> bool:
        first = proxy._clients.current()
        proxy._clients._process = -1  # as if this were the child of the process that made it
        is_answered = await Client().ask(proxy, "/__clerk/v1/fine") == 200
        is_new = proxy._clients.current() is not first
        await proxy.aclose()
        return is_answered and is_new

    assert asyncio.run(ask())


# --- Clients that leave, and cancelling ----------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/waiting", "/v1/slow-headers", "/v1/slow-body"])
def test_a_client_that_leaves_takes_the_connection_with_it(
    path: str, upstream: Upstream, every_backend: str
) -> None:
    async def main() -> None:
        proxy, client = ASGIProxy(configured(fapi_url=upstream.url)), Client()

        async def leave() -> None:
            assert await anyio.to_thread.run_sync(upstream.was_asked.wait, LONG)
            if path != "/v1/slow-headers":
                await client.is_answered.wait()
            client.has_left.set()

        async with anyio.create_task_group() as group:
            group.start_soon(leave)
            await client.ask(proxy, f"/__clerk{path}")
        left = upstream.last(path).was_left
        assert await anyio.to_thread.run_sync(left.wait, LONG)
        assert (
            not client.sent
            or client.sent[-1]["type"] == "http.response.start"
            or client.sent[-1]["more_body"]
        )
        await proxy.aclose()

    anyio.run(main, backend=every_backend)


@pytest.mark.parametrize("path", ["/v1/waiting", "/v1/slow-headers"])
def test_cancelling_closes_the_connection(path: str, upstream: Upstream, every_backend: str) -> None:
    async def main() -> None:
        proxy, client = ASGIProxy(configured(fapi_url=upstream.url)), Client()
        async with anyio.create_task_group() as group:
            group.start_soon(client.ask, proxy, f"/__clerk{path}")
            assert await anyio.to_thread.run_sync(upstream.was_asked.wait, LONG)
            if path == "/v1/waiting":
                await client.is_answered.wait()
            group.cancel_scope.cancel()
        assert await anyio.to_thread.run_sync(upstream.last(path).was_left.wait, LONG)
        assert await Client().ask(proxy, "/__clerk/v1/fine") == 200
        await proxy.aclose()

    anyio.run(main, backend=every_backend)


def test_an_early_answer_leaves_no_body_behind(upstream: Upstream, every_backend: str) -> None:
    """trio warns of what is left to the collector half read."""
    config = configured(fapi_url=upstream.url)

    async def main() -> None:
        proxy, client = ASGIProxy(config), Client()
        chunk = bytes(100_000)

        async def receive() -> Any:
            await anyio.lowlevel.checkpoint()
            return {"type": "http.request", "body": chunk, "more_body": True}

        headers = [*HEADERS, (b"transfer-encoding", b"chunked")]
        with anyio.fail_after(LONG):
            scope = scope_of("/__clerk/v1/early", method="POST", headers=headers)
            await proxy(scope, receive, client.send)
        assert client.sent[0]["status"] in (413, 502)
        await proxy.aclose()

    anyio.run(main, backend=every_backend)


def test_a_server_that_cannot_say_whether_the_client_is_there_is_no_reason_to_stop(
    upstream: Upstream, every_backend: str
) -> None:
    class Unsure(Client):
        async def receive(self) -> Any:
            raise OSError("no more messages")

    async def main() -> None:
        proxy, client = ASGIProxy(configured(fapi_url=upstream.url)), Unsure()
        await client.ask(proxy, "/__clerk/v1/dripping")
        assert client.body == b"fine"
        await proxy.aclose()

    anyio.run(main, backend=every_backend)


def test_an_error_of_the_servers_is_its_own(every_backend: str) -> None:
    """A task group would have made another of it."""
    reply = Reply()

    async def main() -> None:
        proxy = ASGIProxy(configured(), transport=FrontendAPI(reply))

        async def send(message: Any) -> None:
            raise BrokenPipeError("gone")

        with pytest.raises(BrokenPipeError):
            await proxy(scope_of("/__clerk/v1"), Client().receive, send)
        await proxy.aclose()

    anyio.run(main, backend=every_backend)
    assert reply.is_closed


@pytest.mark.parametrize("fails", [True, False], ids=["fails", "blocks"])
def test_no_generator_is_left_to_the_collector(fails: bool, upstream: Upstream, every_backend: str) -> None:
    """What httpx reads an answer by: trio warns of it, as an error here."""

    async def main() -> None:
        proxy, client = ASGIProxy(configured(fapi_url=upstream.url)), Client()

        async def send(message: Any) -> None:
            if message.get("body"):
                if fails:
                    raise BrokenPipeError
                client.has_left.set()
                await anyio.sleep_forever()

        with anyio.fail_after(LONG):
            if fails:
                with pytest.raises(BrokenPipeError):
                    await proxy(scope_of("/__clerk/v1/waiting"), client.receive, send)
            else:
                await proxy(scope_of("/__clerk/v1/waiting"), client.receive, send)
        assert await anyio.to_thread.run_sync(upstream.last("/v1/waiting").was_left.wait, LONG)
        await proxy.aclose()
        gc.collect()

    anyio.run(main, backend=every_backend)


@pytest.mark.parametrize("size", [1000, 300_000])
def test_a_client_that_leaves_after_its_upload_is_not_waited_for(
    size: int, upstream: Upstream, every_backend: str
) -> None:
    class Uploading(Client):
        async def receive(self) -> Any:
            message = await super().receive()
            return message | {"body": bytes(size)} if "body" in message else message

    async def main() -> None:
        proxy, client = ASGIProxy(configured(fapi_url=upstream.url)), Uploading()
        headers = [*HEADERS, (b"content-length", str(size).encode())]
        scope = scope_of("/__clerk/v1/slow-headers", method="POST", headers=headers)
        with anyio.fail_after(LONG):
            async with anyio.create_task_group() as group:
                group.start_soon(proxy, scope, client.receive, client.send)
                assert await anyio.to_thread.run_sync(upstream.was_asked.wait, LONG)
                assert await anyio.to_thread.run_sync(upstream.asked[0].was_read.wait, LONG)
                client.has_left.set()
        assert await anyio.to_thread.run_sync(upstream.asked[0].was_left.wait, LONG)
        assert client.sent == []
        await proxy.aclose()

    anyio.run(main, backend=every_backend)


# --- How many at once ----------------------------------------------------------------------------------


class Holding(FrontendAPI):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = anyio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self.may_answer.wait()
        return await super().handle_async_request(request)


async def status_of(proxy: ASGIProxy, statuses: list[int]) -> None:
    statuses.append(await Client().ask(proxy, "/__clerk/v1"))


@pytest.fixture
def two_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "MOST_OF_CLIENT", 2)
    monkeypatch.setattr(capacity, "WAITING_OF_CLIENT", 1)


def test_who_is_too_much_waits_or_is_refused(two_places: None, every_backend: str) -> None:
    async def main() -> None:
        api, statuses = Holding(), []
        proxy = ASGIProxy(configured(), transport=api)
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(status_of, proxy, statuses)
            await anyio.wait_all_tasks_blocked()
            client = Client()
            assert await client.ask(proxy, "/__clerk/v1") == 503
            assert (b"retry-after", b"5") in client.sent[0]["headers"]
            assert (b"proxy_request_failed" in client.body, statuses) == (True, [])
            api.may_answer.set()
        assert statuses == [200] * 3
        await status_of(proxy, statuses)
        assert statuses[-1] == 200
        await proxy.aclose()

    anyio.run(main, backend=every_backend)


def test_nobody_waits_for_long(two_places: None, every_backend: str) -> None:
    async def main() -> None:
        api, statuses = Holding(), []
        options = FrontendAPIProxy(connect_timeout_in_ms=30)
        proxy = ASGIProxy(configured(frontend_api_proxy=options), transport=api)
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(status_of, proxy, statuses)
            await anyio.wait_all_tasks_blocked()
            assert await Client().ask(proxy, "/__clerk/v1") == 503
            api.may_answer.set()
        assert (statuses, len(api.asked)) == ([200] * 2, 2)
        await proxy.aclose()

    anyio.run(main, backend=every_backend)


def test_who_leaves_waits_no_more(two_places: None, every_backend: str) -> None:
    async def main() -> None:
        api, statuses = Holding(), []
        proxy = ASGIProxy(configured(), transport=api)
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(status_of, proxy, statuses)
            await anyio.wait_all_tasks_blocked()
            client = Client()
            client.has_left.set()
            assert await client.ask(proxy, "/__clerk/v1") is None
            group.start_soon(status_of, proxy, statuses)  # in its place
            await anyio.wait_all_tasks_blocked()
            api.may_answer.set()
        assert statuses == [200] * 3
        await proxy.aclose()

    anyio.run(main, backend=every_backend)


# --- What follows an answer ----------------------------------------------------------------------------

FOLLOWED = ["two-answers", "two-answers-in-chunks", "no-content-with-body", "not-modified-with-body"]


@pytest.mark.parametrize("name", FOLLOWED)
def test_what_follows_an_answer_is_no_answer(name: str, upstream: Upstream, every_backend: str) -> None:
    async def main() -> None:
        proxy, client = ASGIProxy(configured(fapi_url=upstream.url)), Client()
        await client.ask(proxy, f"/__clerk/v1/{name}")
        assert client.body == (b"fine" if "answers" in name else b"")
        for _ in range(2):
            after = Client()
            await after.ask(proxy, "/__clerk/v1/fine")
            assert after.body == b"fine"
        await proxy.aclose()

    anyio.run(main, backend=every_backend)
    assert upstream.connections == 2  # the second of which was used again


def test_where_that_cannot_be_told_no_connection_is_used_again(
    monkeypatch: pytest.MonkeyPatch, upstream: Upstream, every_backend: str
) -> None:
    """With an httpcore that has its parts elsewhere."""
    monkeypatch.setattr(leftovers, "_WITHIN", ("_elsewhere",))

    async def main() -> None:
        proxy = ASGIProxy(configured(fapi_url=upstream.url))
        for _ in range(3):
            client = Client()
            await client.ask(proxy, "/__clerk/v1/fine")
            assert client.body == b"fine"
        await proxy.aclose()

    anyio.run(main, backend=every_backend)
    assert upstream.connections == 3


def test_slow_uploads_take_up_no_connection(upstream: Upstream) -> None:
    """Each would have one from the others, for as long as its client likes."""
    proxy_options = FrontendAPIProxy(read_timeout_in_ms=5000)

    async def main() -> None:
        proxy = ASGIProxy(configured(fapi_url=upstream.url, frontend_api_proxy=proxy_options))
        slow = Client()

        async def receive() -> Any:
            if slow.has_left.is_set():
                return {"type": "http.disconnect"}
            slow.is_answered.set()
            await slow.has_left.wait()
            return {"type": "http.request", "body": b"x", "more_body": True}

        scope = scope_of("/__clerk/v1/slow", method="POST", headers=[*HEADERS, (b"content-length", b"100")])
        async with anyio.create_task_group() as group:
            group.start_soon(proxy, scope, receive, slow.send)
            await slow.is_answered.wait()
            assert upstream.connections == 0
            slow.has_left.set()
        assert slow.sent == []
        await proxy.aclose()

    asyncio.run(main())


def test_a_cookie_of_one_answer_goes_along_with_no_other(upstream: Upstream) -> None:
    async def main() -> None:
        proxy = ASGIProxy(configured(fapi_url=upstream.url))
        for _ in range(2):
            await Client().ask(proxy, "/__clerk/v1/cookies")
        await proxy.aclose()

    asyncio.run(main())
    assert [asked.all("cookie") for asked in upstream.asked] == [[], []]

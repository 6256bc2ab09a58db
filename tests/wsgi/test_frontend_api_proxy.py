"""The Frontend API proxy by WSGI: before authentication, as PEP 3333 wants it, and with no leak."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from typing import Any

import httpx
import pytest

from clerk_middleware import ClerkConfig, ClerkRequest, FrontendAPIProxy
from clerk_middleware.proxy import capacity, leftovers
from clerk_middleware.proxy.wsgi import WSGIProxy
from clerk_middleware.wsgi import ClerkMiddleware

from ..misbehaving_upstream import LONG, Upstream, misbehaving
from ..proxied import SECRET_KEY, FrontendAPI, Reply, configured


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with misbehaving() as upstream:
        yield upstream


@pytest.fixture
def proxy(upstream: Upstream) -> Iterator[WSGIProxy]:
    proxy = WSGIProxy(configured(fapi_url=upstream.url))
    yield proxy
    proxy.close()


def ignored(status: str, headers: Any, exc_info: Any = None) -> Any:
    """A ``start_response`` where only the body matters."""


def nobody(environ: Any, start_response: Any) -> Any:
    raise AssertionError("the application was asked")


def test_comes_before_authentication_and_asks_for_the_configuration_once(
    upstream: Upstream, request_to: Any
) -> None:
    asked: list[ClerkRequest] = []

    def find(request: ClerkRequest) -> ClerkConfig:
        asked.append(request)
        return configured(fapi_url=upstream.url)

    app = ClerkMiddleware(nobody, find, protected_routes="/(.*)")
    answer = request_to(app, "/__clerk/v1/typed", REMOTE_ADDR="203.0.113.9")
    app._proxy.close()
    assert (answer.status, answer.body) == (200, b"fine")
    assert answer.pairs == [("content-type", "text/plain"), ("content-length", "4")]
    assert len(asked) == 1
    assert upstream.last("/v1/typed").all("clerk-secret-key") == [SECRET_KEY]
    assert upstream.last("/v1/typed").all("x-forwarded-for") == ["203.0.113.9"]


def test_other_paths_are_the_applications(config: Any, request_to: Any, responding: Any) -> None:
    app = ClerkMiddleware(responding(), config(frontend_api_proxy=True))
    for path in ("/", "/__clerkish", "/x/__clerk/v1"):
        assert request_to(app, path).body == b"fine"


@pytest.mark.parametrize(("status", "line"), [(201, "201 Created"), (299, "299 Unknown")])
def test_a_status_has_its_phrase(status: int, line: str, environ_of: Any, serve_once: Any) -> None:
    proxy = WSGIProxy(configured(), transport=FrontendAPI(Reply(status)))
    assert serve_once(proxy, environ_of("/__clerk/v1")).status_line == line
    proxy.close()


def test_what_a_server_refuses_is_closed(environ_of: Any) -> None:
    reply = Reply()
    proxy = WSGIProxy(configured(), transport=FrontendAPI(reply))

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
        raise ValueError("a header of which the server thinks little")

    with pytest.raises(ValueError, match="thinks little"):
        proxy(environ_of("/__clerk/v1"), start_response)
    assert reply.is_closed
    proxy.close()


def test_an_answer_that_nobody_takes_is_closed(proxy: WSGIProxy, upstream: Upstream, environ_of: Any) -> None:
    chunks: Any = proxy(environ_of("/__clerk/v1/waiting"), ignored)
    assert next(chunks) == b"data: 1\n\n"
    chunks.close()
    assert upstream.last("/v1/waiting").was_left.wait(LONG)


def test_an_answer_that_nobody_closes_is_closed_with_the_next_request(
    proxy: WSGIProxy, upstream: Upstream, environ_of: Any, serve_once: Any
) -> None:
    """As asgiref's and Starlette's adapters for WSGI forget to."""
    for _ in range(capacity.MOST_OF_CLIENT + 1):
        chunks: Any = proxy(environ_of("/__clerk/v1/waiting", REMOTE_ADDR="203.0.113.9"), ignored)
        assert next(chunks) == b"data: 1\n\n"
        left = upstream.last("/v1/waiting").was_left
        assert not left.is_set()
        del chunks
    serve_once(proxy, environ_of("/__clerk/v1/fine"))
    assert left.wait(LONG)


def test_an_answer_that_nobody_closes_is_closed_with_the_connections(environ_of: Any) -> None:
    reply = Reply()
    proxy = WSGIProxy(configured(), transport=FrontendAPI(reply))
    assert next(iter(proxy(environ_of("/__clerk/v1"), ignored))) == b"fine"
    assert not reply.is_closed
    proxy.close()
    assert reply.is_closed


def test_of_an_answer_that_was_closed_nothing_is_kept(
    proxy: WSGIProxy, environ_of: Any, serve_once: Any
) -> None:
    assert serve_once(proxy, environ_of("/__clerk/v1/fine")).body == b"fine"
    assert proxy._clients.current().forgotten.empty()


def test_a_collection_while_httpcore_holds_its_lock_waits_for_nothing(
    upstream: Upstream, environ_of: Any, serve_once: Any
) -> None:
    """Closing an answer that nobody has closed, it waited for that very lock: for ever."""
    proxy = WSGIProxy(configured(fapi_url=upstream.url))
    assert serve_once(proxy, environ_of("/__clerk/v1/fine")).status == 200
    transport: Any = proxy._clients.current().open(None)._transport
    pool = transport._pool
    assign = pool._assign_requests_to_connections
    collected: list[int] = []

    def collect_first() -> Any:
        collected.append(gc.collect())
        return assign()

    def ask() -> None:
        chunks: Any = proxy(environ_of("/__clerk/v1/waiting"), ignored)
        next(chunks)
        ring = [chunks]
        ring.append(ring)  # type: ignore[arg-type]  # only a collection finds it
        del chunks, ring
        pool._assign_requests_to_connections = collect_first
        assert serve_once(proxy, environ_of("/__clerk/v1/fine")).status == 200
        del pool._assign_requests_to_connections

    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(LONG)
    assert not asking.is_alive()
    assert collected
    proxy.close()


def test_a_child_has_connections_of_its_own(proxy: WSGIProxy, environ_of: Any, serve_once: Any) -> None:
    assert serve_once(proxy, environ_of("/__clerk/v1/fine")).body == b"fine"
    of_parent = proxy._clients.current()
    proxy._clients._process = -1  # as if this were the child of the process that made it
    assert serve_once(proxy, environ_of("/__clerk/v1/fine")).body == b"fine"
    assert proxy._clients.current() is not of_parent
    of_parent.close()


def test_closing_is_allowed_before_and_twice(upstream: Upstream, environ_of: Any, serve_once: Any) -> None:
    proxy = WSGIProxy(configured(fapi_url=upstream.url))
    proxy.close()
    serve_once(proxy, environ_of("/__clerk/v1/fine"))
    proxy.close()
    proxy.close()
    serve_once(proxy, environ_of("/__clerk/v1/fine"))
    proxy.close()
    assert upstream.connections == 2


def test_closing_beside_requests_fails_none(environ_of: Any, serve_once: Any) -> None:
    """As Django does it, when settings change."""
    proxy = WSGIProxy(configured(), transport=FrontendAPI())
    is_over = Event()

    def ask() -> set[int]:
        statuses = set()
        while not is_over.is_set():
            statuses.add(serve_once(proxy, environ_of("/__clerk/v1")).status)
        return statuses

    with ThreadPoolExecutor(3) as threads:
        asking = [threads.submit(ask) for _ in range(3)]
        for _ in range(100):
            proxy.close()
        is_over.set()
        assert set().union(*(future.result(LONG) for future in asking)) <= {200}
    proxy.close()


def test_one_that_was_closed_meanwhile_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, environ_of: Any, serve_once: Any
) -> None:
    api = FrontendAPI()
    proxy = WSGIProxy(configured(), transport=api)
    proxy._clients.current().open(api).close()
    for_this_request = [proxy._clients.current()] * 2  # its place, and its connection
    proxy._clients.renew()
    current = proxy._clients.current
    monkeypatch.setattr(
        proxy._clients, "current", lambda: for_this_request.pop() if for_this_request else current()
    )
    assert serve_once(proxy, environ_of("/__clerk/v1")).status == 200
    assert len(api.asked) == 1
    proxy.close()


def test_another_error_of_the_transports_is_its_own(environ_of: Any) -> None:
    class Failing(FrontendAPI):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            raise RuntimeError("of its own")

    proxy = WSGIProxy(configured(), transport=Failing())
    with pytest.raises(RuntimeError, match="of its own"):
        proxy(environ_of("/__clerk/v1"), ignored)
    proxy.close()


# --- How many at once ----------------------------------------------------------------------------------


def test_who_is_too_much_waits_or_is_refused(
    monkeypatch: pytest.MonkeyPatch, environ_of: Any, serve_once: Any
) -> None:
    monkeypatch.setattr(capacity, "MOST_OF_CLIENT", 1)
    monkeypatch.setattr(capacity, "WAITING_OF_CLIENT", 1)
    environ = environ_of("/__clerk/v1", REMOTE_ADDR="203.0.113.9")
    proxy = WSGIProxy(configured(), transport=FrontendAPI())
    first: Any = proxy(dict(environ), ignored)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(serve_once, proxy, dict(environ))
        until = time.monotonic() + LONG
        while not proxy._clients.current()._capacity._waiting:
            assert time.monotonic() < until
            time.sleep(0.001)
        refused = serve_once(proxy, dict(environ))
        assert (refused.status, dict(refused.pairs)["retry-after"]) == (503, "5")
        assert next(first) == b"fine"
        assert not waiting.done()
        first.close()
        assert waiting.result(LONG).body == b"fine"
    assert serve_once(proxy, dict(environ)).status == 200
    proxy.close()


def test_nobody_waits_for_long(monkeypatch: pytest.MonkeyPatch, environ_of: Any, serve_once: Any) -> None:
    monkeypatch.setattr(capacity, "MOST_OF_CLIENT", 1)
    environ = environ_of("/__clerk/v1", REMOTE_ADDR="203.0.113.9")
    options = FrontendAPIProxy(connect_timeout_in_ms=20)
    proxy = WSGIProxy(configured(frontend_api_proxy=options), transport=FrontendAPI())
    first: Any = proxy(dict(environ), ignored)
    assert serve_once(proxy, dict(environ)).status == 503
    first.close()
    assert serve_once(proxy, dict(environ)).status == 200
    proxy.close()


# --- What follows an answer ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("two-answers", b"fine"),
        ("two-answers-in-chunks", b"fine"),
        ("no-content-with-body", b""),
        ("not-modified-with-body", b""),
    ],
)
def test_what_follows_an_answer_is_no_answer(
    name: str, body: bytes, proxy: WSGIProxy, upstream: Upstream, environ_of: Any, serve_once: Any
) -> None:
    assert serve_once(proxy, environ_of(f"/__clerk/v1/{name}")).body == body
    for _ in range(2):
        assert serve_once(proxy, environ_of("/__clerk/v1/fine")).body == b"fine"
    assert upstream.connections == 2  # the second of which was used again


@pytest.mark.parametrize("change", [("_WITHIN", ("_elsewhere",)), ("_DEEPEST", 0)])
def test_where_that_cannot_be_told_no_connection_is_used_again(
    change: Any,
    monkeypatch: pytest.MonkeyPatch,
    proxy: WSGIProxy,
    upstream: Upstream,
    environ_of: Any,
    serve_once: Any,
) -> None:
    """With an httpcore that has its parts elsewhere."""
    monkeypatch.setattr(leftovers, *change)
    for _ in range(3):
        assert serve_once(proxy, environ_of("/__clerk/v1/fine")).body == b"fine"
    assert upstream.connections == 3


def test_many_threads_share_one_client(proxy: WSGIProxy, environ_of: Any, serve_once: Any) -> None:
    def ask(number: int) -> bytes:
        body: bytes = serve_once(proxy, environ_of(f"/__clerk/v1/dripping?{number}")).body
        return body

    with ThreadPoolExecutor(20) as threads:
        assert list(threads.map(ask, range(40))) == [b"fine"] * 40


def test_behind_the_server_of_the_standard_library(proxy: WSGIProxy, upstream: Upstream, serve: Any) -> None:
    with serve(proxy) as (host, port), httpx.Client(base_url=f"http://{host}:{port}/__clerk/v1") as client:
        assert client.get("/fine?a=b").text == "fine"
        assert client.post("/posted", content=b"x" * 100_000).text == "fine"
        assert upstream.last("/v1/posted").size == 100_000
        assert client.post("/posted", content=iter([b"a", b"b"])).status_code == 411
        assert client.get("/closed-at-once").status_code == 502
        assert client.head("/fine").headers["content-length"] == "4"

"""What an error of the Frontend API proxy holds on to, in whichever way it may be looked at."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from typing import Any

import anyio
import httpx
import pytest

from clerk_middleware import ClerkError, FrontendAPIProxy
from clerk_middleware.proxy.asgi import ASGIProxy
from clerk_middleware.proxy.wsgi import WSGIProxy

from ..misbehaving_upstream import LONG, Upstream, misbehaving
from ..proxied import HOST, SECRET_KEY, configured

PASSWORD = "hunter2-is-my-password"
COOKIE = "a=b; Path=/"  # of an answer
SECRETS = (SECRET_KEY, PASSWORD, COOKIE)
DEEP = 12
#: Functions of this module whose local variables count.
SERVER = ("serve", "send", "start_response", "fail")


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with misbehaving() as upstream:
        yield upstream


class Tracker:
    """Takes what an error tracker takes: the local variables of all frames, and what these lead to.

    As they do, it leaves out what is *named* a secret: an application's configuration has to have the key.
    """

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._known: dict[int, object] = {}

    def capture(self, error: BaseException | None) -> str:
        while error is not None:
            trace = error.__traceback__
            while trace is not None:
                frame = trace.tb_frame
                if frame.f_code.co_filename != __file__ or frame.f_code.co_name in SERVER:
                    for value in list(frame.f_locals.values()):
                        self._look_at(value, DEEP)
                trace = trace.tb_next
            self.seen.append(f"{error!r}")
            error = error.__context__
        return " ".join(self.seen)

    def _look_at(self, value: object, depth: int) -> None:
        if isinstance(value, (str, bytes, bytearray)):
            self.seen.append(value if isinstance(value, str) else bytes(value).decode("latin-1"))
        elif depth and id(value) not in self._known:
            self._known[id(value)] = value
            for part in self._parts_of(value):
                self._look_at(part, depth - 1)

    def _parts_of(self, value: object) -> list[object]:
        if isinstance(value, Mapping):
            return [part for name, part in value.items() if name != "secret_key"]
        if isinstance(value, (list, tuple, set, frozenset)):
            return list(value)
        self.seen.append(repr(value))
        return [vars(value)] if hasattr(value, "__dict__") and not isinstance(value, type) else []


def test_the_tracker_finds_what_is_there() -> None:
    class Holder:
        pass

    def fail() -> None:
        holder = Holder()
        holder.pairs = [("clerk-secret-key", SECRET_KEY)]  # type: ignore[attr-defined]
        raise LookupError

    with pytest.raises(LookupError) as caught:
        fail()
    assert SECRET_KEY in Tracker().capture(caught.value)


class Failing(httpx.BaseTransport, httpx.AsyncBaseTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise ValueError("of its own")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


TARGET = "/__clerk/v1/client"


def _config(transport: Any, **options: Any) -> Any:
    options = {"read_timeout_in_ms": 2000, **options}
    proxy = FrontendAPIProxy(**options)
    if isinstance(transport, Upstream):
        return configured(fapi_url=transport.url, frontend_api_proxy=proxy)
    return configured(frontend_api_proxy=proxy)


def asgi_error(transport: Any, path: str = TARGET, *, fails_at: int = 99, **options: Any) -> Any:
    """What the server is left with; its own sending fails at the message of this number."""
    config = _config(transport, **options)
    body = PASSWORD.encode()

    async def run() -> BaseException | None:
        proxy = ASGIProxy(config, transport=None if isinstance(transport, Upstream) else transport)
        incoming = [{"type": "http.request", "body": body, "more_body": False}]
        sent = 0

        async def receive() -> Any:
            return incoming.pop() if incoming else await anyio.sleep_forever()

        async def send(message: Any) -> None:
            nonlocal sent
            sent += 1
            if sent == fails_at:
                if options:
                    await anyio.sleep_forever()
                raise BrokenPipeError("gone")

        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "scheme": "https",
            "headers": [(name.encode(), value.encode()) for name, value in [HOST]]
            + [(b"content-length", b"%d" % len(body))],
        }
        try:
            with anyio.fail_after(LONG):
                await proxy(scope, receive, send)
        except Exception as error:
            return error
        finally:
            await proxy.aclose()
        return None

    return anyio.run(run)


def wsgi_error(transport: Any, path: str = TARGET, *, fails_at: int = 99, **options: Any) -> Any:
    """The same of a WSGI server, whose local variables count, too."""
    proxy = WSGIProxy(
        _config(transport, **options), transport=None if isinstance(transport, Upstream) else transport
    )

    def serve() -> None:
        step = 1

        def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
            if fails_at == 1:
                raise BrokenPipeError("gone")

        chunks: Any = proxy(
            {
                "REQUEST_METHOD": "POST",
                "PATH_INFO": path,
                "HTTP_HOST": HOST[1],
                "SERVER_NAME": "x",
                "SERVER_PORT": "80",
                "CONTENT_LENGTH": str(len(PASSWORD)),
                "wsgi.input": Input(),
                "wsgi.url_scheme": "https",
            },
            start_response,
        )
        try:
            for _ in chunks:
                step += 1
                if step == fails_at:
                    raise BrokenPipeError("gone")
        finally:
            getattr(chunks, "close", lambda: None)()

    try:
        serve()
    except Exception as error:
        return error
    finally:
        proxy.close()
    return None


class Input:
    """A body as servers have it: read from a socket, and kept nowhere."""

    def read(self, size: int = -1) -> bytes:
        return PASSWORD.encode()[:size]


BOTH = pytest.mark.parametrize("error_of", [asgi_error, wsgi_error], ids=["asgi", "wsgi"])


@BOTH
def test_an_answer_that_is_broken_off_tells_nothing(error_of: Any, upstream: Upstream) -> None:
    error = error_of(upstream, "/__clerk/v1/too-short")
    assert isinstance(error, ClerkError)
    captured = Tracker().capture(error)
    assert not [secret for secret in SECRETS if secret in captured]


@BOTH
@pytest.mark.parametrize("fails_at", [1, 2])
def test_neither_does_an_error_of_the_server(error_of: Any, fails_at: int, upstream: Upstream) -> None:
    error = error_of(upstream, "/__clerk/v1/cookies", fails_at=fails_at)
    assert isinstance(error, BrokenPipeError)
    captured = Tracker().capture(error)
    assert not [secret for secret in SECRETS if secret in captured]


def test_neither_does_a_client_that_reads_too_slowly(upstream: Upstream) -> None:
    error = asgi_error(upstream, "/__clerk/v1/cookies", fails_at=2, read_timeout_in_ms=500)
    assert isinstance(error, ClerkError)
    assert "too slowly" in str(error)
    captured = Tracker().capture(error)
    assert not [secret for secret in SECRETS if secret in captured]


@BOTH
def test_neither_does_an_error_of_the_transports(error_of: Any) -> None:
    error = error_of(Failing())
    assert isinstance(error, ValueError)
    captured = Tracker().capture(error)
    assert not [secret for secret in SECRETS if secret in captured]


@BOTH
@pytest.mark.parametrize("path", ["fine", "closed-at-once", "no-http", "unknown-status", "slow-headers"])
def test_nothing_waits_for_the_collector(error_of: Any, path: str, upstream: Upstream) -> None:
    """With the secret key in it, and for as long as it takes."""
    error_of(upstream, f"/__clerk/v1/{path}", read_timeout_in_ms=300)  # what is made once is made
    gc.collect()
    before = gc.get_debug()
    gc.disable()
    try:
        assert error_of(upstream, f"/__clerk/v1/{path}", read_timeout_in_ms=300) is None
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        waiting = list(gc.garbage)
    finally:
        gc.garbage.clear()
        gc.set_debug(before)
        gc.enable()
    tracker = Tracker()
    for value in waiting:
        tracker._look_at(value, 2)
    assert not [secret for secret in SECRETS if secret in " ".join(tracker.seen)]


def test_a_request_on_its_way_is_no_tuple_and_has_no_key() -> None:
    """An error tracker asks a tuple or a dataclass for its parts, and never for its repr."""
    from clerk_middleware.proxy.exchange import Incoming, outgoing
    from clerk_middleware.request import ClerkRequest

    request = ClerkRequest("GET", "https://app.example.com/__clerk/v1", {"host": "app.example.com"})
    incoming = Incoming("GET", b"/__clerk/v1", b"", [(b"cookie", PASSWORD.encode())], "127.0.0.1")
    wanted = outgoing(configured(), request, incoming)
    for value in (incoming, wanted):
        tracker = Tracker()
        tracker._look_at(value, DEEP)
        assert not [secret for secret in SECRETS if secret in " ".join(tracker.seen)]
    assert (b"cookie", PASSWORD.encode()) in wanted.take_headers()
    assert wanted.take_headers() == [(b"clerk-secret-key", SECRET_KEY.encode())]  # for one request

"""How long the Frontend API proxy waits for a client. The clock is trio's, and jumps."""

from __future__ import annotations

import io
from typing import Any

import anyio
import pytest

from clerk_middleware import ClerkError, FrontendAPIProxy
from clerk_middleware.proxy import wsgi_body
from clerk_middleware.proxy.asgi import ASGIProxy
from clerk_middleware.proxy.connections import CHUNK
from clerk_middleware.proxy.patience import LONGEST, SLOWEST, Patience

from ..proxied import HOST, Answer, FrontendAPI, Reply, by_wsgi, configured

trio_testing = pytest.importorskip("trio.testing")


@pytest.fixture
def anyio_backend() -> Any:
    return "trio", {"clock": trio_testing.MockClock(autojump_threshold=0)}


# --- Counting ------------------------------------------------------------------------------------------


def test_waiting_takes_it_away() -> None:
    patience = Patience(5)
    patience.spend(2)
    assert patience.left == 3
    patience.spend(3)
    assert patience.left == 0


def test_bytes_bring_it_back() -> None:
    patience = Patience(5)
    patience.spend(4)
    patience.regain(2 * SLOWEST)
    assert patience.left == 3


def test_but_none_is_saved_up() -> None:
    patience = Patience(5)
    patience.regain(10**9)
    assert patience.left == 5


def test_nobody_is_waited_for_for_ever() -> None:
    patience = Patience(5, longest=20)
    for _ in range(4):
        assert patience.left == 5
        patience.spend(5)
        patience.regain(10**9)
    assert patience.left == 0


def test_a_time_out_that_is_longer_than_that_counts() -> None:
    assert Patience(2 * LONGEST).left == 2 * LONGEST


# --- Waiting -------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_wait_that_is_short_is_fine() -> None:
    patience = Patience(5)
    for _ in range(3):
        with patience.waiting():
            await anyio.sleep(1)
    assert patience.left == pytest.approx(2)


@pytest.mark.anyio
async def test_a_wait_that_is_too_long_ends() -> None:
    began = anyio.current_time()
    with pytest.raises(TimeoutError), Patience(5).waiting():
        await anyio.sleep(6)
    assert anyio.current_time() - began == pytest.approx(5)


@pytest.mark.anyio
async def test_an_error_is_the_waiters_own() -> None:
    with pytest.raises(LookupError), Patience(1).waiting():
        raise LookupError


# --- Clients that take answers -------------------------------------------------------------------------


async def taking(reply: Reply, chunk_takes: float) -> list[Any]:
    """The messages to a client that takes each of them so slowly; the time-out is 60 s."""
    proxy = ASGIProxy(
        configured(frontend_api_proxy=FrontendAPIProxy(read_timeout_in_ms=60_000)),
        transport=FrontendAPI(reply),
    )
    sent: list[Any] = []

    async def send(message: Any) -> None:
        await anyio.sleep(chunk_takes)
        sent.append(message)

    async def receive() -> Any:
        return await anyio.sleep_forever()

    headers = [(name.encode(), value.encode()) for name, value in [HOST]]
    scope = {"type": "http", "method": "GET", "path": "/__clerk/v1", "headers": headers, "scheme": "https"}
    try:
        with anyio.fail_after(10_000):
            await proxy(scope, receive, send)
    finally:
        assert reply.is_closed
        await proxy.aclose()
    return sent


@pytest.mark.anyio
@pytest.mark.parametrize("chunk_takes", [61, 10], ids=["one", "all"])
async def test_a_client_that_reads_too_slowly_loses_its_connection(chunk_takes: float) -> None:
    """As many as there are connections would leave none for anybody else."""
    reply = Reply(200, [], [bytes(SLOWEST)] * 100)
    with pytest.raises(ClerkError, match="too slowly"):
        await taking(reply, chunk_takes)


@pytest.mark.anyio
async def test_so_does_one_that_takes_all_day() -> None:
    """However many bytes."""
    reply = Reply(200, [], [bytes(100 * SLOWEST)] * 100)
    with pytest.raises(ClerkError, match="too slowly"):
        await taking(reply, 10)


@pytest.mark.anyio
async def test_one_that_reads_as_it_can_does_not() -> None:
    sent = await taking(Reply(200, [], [bytes(10 * SLOWEST)] * 50), 10)
    assert sum(len(message.get("body", b"")) for message in sent) == 500 * SLOWEST
    assert not sent[-1]["more_body"]


# --- Clients that send bodies, by WSGI -----------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


class Slow(io.RawIOBase):
    """Gives so many bytes at a time, for each of which it takes so long."""

    def __init__(self, clock: Clock, size: int, seconds: float) -> None:
        self._clock, self._size, self._seconds = clock, size, seconds

    def read(self, size: int = -1) -> bytes:
        self._clock.now += self._seconds
        return bytes(min(size, self._size))


def sending(monkeypatch: pytest.MonkeyPatch, size: int, seconds: float, length: int) -> Answer:
    clock = Clock()
    monkeypatch.setattr(wsgi_body, "time", clock)
    headers = [HOST, ("content-length", str(length))]
    stream: dict[str, Any] = {"wsgi.input": Slow(clock, size, seconds)}
    return by_wsgi(configured(), FrontendAPI(), method="POST", headers=headers, **stream)


@pytest.mark.parametrize(
    ("size", "seconds", "length"), [(1, 1, 1000), (1, 1, 100_000), (SLOWEST * 20, 20, SLOWEST * 1000)]
)
def test_a_body_that_drips_is_refused(
    size: int, seconds: float, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = sending(monkeypatch, size, seconds, length)
    assert (answer.status, answer.code) == (408, "proxy_request_refused")


def test_one_that_comes_as_it_can_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sending(monkeypatch, CHUNK, 30, 16 * CHUNK).status == 200

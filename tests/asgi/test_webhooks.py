"""Webhooks over ASGI: an endpoint in any application, and behind a real server."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.routing import Route

from clerk_middleware.webhooks import WebhookReceiver

from ..webhook_messages import SECRET, STRANGERS, an_event, signed

BODY = an_event()
PATH = "/api/webhooks/clerk"

pytestmark = pytest.mark.anyio


@pytest.fixture
def events() -> list[Any]:
    """What was handled."""
    return []


@pytest.fixture
def webhooks(events: list[Any]) -> WebhookReceiver:
    webhooks = WebhookReceiver(SECRET, body_timeout_in_seconds=0.5)

    @webhooks.on("user.created")
    async def handler(event: Any) -> None:
        events.append(event)

    return webhooks


@pytest.fixture
def post(request_to: Any) -> Callable[..., Any]:
    """Deliver a message in one or more chunks."""

    async def deliver(webhooks: Any, *chunks: bytes, headers: Any = None, method: str = "POST") -> Any:
        chunks = chunks or (BODY.encode(),)
        received = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
        received.append({"type": "http.request"})
        headers = signed(BODY) if headers is None else headers
        return await request_to(webhooks.asgi, PATH, headers, method=method, received=received)

    return deliver


def reason(answer: Any) -> str:
    error = answer.json if isinstance(answer.json, dict) else answer.json()
    text: str = error["clerk_error"]["reason"]
    return text


class TestAnEndpoint:
    async def test_handles_a_message(self, webhooks: WebhookReceiver, events: Any, post: Any) -> None:
        answer = await post(webhooks)
        assert (answer.status, answer.body) == (204, b"")
        assert [event.type for event in events] == ["user.created"]

    async def test_sends_no_length_of_no_content(self, webhooks: WebhookReceiver, post: Any) -> None:
        headers = signed(BODY)
        answer = await post(webhooks, headers=headers)
        assert (answer.header("content-length"), answer.header("content-type")) == (None, None)
        assert answer.header("cache-control") == "no-store"
        answer = await post(webhooks, headers=headers)
        assert (answer.status, answer.header("content-length"), answer.body) == (200, "0", b"")

    async def test_takes_a_body_in_pieces(self, webhooks: WebhookReceiver, post: Any) -> None:
        raw = BODY.encode()
        assert (await post(webhooks, raw[:1], b"", raw[1:100], raw[100:])).status == 204

    async def test_refuses_what_is_not_clerks(
        self, webhooks: WebhookReceiver, events: Any, post: Any
    ) -> None:
        answer = await post(webhooks, headers=signed(BODY, secrets=[STRANGERS]))
        assert (answer.status, reason(answer), events) == (400, "invalid-signature", [])

    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS", "post", "DELETE"])
    async def test_takes_nothing_but_post(
        self, method: str, webhooks: WebhookReceiver, events: Any, post: Any
    ) -> None:
        answer = await post(webhooks, method=method)
        assert (answer.status, answer.header("allow"), events) == (405, "POST", [])
        assert bool(answer.body) == (method != "HEAD")

    async def test_refuses_a_header_that_is_there_twice(self, webhooks: WebhookReceiver) -> None:
        headers = [(name.encode(), value.encode()) for name, value in signed(BODY).items()]
        received = [{"type": "http.request", "body": BODY.encode()}]
        assert await _raw(webhooks, [*headers, headers[0]], received) == 400

    async def test_says_nothing_to_a_client_that_is_gone(
        self, webhooks: WebhookReceiver, events: Any, request_to: Any
    ) -> None:
        received = [
            {"type": "http.request", "body": BODY.encode(), "more_body": True},
            {"type": "http.disconnect"},
        ]
        answer = await request_to(webhooks.asgi, PATH, signed(BODY), method="POST", received=received)
        assert (answer.messages, events) == ([], [])

    async def test_takes_part_in_a_servers_life(self, webhooks: WebhookReceiver) -> None:
        incoming, sent = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}], []

        async def receive() -> Any:
            return incoming.pop(0)

        async def send(message: Any) -> None:
            sent.append(message["type"])

        await webhooks.asgi({"type": "lifespan"}, receive, send)
        assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]

    async def test_is_no_websocket(self, webhooks: WebhookReceiver, request_to: Any) -> None:
        answer = await request_to(webhooks.asgi, websocket=True)
        assert answer.messages == [{"type": "websocket.close", "code": 1008}]


async def _raw(webhooks: WebhookReceiver, headers: Any, received: Any) -> int:
    sent: list[Any] = []

    async def receive() -> Any:
        return received.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await webhooks.asgi({"type": "http", "method": "POST", "headers": headers}, receive, send)
    status: int = sent[0]["status"]
    return status


class TestABody:
    async def test_that_says_it_is_too_large_is_not_read(
        self, webhooks: WebhookReceiver, request_to: Any
    ) -> None:
        for length in ("1048577", "9" * 19, "9" * 30, "9" * 5000):
            headers = signed(BODY) | {"content-length": length}
            received: Any = [None]  # nobody takes it
            answer = await request_to(webhooks.asgi, PATH, headers, method="POST", received=received)
            assert (answer.status, reason(answer)) == (413, "payload-too-large")

    @pytest.mark.parametrize("length", ["", "x", "-1", "1_000_000_000", "١٢٣٤٥٦٧٨٩", "0"])
    async def test_is_not_judged_by_a_length_that_is_none(
        self, length: str, webhooks: WebhookReceiver
    ) -> None:
        headers = [(name.encode(), value.encode()) for name, value in signed(BODY).items()]
        headers.append((b"content-length", length.encode()))
        received = [{"type": "http.request", "body": BODY.encode()}]
        assert await _raw(webhooks, headers, received) == 204

    async def test_is_as_large_as_the_limit(self, post: Any) -> None:
        webhooks = WebhookReceiver(SECRET, max_body_size=len(BODY))
        raw = BODY.encode()
        assert (await post(webhooks, raw[:50], raw[50:])).status == 204
        answer = await post(webhooks, raw[:50], raw[50:], b" ")
        assert (answer.status, reason(answer)) == (413, "payload-too-large")

    @pytest.mark.parametrize(("version", "connection"), [("1.1", "close"), ("1.0", "close"), ("2", None)])
    async def test_that_is_refused_half_way_ends_the_connection(
        self, version: str, connection: str | None, webhooks: WebhookReceiver, request_to: Any
    ) -> None:
        headers = {"content-length": "1048577"}
        answer = await request_to(webhooks.asgi, PATH, headers, method="POST", http_version=version)
        assert (answer.status, answer.header("connection")) == (413, connection)

    async def test_that_never_ends_is_read_up_to_the_limit(self, webhooks: WebhookReceiver) -> None:
        taken, sent = [0], []

        async def receive() -> Any:
            taken[0] += 65_536
            return {"type": "http.request", "body": b" " * 65_536, "more_body": True}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "headers": []}
        await webhooks.asgi(scope, receive, send)
        assert sent[0]["status"] == 413
        assert taken[0] == 1_048_576 + 65_536

    @pytest.mark.parametrize("pause", [0.01, 100])
    def test_that_drips_is_not_waited_for(
        self, pause: float, webhooks: WebhookReceiver, every_backend: str
    ) -> None:
        sent: list[Any] = []

        async def receive() -> Any:
            await anyio.sleep(pause)
            return {"type": "http.request", "body": b" ", "more_body": True}

        async def send(message: Any) -> None:
            sent.append(message)

        began = time.monotonic()
        anyio.run(
            webhooks.asgi,
            {"type": "http", "method": "POST", "headers": []},
            receive,
            send,
            backend=every_backend,
        )
        assert 0.5 <= time.monotonic() - began < 5
        assert sent[0]["status"] == 408


class TestAnApplication:
    """Of a framework, with this endpoint as one of its routes."""

    @pytest.fixture(params=["starlette", "starlette with middleware", "fastapi"])
    async def client(
        self, request: pytest.FixtureRequest, webhooks: WebhookReceiver
    ) -> AsyncIterator[httpx.AsyncClient]:
        async def passing(request: Any, call_next: Any) -> Any:
            return await call_next(request)

        route = Route(PATH, webhooks.asgi, methods=["POST"])
        app: Any = Starlette(routes=[route])
        if "with" in request.param:
            app = Starlette(routes=[route], middleware=[Middleware(BaseHTTPMiddleware, dispatch=passing)])
        if request.param == "fastapi":
            app = FastAPI()
            app.add_route(PATH, webhooks.asgi, methods=["POST"])
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="https://app.example.com"
        ) as client:
            yield client

    async def test_receives_webhooks(self, client: httpx.AsyncClient, events: Any) -> None:
        headers = signed(BODY)
        for status in (204, 200):
            assert (await client.post(PATH, content=BODY, headers=headers)).status_code == status
        assert len(events) == 1
        assert (await client.get(PATH)).status_code == 405


# uvicorn


@pytest.fixture
def no_traceback(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing that a client sends may have a server log an error."""
    caplog.set_level(logging.WARNING)
    yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.fixture
def address(webhooks: WebhookReceiver, serve: Any) -> Iterator[str]:
    with serve(Starlette(routes=[Route(PATH, webhooks.asgi, methods=["POST"])])) as address:
        yield address


def connect(address: str) -> socket.socket:
    host, _, port = address.partition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def head(*lines: str) -> bytes:
    lines = (f"POST {PATH} HTTP/1.1", "Host: app.example.com", *lines, "", "")
    return "\r\n".join(lines).encode()


def status_of(connection: socket.socket) -> int:
    """Of the answer; 0 where the server just hangs up."""
    answer = b""
    while b"\r\n" not in answer and (chunk := connection.recv(4096)):
        answer += chunk
    return int(answer.split()[1]) if answer else 0


@pytest.mark.usefixtures("no_traceback")
class TestARealServer:
    def test_receives_webhooks(self, address: str, events: Any) -> None:
        headers = signed(BODY)
        with httpx.Client(base_url=f"http://{address}") as client:
            answers = [client.post(PATH, content=BODY, headers=headers) for _ in range(2)]
            assert [answer.status_code for answer in answers] == [204, 200]
            assert "content-length" not in answers[0].headers
            # The connection is still good.
            assert client.post(PATH, content=BODY, headers=signed(BODY)).status_code == 204
        assert len(events) == 2

    def test_receives_them_in_chunks(self, address: str) -> None:
        def chunks() -> Iterator[bytes]:
            for start in range(0, len(BODY), 50):
                yield BODY[start : start + 50].encode()

        assert (
            httpx.post(f"http://{address}{PATH}", content=chunks(), headers=signed(BODY)).status_code == 204
        )

    def test_refuses_others(self, address: str, events: Any) -> None:
        headers = signed(BODY, secrets=[STRANGERS])
        answer = httpx.post(f"http://{address}{PATH}", content=BODY, headers=headers)
        assert (answer.status_code, reason(answer), events) == (400, "invalid-signature", [])
        twice = [*signed(BODY).items(), ("svix-id", "msg_2")]
        answer = httpx.post(f"http://{address}{PATH}", content=BODY, headers=twice)
        assert (answer.status_code, reason(answer)) == (400, "invalid-headers")

    def test_ends_a_body_that_never_does(self, address: str) -> None:
        with connect(address) as connection:
            connection.sendall(head("Transfer-Encoding: chunked"))
            sent, chunk = 0, b"10000\r\n" + b"x" * 65_536 + b"\r\n"
            try:
                while sent < 100_000_000:
                    connection.sendall(chunk)
                    sent += 65_536
            except OSError:
                pass
            assert sent < 50_000_000  # what the system's buffers hold, at most

    def test_does_not_take_a_body_that_says_it_is_too_large(self, address: str) -> None:
        with connect(address) as connection:
            connection.sendall(head("Content-Length: 1048577"))
            assert status_of(connection) == 413

    def test_does_not_wait_for_a_body_that_does_not_come(self, address: str, events: Any) -> None:
        headers = [f"{name}: {value}" for name, value in signed(BODY).items()]
        with connect(address) as connection:
            connection.sendall(head(f"Content-Length: {len(BODY) + 1}", *headers) + BODY.encode())
            assert status_of(connection) == 408
        assert events == []

    def test_reads_no_more_than_a_body_is_long(self, address: str, events: Any) -> None:
        headers = [f"{name}: {value}" for name, value in signed(BODY).items()]
        with connect(address) as connection:
            connection.sendall(head(f"Content-Length: {len(BODY) - 1}", *headers) + BODY.encode())
            assert status_of(connection) == 400
        assert events == []

    def test_takes_no_harm_from_clients_that_go(self, address: str, webhooks: WebhookReceiver) -> None:
        for length in (100, 1_000_000):
            for sent in (b"", b"{", b"x" * 99):
                with connect(address) as connection:
                    connection.sendall(head(f"Content-Length: {length}") + sent)
        assert httpx.post(f"http://{address}{PATH}", content=BODY, headers=signed(BODY)).status_code == 204


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_deliveries_at_once_run_one_handler(kind: str, serve: Any) -> None:
    calls: list[Any] = []
    webhooks, arrived = WebhookReceiver(SECRET), threading.Semaphore(0)
    entered, may_leave = threading.Event(), threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            arrived.release()
        await webhooks.asgi(scope, receive, send)

    def handler(event: Any) -> None:
        calls.append(event)
        entered.set()
        assert may_leave.wait(10)

    async def asynchronous(event: Any) -> None:
        await anyio.to_thread.run_sync(handler, event)

    webhooks.on("*")(handler if kind == "sync" else asynchronous)
    headers = signed(BODY)
    with serve(app, lifespan="on") as address, ThreadPoolExecutor(6) as pool:

        def deliver(number: int) -> int:
            return httpx.post(f"http://{address}/", content=BODY, headers=headers, timeout=15).status_code

        first = pool.submit(deliver, 0)
        assert entered.wait(10)
        others = [pool.submit(deliver, number) for number in range(5)]
        assert all(arrived.acquire(timeout=10) for _ in range(6))
        assert not any(other.done() for other in others)
        may_leave.set()
        assert [first.result(10), *(other.result(10) for other in others)] == [204, *[200] * 5]
    assert len(calls) == 1


def test_what_failed_runs_again_at_the_redelivery(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    webhooks, calls = WebhookReceiver(SECRET), []

    @webhooks.on("user.created")
    def handler(event: Any) -> None:
        calls.append(event)
        if len(calls) == 1:
            raise ValueError("the database is gone")

    headers = signed(BODY)
    with serve(webhooks.asgi) as address:
        answers = [httpx.post(f"http://{address}/", content=BODY, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [500, 204, 200]
    assert answers[0].json()["clerk_error"]["reason"] == "handler-failed"
    assert [answer.content for answer in answers[1:]] == [b"", b""]
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == [
        f"Clerk: a handler of the webhook {headers['svix-id']} failed (user.created)"
    ]


async def test_answers_are_those_of_the_house(webhooks: WebhookReceiver, post: Any) -> None:
    answer = await post(webhooks, headers={})
    assert json.loads(answer.body) == {
        "clerk_error": {
            "type": "webhook-refused",
            "reason": "missing-headers",
            "message": "The request does not have the headers of a signed message.",
        }
    }
    assert answer.header("content-type") == "application/json"
    assert answer.header("cache-control") == "no-store"

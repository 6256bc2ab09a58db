"""Webhooks over WSGI: an application of its own, and behind real servers."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from clerk_middleware.webhooks import WebhookReceiver

from ..gunicorn_server import gunicorn, needs_gunicorn
from ..webhook_messages import SECRET, STRANGERS, an_event, signed

BODY = an_event()
RAW = BODY.encode()


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
    """Deliver a message, with the validator of PEP 3333 before the receiver."""

    def deliver(webhooks: Any, body: Any = RAW, headers: Any = None, **environ: Any) -> Any:
        stream = io.BytesIO(body) if isinstance(body, bytes) else body
        environ = {"method": "POST", "CONTENT_LENGTH": str(len(RAW)), "wsgi.input": stream} | environ
        headers = signed(BODY) if headers is None else headers
        return request_to(webhooks.wsgi, "/", headers, **environ)

    return deliver


class Stream:
    """A body that comes in pieces, each after a pause; an exception in its place is raised."""

    def __init__(self, *pieces: Any, pause: float = 0) -> None:
        self._pieces = list(pieces)
        self._pause = pause
        self.taken = 0

    def read(self, size: int) -> bytes:
        time.sleep(self._pause)
        if not self._pieces:
            return b""
        piece = self._pieces[0]
        if isinstance(piece, Exception):
            raise piece
        self._pieces[0] = piece[size:]
        if not self._pieces[0]:
            self._pieces.pop(0)
        self.taken += len(piece[:size])
        taken: bytes = piece[:size]
        return taken

    readline = readlines = __iter__ = None


class Endless(Stream):
    def read(self, size: int) -> bytes:
        time.sleep(self._pause)
        self.taken += size
        return b"x" * size


def reason(answer: Any) -> str:
    text: str = json.loads(answer.body if hasattr(answer, "body") else answer.content)["clerk_error"][
        "reason"
    ]
    return text


class TestAnEndpoint:
    def test_handles_a_message(self, webhooks: WebhookReceiver, events: Any, post: Any) -> None:
        answer = post(webhooks)
        assert (answer.status_line, answer.body) == ("204 No Content", b"")
        assert [event.type for event in events] == ["user.created"]

    def test_sends_no_length_of_no_content(self, webhooks: WebhookReceiver, post: Any) -> None:
        headers = signed(BODY)
        answer = post(webhooks, headers=headers)
        assert answer.pairs == [("cache-control", "no-store")]
        answer = post(webhooks, headers=headers)
        assert (answer.status, answer.header("content-length"), answer.body) == (200, "0", b"")

    @pytest.mark.parametrize("family", ["svix", "webhook"])
    def test_reads_headers_of_either_name(self, family: str, webhooks: WebhookReceiver, post: Any) -> None:
        assert post(webhooks, headers=signed(BODY, family=family)).status == 204

    def test_reads_headers_alone(self, webhooks: WebhookReceiver, environ_of: Any, serve_once: Any) -> None:
        """Some servers put the variables of their process beside them."""
        environ = environ_of("/", signed(BODY), method="POST", CONTENT_LENGTH=str(len(RAW)), SVIX_ID="msg_0")
        environ["wsgi.input"] = io.BytesIO(RAW)
        assert serve_once(webhooks.wsgi, environ).status == 204

    def test_refuses_what_is_not_clerks(self, webhooks: WebhookReceiver, events: Any, post: Any) -> None:
        answer = post(webhooks, headers=signed(BODY, secrets=[STRANGERS]))
        assert (answer.status, reason(answer), events) == (400, "invalid-signature", [])
        assert answer.header("content-type") == "application/json"

    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS", "DELETE"])
    def test_takes_nothing_but_post(
        self, method: str, webhooks: WebhookReceiver, events: Any, post: Any
    ) -> None:
        answer = post(webhooks, Stream(AssertionError()), method=method)
        assert (answer.status, answer.header("allow"), events) == (405, "POST", [])
        assert bool(answer.body) == (method != "HEAD")

    def test_runs_what_failed_again_at_the_redelivery(
        self, webhooks: WebhookReceiver, events: Any, post: Any
    ) -> None:
        @webhooks.on("user.*")
        def fail(event: Any) -> None:
            if len(events) == 1:
                raise ValueError("the database is gone")

        headers = signed(BODY)
        answers = [post(webhooks, headers=headers) for _ in range(3)]
        assert [(answer.status, answer.body) for answer in answers[1:]] == [(204, b""), (200, b"")]
        assert (answers[0].status, b'"reason":"handler-failed"' in answers[0].body) == (500, True)
        assert len(events) == 2


class TestABody:
    @pytest.mark.parametrize("length", ["1048577", "9" * 19, "9" * 30, "9" * 5000])
    def test_that_says_it_is_too_large_is_not_read(
        self, length: str, webhooks: WebhookReceiver, environ_of: Any, serve_once: Any
    ) -> None:
        environ = environ_of("/", signed(BODY), method="POST", CONTENT_LENGTH=length)
        environ["wsgi.input"] = Stream(AssertionError())
        answer = serve_once(webhooks.wsgi, environ)
        assert (answer.status, reason(answer)) == (413, "payload-too-large")

    def test_is_as_large_as_the_limit(self, post: Any) -> None:
        webhooks = WebhookReceiver(SECRET, max_body_size=len(RAW))
        assert post(webhooks).status == 204
        assert post(webhooks, CONTENT_LENGTH=str(len(RAW) + 1)).status == 413

    def test_may_come_in_pieces(self, webhooks: WebhookReceiver, post: Any) -> None:
        assert post(webhooks, Stream(RAW[:1], RAW[1:100], RAW[100:])).status == 204
        body = an_event(data={"id": "user_1", "bio": "x" * 300_000})
        answer = post(
            webhooks, Stream(body.encode()), headers=signed(body), CONTENT_LENGTH=str(len(body.encode()))
        )
        assert answer.status == 204

    def test_is_read_no_further_than_its_length(self, webhooks: WebhookReceiver, post: Any) -> None:
        stream = Stream(RAW + b"GET / HTTP/1.1\r\n")
        assert post(webhooks, stream).status == 204
        assert stream.taken == len(RAW)

    @pytest.mark.parametrize(
        "missing", [{"CONTENT_LENGTH": ""}, {"CONTENT_LENGTH": "-1"}, {"CONTENT_LENGTH": "x"}]
    )
    def test_without_a_length_is_not_read(
        self, missing: Any, webhooks: WebhookReceiver, environ_of: Any, serve_once: Any
    ) -> None:
        """Most servers would wait for ever for its end."""
        environ = environ_of("/", signed(BODY), method="POST", **missing)
        environ["wsgi.input"] = Stream(AssertionError())
        answer = serve_once(webhooks.wsgi, environ)
        assert (answer.status, reason(answer)) == (400, "invalid-signature")

    def test_of_chunks_is_read_where_the_server_knows_the_end(
        self, webhooks: WebhookReceiver, environ_of: Any, serve_once: Any
    ) -> None:
        def post(stream: Stream) -> Any:
            environ = environ_of("/", signed(BODY), method="POST")
            environ |= {"wsgi.input": stream, "wsgi.input_terminated": True}
            return serve_once(webhooks.wsgi, environ)

        assert post(Stream(RAW[:50], RAW[50:])).status == 204
        endless = Endless()
        assert post(endless).status == 413
        assert endless.taken <= 1_048_576 + 4096

    @pytest.mark.parametrize("rest", [(), (OSError("gone"),), (ValueError("bad chunk"),)])
    def test_that_breaks_off_is_refused(
        self, rest: Any, webhooks: WebhookReceiver, events: Any, post: Any
    ) -> None:
        answer = post(webhooks, Stream(RAW[:-1], *rest))
        assert (answer.status, reason(answer), events) == (400, "incomplete-body", [])

    def test_that_drips_is_not_waited_for(
        self, webhooks: WebhookReceiver, environ_of: Any, serve_once: Any
    ) -> None:
        environ = environ_of("/", signed(BODY), method="POST", CONTENT_LENGTH="1000000")
        environ["wsgi.input"] = Endless(pause=0.2)
        began = time.monotonic()
        answer = serve_once(webhooks.wsgi, environ)
        assert (answer.status, reason(answer)) == (408, "body-too-slow")
        assert time.monotonic() - began < 5

    def test_is_taken_as_it_comes_where_the_server_can(
        self, webhooks: WebhookReceiver, environ_of: Any, serve_once: Any
    ) -> None:
        """The read() of a socket waits for all that it is asked for."""
        environ = environ_of("/", signed(BODY), method="POST", CONTENT_LENGTH="1000000")
        ours, theirs = socket.socketpair()
        with ours, theirs, ours.makefile("rb") as stream:
            environ["wsgi.input"] = stream
            is_over = threading.Event()

            def drip() -> None:
                while not is_over.wait(0.05):
                    theirs.send(b"x")

            with ThreadPoolExecutor(1) as pool:
                pool.submit(drip)
                began = time.monotonic()
                try:
                    answer = serve_once(webhooks.wsgi, environ)
                finally:
                    is_over.set()
        assert answer.status == 408
        assert time.monotonic() - began < 5


# real servers

APPLICATION = f"""
import time
from clerk_middleware.webhooks import WebhookReceiver

webhooks = WebhookReceiver({SECRET!r}, body_timeout_in_seconds=2)
calls = []


@webhooks.on("user.created")
def slow(event):
    calls.append(event.id)
    time.sleep(0.3)


@webhooks.on("user.deleted")
async def failing(event):
    calls.append(event.id)
    if calls.count(event.id) == 1:
        raise ValueError("the database is gone")


@webhooks.on("session.created")
def count(event):
    raise ValueError(f"called {{len(calls)}} times")


def application(environ, start_response):
    if environ["PATH_INFO"] == "/calls":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(calls.count(environ["QUERY_STRING"])).encode()]
    return webhooks.wsgi(environ, start_response)
"""


@pytest.fixture(
    scope="module",
    params=[
        "wsgiref",
        pytest.param("sync", marks=needs_gunicorn),
        pytest.param("gthread", marks=needs_gunicorn),
    ],
)
def address(request: pytest.FixtureRequest, tmp_path_factory: Any, serve: Any) -> Iterator[tuple[str, int]]:
    if request.param == "wsgiref":
        module: dict[str, Any] = {}
        exec(compile(APPLICATION, "application.py", "exec"), module)  # noqa: S102
        with serve(module["application"]) as address:
            yield address
        return
    folder: Path = tmp_path_factory.mktemp(request.param)
    (folder / "application.py").write_text(APPLICATION)
    options = [f"--worker-class={request.param}", *(["--threads=8"] if request.param == "gthread" else [])]
    provoked = "ValueError: the database is gone"
    with gunicorn("application", *options, folder=folder, environment={}, may_raise=provoked) as server:
        yield server.address


@pytest.fixture
def url(address: tuple[str, int]) -> str:
    return f"http://{address[0]}:{address[1]}"


def exchange(address: tuple[str, int], *lines: str, body: bytes = b"", ends: bool = True) -> int:
    """The status that a request of these very bytes is answered with; 0 where the server hangs up."""
    text = "\r\n".join(["POST / HTTP/1.1", "Host: app.example.com", "Connection: close", *lines, "", ""])
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(text.encode() + body)
        if ends:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while b"\r\n" not in answer and (chunk := connection.recv(4096)):
                answer += chunk
        except ConnectionError:
            pass
    return int(answer.split()[1]) if answer else 0


def lines_of(headers: dict[str, str]) -> list[str]:
    return [f"{name}: {value}" for name, value in headers.items()]


class TestARealServer:
    def test_receives_webhooks(self, url: str) -> None:
        headers = signed(BODY)
        with httpx.Client(base_url=url) as client:
            answers = [client.post("/", content=BODY, headers=headers) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [204, 200]
        assert "content-type" not in answers[0].headers

    def test_refuses_others(self, url: str) -> None:
        answer = httpx.post(url, content=BODY, headers=signed(BODY, secrets=[STRANGERS]))
        assert (answer.status_code, reason(answer)) == (400, "invalid-signature")
        assert httpx.get(url).status_code == 405

    def test_runs_what_failed_again_at_the_redelivery(self, url: str) -> None:
        body = an_event("user.deleted")
        headers = signed(body)
        answers = [httpx.post(url, content=body, headers=headers).status_code for _ in range(3)]
        assert answers == [500, 204, 200]

    def test_runs_one_handler_of_deliveries_at_once(self, url: str) -> None:
        headers = signed(BODY)

        def deliver(number: int) -> int:
            return httpx.post(url, content=BODY, headers=headers, timeout=15).status_code

        with ThreadPoolExecutor(5) as pool:
            statuses = list(pool.map(deliver, range(5)))
        assert sorted(statuses) == [200] * 4 + [204]
        assert httpx.get(f"{url}/calls?{headers['svix-id']}").text == "1"

    def test_does_not_take_a_body_that_says_it_is_too_large(self, address: Any) -> None:
        assert exchange(address, "Content-Length: 1048577", ends=False) == 413

    def test_refuses_a_body_that_breaks_off(self, address: Any) -> None:
        lines = lines_of(signed(BODY))
        status = exchange(address, f"Content-Length: {len(RAW) + 1}", *lines, body=RAW)
        assert status in (400, 0)

    def test_reads_no_more_than_a_body_is_long(self, address: Any) -> None:
        lines = lines_of(signed(BODY))
        assert exchange(address, f"Content-Length: {len(RAW) - 1}", *lines, body=RAW) in (400, 0)

    @pytest.mark.parametrize(
        "body", [b"", b"0\r\n\r\n", b"5\r\nhel", b"zz\r\n", b"-1\r\n", b"ffffffffffffffff\r\n"]
    )
    def test_takes_no_harm_from_chunks(self, body: bytes, address: Any, url: str) -> None:
        assert exchange(address, "Transfer-Encoding: chunked", *lines_of(signed(BODY)), body=body) in (400, 0)
        assert httpx.get(f"{url}/calls", params="x").status_code == 200


@needs_gunicorn
def test_chunks_that_never_end_are_read_up_to_the_limit(tmp_path: Path) -> None:
    (tmp_path / "application.py").write_text(APPLICATION)
    with gunicorn("application", folder=tmp_path, environment={}) as server:
        chunk, sent = b"10000\r\n" + b"x" * 65_536 + b"\r\n", 0
        with socket.create_connection(server.address, timeout=10) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            try:
                while sent < 100_000_000:
                    connection.sendall(chunk)
                    sent += 65_536
            except OSError:
                pass
        assert sent < 50_000_000  # what the system's buffers hold, at most
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (RAW[:50], RAW[50:]))
        head = "\r\n".join(["POST / HTTP/1.1", "Host: a", "Connection: close", *lines_of(signed(BODY))])
        answer = server.send(f"{head}\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + body + b"0\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 204 ")

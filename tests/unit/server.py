"""A Backend API on loopback, for what a canned transport can't show: connections, threads and time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Received(NamedTuple):
    """A request as it arrived."""

    line: str
    headers: Message
    connection: tuple[str, int]


class Exchange(BaseHTTPRequestHandler):
    """One request and how it is answered; `LoopbackAPI.answer` decides."""

    protocol_version = "HTTP/1.1"
    server: LoopbackAPI

    def _respond(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        line = f"{self.command} {self.path.partition('?')[0]}"
        self.server.requests.append(Received(line, self.headers, self.client_address))
        try:
            self.server.answer(self)
        except (BrokenPipeError, ConnectionResetError):  # the client gave up
            self.close_connection = True

    do_GET = do_POST = _respond

    def send_json(self, answer: Any, status: int = 200, **headers: str) -> None:
        self.send_whole(status, json.dumps(answer).encode(), content_type="application/json", **headers)

    def send_whole(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_slowly(self, content: bytes, seconds: float, pause: float = 0.02) -> None:
        """Write *content* as it is, over and over, for so many seconds."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.wfile.write(content)
            self.wfile.flush()
            time.sleep(pause)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class LoopbackAPI(ThreadingHTTPServer):
    """Answers with `answer`, and notes every request and from which connection it came."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer: Callable[[Exchange], None]) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.answer = answer
        self.requests: list[Received] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def asked(self) -> list[str]:
        """The endpoints, as ``GET /v1/jwks``."""
        return [request.line for request in self.requests]

    @property
    def connections(self) -> list[tuple[str, int]]:
        return [request.connection for request in self.requests]


@contextmanager
def serving(answer: Callable[[Exchange], None]) -> Iterator[LoopbackAPI]:
    server = LoopbackAPI(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(10)
        assert not thread.is_alive()
        server.server_close()

"""A Frontend API on raw sockets, which misbehaves as servers and networks do: the path says how."""

from __future__ import annotations

import hashlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

#: Seconds that nothing here takes longer than.
LONG = 20.0
MEGABYTE = 1024 * 1024


@dataclass
class Asked:
    """A request as it arrived."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    size: int = 0
    digest: str = ""
    #: Set when all of its body has come.
    was_read: threading.Event = field(default_factory=threading.Event)
    #: Set when the one that asked has closed the connection, where the behaviour waits for that.
    was_left: threading.Event = field(default_factory=threading.Event)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


class Closed(Exception):
    """The connection is at its end, one way or another."""


class Exchange:
    """One request, and the means to answer it in ways that no library offers."""

    def __init__(self, connection: socket.socket, asked: Asked, stopping: threading.Event) -> None:
        self._connection = connection
        self._stopping = stopping
        self.asked = asked

    def send(self, *parts: bytes) -> None:
        try:
            self._connection.sendall(b"".join(parts))
        except OSError:
            raise Closed from None

    def head(self, status: str = "200 OK", *lines: str) -> None:
        self.send("\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1"))

    def whole(self, body: bytes = b"fine", status: str = "200 OK", *lines: str) -> None:
        self.head(status, *lines, f"Content-Length: {len(body)}")
        self.send(b"" if self.asked.method == "HEAD" else body)

    def chunk(self, data: bytes) -> None:
        self.send(f"{len(data):x}\r\n".encode(), data, b"\r\n")

    def pause(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise Closed

    def wait_until_left(self) -> None:
        """Until whoever asked closes the connection."""
        self._connection.settimeout(0.05)
        until = time.monotonic() + LONG
        while time.monotonic() < until and not self._stopping.is_set():
            try:
                if self._connection.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            raise Closed
        self.asked.was_left.set()
        raise Closed

    def close(self) -> None:
        raise Closed

    def reset(self) -> None:
        """End the connection so that the other side gets an error in place of an end."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Closed


Behaviour = Callable[[Exchange], None]
BEHAVIOURS: dict[str, Behaviour] = {}


def behaviour(function: Behaviour) -> Behaviour:
    """Make *function* what a request to ``/v1/NAME`` gets."""
    BEHAVIOURS["/v1/" + function.__name__.replace("_", "-")] = function
    return function


@behaviour
def fine(exchange: Exchange) -> None:
    exchange.whole()


@behaviour
def typed(exchange: Exchange) -> None:
    exchange.whole(b"fine", "200 OK", "Content-Type: text/plain")


@behaviour
def cookies(exchange: Exchange) -> None:
    exchange.whole(b"fine", "200 OK", "Set-Cookie: a=b; Path=/", "Set-Cookie: c=d; Path=/")


@behaviour
def slow_headers(exchange: Exchange) -> None:
    exchange.wait_until_left()


@behaviour
def slow_body(exchange: Exchange) -> None:
    exchange.head("200 OK", "Content-Length: 8")
    exchange.send(b"half")
    exchange.wait_until_left()


@behaviour
def dripping(exchange: Exchange) -> None:
    """Slowly, but never so that a single wait is long."""
    exchange.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    for _ in range(4):
        exchange.pause(0.05)
        exchange.send(b"x")
    exchange.send(b"\r\nContent-Length: 4\r\n\r\n")
    for letter in b"fine":
        exchange.pause(0.05)
        exchange.send(bytes([letter]))


@behaviour
def closed_at_once(exchange: Exchange) -> None:
    exchange.close()


@behaviour
def reset_at_once(exchange: Exchange) -> None:
    exchange.reset()


@behaviour
def reset_within_headers(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nX-Half: ")
    exchange.reset()


@behaviour
def reset_within_body(exchange: Exchange) -> None:
    exchange.head("200 OK", "Content-Length: 100000")
    exchange.send(b"half" * 100)
    exchange.pause(0.2)  # what was sent would be lost in the reset
    exchange.reset()


@behaviour
def too_short(exchange: Exchange) -> None:
    """Less than its Content-Length says."""
    exchange.head("200 OK", "Content-Length: 8")
    exchange.send(b"half")
    exchange.close()


@behaviour
def no_last_chunk(exchange: Exchange) -> None:
    exchange.head("200 OK", "Transfer-Encoding: chunked")
    exchange.chunk(b"half")
    exchange.close()


@behaviour
def bad_chunks(exchange: Exchange) -> None:
    exchange.head("200 OK", "Transfer-Encoding: chunked")
    exchange.chunk(b"half")
    exchange.pause(0.1)
    exchange.send(b"zz\r\nhalf\r\n0\r\n\r\n")
    exchange.close()


@behaviour
def too_long(exchange: Exchange) -> None:
    """More than its Content-Length says."""
    exchange.head("200 OK", "Content-Length: 4")
    exchange.send(b"finesurplus that is no answer\r\n\r\n")


@behaviour
def two_answers(exchange: Exchange) -> None:
    exchange.head("200 OK", "Content-Length: 4")
    exchange.send(b"fineHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")


FORGED = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"


@behaviour
def two_answers_in_chunks(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n", FORGED)


@behaviour
def no_content_with_body(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 204 No Content\r\n\r\n", FORGED)


@behaviour
def not_modified_with_body(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 304 Not Modified\r\nContent-Length: %d\r\n\r\n" % len(FORGED))
    exchange.pause(0.05)
    exchange.send(FORGED)


@behaviour
def body_to_head(exchange: Exchange) -> None:
    """A body where there is none, which could pass for the next answer."""
    exchange.head("200 OK", "Content-Length: 45")
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")


@behaviour
def informational(exchange: Exchange) -> None:
    exchange.head("100 Continue")
    exchange.head("103 Early Hints", "Link: </style.css>; rel=preload")
    exchange.whole()


@behaviour
def switching_protocols(exchange: Exchange) -> None:
    exchange.head("101 Switching Protocols", "Upgrade: websocket", "Connection: upgrade")
    exchange.wait_until_left()


@behaviour
def chunked(exchange: Exchange) -> None:
    exchange.head("200 OK", "Transfer-Encoding: chunked", "Content-Length: 7000")
    for letter in b"fine":
        exchange.chunk(bytes([letter]))
    exchange.send(b"0\r\nX-Trailer: 1\r\n\r\n")


@behaviour
def huge_headers(exchange: Exchange) -> None:
    exchange.whole(b"fine", "200 OK", *(f"X-Huge-{number}: {'x' * 4000}" for number in range(50)))


@behaviour
def large_headers(exchange: Exchange) -> None:
    exchange.whole(b"fine", "200 OK", *(f"X-Large-{number}: {'x' * 4000}" for number in range(10)))


@behaviour
def no_http(exchange: Exchange) -> None:
    exchange.send(b"SSH-2.0-OpenSSH_9.6\r\n")
    exchange.close()


@behaviour
def unknown_status(exchange: Exchange) -> None:
    exchange.whole(b"fine", "999 Strange")


@behaviour
def old_version(exchange: Exchange) -> None:
    """A body that ends with the connection, as in HTTP/1.0."""
    exchange.send(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nfine")
    exchange.close()


@behaviour
def two_lengths(exchange: Exchange) -> None:
    exchange.head("200 OK", "Content-Length: 4", "Content-Length: 40")
    exchange.send(b"fine")


@behaviour
def signed_length(exchange: Exchange) -> None:
    exchange.head("200 OK", "Content-Length: +4")
    exchange.send(b"fine")


@behaviour
def unknown_coding(exchange: Exchange) -> None:
    exchange.head("200 OK", "Transfer-Encoding: gzip, chunked")
    exchange.chunk(b"fine")
    exchange.send(b"0\r\n\r\n")


@behaviour
def closing(exchange: Exchange) -> None:
    """Keeps no connection, and only says so by closing it."""
    exchange.whole()
    exchange.close()


@behaviour
def not_modified(exchange: Exchange) -> None:
    exchange.head("304 Not Modified", "Content-Length: 4000", 'ETag: "1"')


@behaviour
def early(exchange: Exchange) -> None:
    """Answers an upload that is read by nobody."""
    exchange.whole(b"too large", "413 Content Too Large", "Connection: close")
    exchange.pause(0.2)
    exchange.close()


@behaviour
def waiting(exchange: Exchange) -> None:
    """Begins an answer, and goes on until nobody wants it any more."""
    exchange.head("200 OK", "Content-Type: text/event-stream")
    exchange.send(b"data: 1\n\n")
    exchange.wait_until_left()


@behaviour
def events(exchange: Exchange) -> None:
    """Ten server-sent events, each with the moment at which it is sent."""
    exchange.head("200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked")
    for _ in range(10):
        exchange.chunk(f"data: {time.monotonic()}\n\n".encode())
        exchange.pause(0.05)
    exchange.send(b"0\r\n\r\n")


@behaviour
def download(exchange: Exchange) -> None:
    exchange.head("200 OK", f"Content-Length: {100 * MEGABYTE}")
    block = bytes(MEGABYTE)
    for _ in range(100):
        exchange.send(block)


class Upstream:
    """Notes every request, and answers it as its path says; what it does not know is fine."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.was_asked = threading.Event()
        self.connections = 0
        self._stopping = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listening.settimeout(0.05)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    @property
    def targets(self) -> list[str]:
        return [asked.target for asked in self.asked]

    def last(self, path: str) -> Asked:
        return next(asked for asked in reversed(self.asked) if asked.path == path)

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(LONG)
            assert not thread.is_alive()
        self._listening.close()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listening.accept()
            except TimeoutError:
                continue
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            reader = _Reader(connection, self._stopping)
            try:
                while True:
                    asked = reader.head()
                    self.asked.append(asked)
                    self.was_asked.set()
                    if asked.path != "/v1/early":
                        reader.body(asked)
                    BEHAVIOURS.get(asked.path, fine)(Exchange(connection, asked, self._stopping))
            except Closed:
                pass


class _Reader:
    """Reads requests strictly: whatever it takes for a second one is one that was smuggled in."""

    def __init__(self, connection: socket.socket, stopping: threading.Event) -> None:
        self._connection = connection
        self._stopping = stopping
        self._buffer = b""

    def head(self) -> Asked:
        head = self._until(b"\r\n\r\n").decode("latin-1")
        line, *fields = head.split("\r\n")
        method, target, _ = line.split(" ")
        pairs = [(name, value.strip()) for name, _, value in (text.partition(":") for text in fields)]
        return Asked(method, target, pairs)

    def body(self, asked: Asked) -> None:
        digest = hashlib.sha256()
        if asked.all("transfer-encoding") == ["chunked"]:
            while size := int(self._until(b"\r\n"), 16):
                self._count(asked, size, digest)
                assert self._until(b"\r\n") == b""
            assert self._until(b"\r\n") == b""
        else:
            self._count(asked, int((asked.all("content-length") or ["0"])[0]), digest)
        asked.digest = digest.hexdigest()
        asked.was_read.set()

    def _until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            self._buffer += self._receive()
        found, _, self._buffer = self._buffer.partition(end)
        return found

    def _count(self, asked: Asked, size: int, digest: hashlib._Hash) -> None:
        while size:
            data = self._buffer or self._receive()
            data, self._buffer = data[:size], data[size:]
            size -= len(data)
            asked.size += len(data)
            digest.update(data)

    def _receive(self) -> bytes:
        self._connection.settimeout(0.05)
        while not self._stopping.is_set():
            try:
                data = self._connection.recv(MEGABYTE)
            except TimeoutError:
                continue
            except OSError:
                break
            if not data:
                break
            self._connection.settimeout(LONG)
            return data
        raise Closed


@contextmanager
def misbehaving() -> Iterator[Upstream]:
    upstream = Upstream()
    try:
        yield upstream
    finally:
        upstream.stop()

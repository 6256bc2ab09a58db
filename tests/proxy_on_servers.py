"""What holds of the Frontend API proxy behind every server, with an upstream that misbehaves.

A test module gives a `server` and an `upstream`, and makes `ProxyOnServer` a test class of its own.
"""

from __future__ import annotations

import hashlib
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from .gunicorn_server import Server
from .misbehaving_upstream import MEGABYTE, Asked, Upstream
from .proxied import SECRET_KEY, key_of

#: For a client to be sure that a server does not go on.
WAIT = 20.0

SETTINGS = {
    "CLERK_PUBLISHABLE_KEY": key_of("clerk.example.com"),
    "CLERK_SECRET_KEY": SECRET_KEY,
    "CLERK_AUTHORIZED_PARTIES": "https://app.example.com",
}

#: The beginning of an application's module. ``/memory`` tells the most that the process has taken so far.
PROXYING = """
import resource
import sys

from clerk_middleware import ClerkConfig, FrontendAPIProxy

config = ClerkConfig.from_env(frontend_api_proxy=FrontendAPIProxy(read_timeout_in_ms=1000))


def memory():
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return str(most if sys.platform == "darwin" else most * 1024).encode()
"""

BROKEN_OFF = "ClerkError: Clerk's Frontend API broke off its answer"

WHOLE = [
    "fine",
    "dripping",
    "informational",
    "chunked",
    "large-headers",
    "old-version",
    "closing",
]
NO_ANSWER = [
    "closed-at-once",
    "reset-at-once",
    "reset-within-headers",
    "switching-protocols",
    "huge-headers",
    "no-http",
    "unknown-status",
    "two-lengths",
    "signed-length",
    "unknown-coding",
]
BROKEN = ["reset-within-body", "too-short", "no-last-chunk", "bad-chunks", "slow-body"]

GET = "GET /__clerk/v1/outer HTTP/1.1\r\nHost: app.example.com\r\n"
HEAD = "POST /__clerk/v1/outer HTTP/1.1\r\nHost: app.example.com\r\n"
INNER = "GET /__clerk/v1/smuggled HTTP/1.1\r\nHost: app.example.com\r\n\r\n"
#: Requests that two servers could read differently. None of them reaches the upstream as two.
SMUGGLING = {
    "both-lengths": f"{HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{INNER}",
    "both-in-turn": f"{HEAD}Transfer-Encoding: chunked\r\nContent-Length: 100\r\n\r\n0\r\n\r\n{INNER}",
    "two-lengths": f"{HEAD}Content-Length: 0\r\nContent-Length: {len(INNER)}\r\n\r\n{INNER}",
    "length-list": f"{HEAD}Content-Length: 0, {len(INNER)}\r\n\r\n{INNER}",
    "length-plus": f"{HEAD}Content-Length: +{len(INNER)}\r\n\r\n{INNER}",
    "length-minus": f"{HEAD}Content-Length: -1\r\n\r\n{INNER}",
    "length-hexadecimal": f"{HEAD}Content-Length: 0x5\r\n\r\n{INNER}",
    "length-with-space": f"{HEAD}Content-Length: 1 0\r\n\r\n{INNER}",
    "length-underscore": f"{HEAD}Content-Length: 1_0\r\n\r\n{INNER}",
    "gzip-chunked": f"{HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n{INNER}",
    "twice-chunked": f"{HEAD}Transfer-Encoding: chunked\r\nTransfer-Encoding:chunked\r\n\r\n0\r\n\r\n{INNER}",
    "chunked-identity": f"{HEAD}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{INNER}",
    "unknown-coding": f"{HEAD}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{INNER}",
    "vertical-tab": f"{HEAD}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n{INNER}",
    "space-before-colon": f"{HEAD}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{INNER}",
    "folded": f"{HEAD}Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{INNER}",
    "bare-line-feed": f"{HEAD}X: a\nTransfer-Encoding: chunked\nContent-Length: 5\r\n\r\n0\r\n\r\n{INNER}",
    "bare-return": f"{HEAD}X: a\rTransfer-Encoding: chunked\rContent-Length: 5\r\n\r\n0\r\n\r\n{INNER}",
    "nul": f"{HEAD}X: a\0\r\nContent-Length: 0\r\n\r\n",
    "chunk-size-prefixed": f"{HEAD}Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n{INNER}",
    "chunk-size-signed": f"{HEAD}Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n{INNER}",
    "chunk-size-none": f"{HEAD}Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n{INNER}",
    "chunk-size-huge": f"{HEAD}Transfer-Encoding: chunked\r\n\r\n{'F' * 20}\r\nhello\r\n0\r\n\r\n{INNER}",
    "chunk-without-end": f"{HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n{INNER}",
    "two-hosts": f"{GET}Host: evil.example\r\n\r\n",
    "refused-with-body": (
        f"POST /__clerk//evil.example HTTP/1.1\r\nHost: a\r\nContent-Length: {len(INNER)}\r\n\r\n{INNER}"
    ),
    "trace-with-body": (
        f"TRACE /__clerk/v1/outer HTTP/1.1\r\nHost: a\r\nContent-Length: {len(INNER)}\r\n\r\n{INNER}"
    ),
}


class ProxyOnServer:
    #: Whether the server closes the connection to the upstream as soon as the client of a request is gone.
    notices_clients_that_leave = True
    #: Those of `SMUGGLING` that the server itself reads as two requests, of which the second is its client's.
    forms_of_the_server: frozenset[str] = frozenset()
    #: Whether it takes a body in chunks.
    takes_chunks = True
    #: How many requests it serves at once.
    concurrency = 50

    @pytest.fixture
    def client(self, server: Server) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=f"{server.url}/__clerk/v1", timeout=WAIT, trust_env=False) as client:
            yield client

    # --- Answers -------------------------------------------------------------------------------------

    @pytest.mark.parametrize("name", WHOLE)
    def test_an_answer_that_is_whole_comes_back(self, name: str, client: httpx.Client) -> None:
        for _ in range(2):  # also over a connection that was used before
            response = client.get(f"/{name}")
            assert (response.status_code, response.text) == (200, "fine")

    def test_informational_answers_end_here(self, server: Server) -> None:
        answer = exchange(
            server, b"GET /__clerk/v1/informational HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        assert answer.count(b"HTTP/1.1 ") == 1
        assert b"preload" not in answer

    @pytest.mark.parametrize("name", NO_ANSWER)
    def test_an_answer_that_is_none_is_502(self, name: str, client: httpx.Client) -> None:
        response = client.get(f"/{name}")
        assert (response.status_code, code_of(response)) == (502, "proxy_request_failed")
        assert client.get("/fine").text == "fine"

    def test_one_that_takes_too_long_is_504(self, client: httpx.Client, upstream: Upstream) -> None:
        response = client.get("/slow-headers")
        assert (response.status_code, code_of(response)) == (504, "proxy_request_failed")
        assert upstream.last("/v1/slow-headers").was_left.wait(WAIT)

    @pytest.mark.parametrize("name", BROKEN)
    def test_an_answer_that_is_broken_off_never_looks_whole(self, name: str, client: httpx.Client) -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(f"/{name}")
        assert client.get("/fine").text == "fine"

    def test_what_is_beyond_an_answer_is_no_part_of_it(self, client: httpx.Client) -> None:
        for _ in range(3):
            assert client.get("/too-long").text == "fine"
            after = client.get("/fine")
            assert after.text == "fine" or code_of(after) == "proxy_request_failed"
            assert client.get("/fine").text == "fine"

    @pytest.mark.parametrize("name", ["two-answers", "two-answers-in-chunks"])
    def test_what_is_beyond_an_answer_is_not_the_next_one(self, name: str, client: httpx.Client) -> None:
        for _ in range(3):
            assert client.get(f"/{name}").text == "fine"
            assert client.get("/fine").text == "fine"

    @pytest.mark.parametrize("name", ["no-content-with-body", "not-modified-with-body"])
    def test_neither_is_a_body_where_there_is_none(self, name: str, client: httpx.Client) -> None:
        for _ in range(3):
            response = client.get(f"/{name}")
            assert (response.status_code, response.content) in ((204, b""), (304, b""))
            assert client.get("/fine").text == "fine"

    def test_a_body_that_answers_head_is_nobodys(self, client: httpx.Client) -> None:
        for _ in range(3):
            assert client.head("/body-to-head").headers["content-length"] == "45"
            assert client.get("/fine").text == "fine"

    def test_not_modified(self, server: Server) -> None:
        request = b"GET /__clerk/v1/not-modified HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        head, _, body = exchange(server, request).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 304 ")
        assert (b"content-length: 4000" in head.lower(), body) == (False, b"")

    def test_events_arrive_as_they_are_sent(self, client: httpx.Client) -> None:
        delays = []
        with client.stream("GET", "/events") as response:
            for line in response.iter_lines():
                if line:
                    delays.append(time.monotonic() - float(line.removeprefix("data: ")))
        assert len(delays) == 10
        assert sorted(delays)[5] < 0.15, delays  # all of them take 0.5 s
        print(f"delays of events: {min(delays) * 1000:.1f} to {max(delays) * 1000:.1f} ms")

    def test_many_at_once(self, server: Server) -> None:
        def ask(number: int) -> tuple[int, str]:
            response = httpx.get(f"{server.url}/__clerk/v1/dripping?{number}", timeout=60, trust_env=False)
            return response.status_code, response.text

        count = self.concurrency
        with ThreadPoolExecutor(count) as threads:
            assert list(threads.map(ask, range(count))) == [(200, "fine")] * count

    # --- Sizes ---------------------------------------------------------------------------------------

    def test_an_upload_of_100_megabytes_takes_no_memory(
        self, server: Server, client: httpx.Client, upstream: Upstream
    ) -> None:
        block = bytes(range(256)) * 1024
        client.post("/warm-up", content=block)
        before, began = memory(server), time.monotonic()
        headers = {"content-length": str(400 * len(block))}
        assert client.post("/upload", content=(block for _ in range(400)), headers=headers).text == "fine"
        grown, took = memory(server) - before, time.monotonic() - began
        print(f"upload: {grown / MEGABYTE:.1f} MB, {took:.1f} s")
        asked = upstream.last("/v1/upload")
        assert asked.size == 100 * MEGABYTE
        assert asked.digest == hashlib.sha256(block * 400).hexdigest()
        assert grown < 40 * MEGABYTE

    def test_neither_does_a_download(self, server: Server, client: httpx.Client) -> None:
        client.get("/fine")
        before, size, began = memory(server), 0, time.monotonic()
        with client.stream("GET", "/download") as response:
            for chunk in response.iter_raw():
                size += len(chunk)
        grown, took = memory(server) - before, time.monotonic() - began
        print(f"download: {grown / MEGABYTE:.1f} MB, {took:.1f} s")
        assert size == 100 * MEGABYTE
        assert grown < 40 * MEGABYTE

    def test_an_upload_in_chunks(self, client: httpx.Client, upstream: Upstream) -> None:
        response = client.post("/chunks", content=iter([b"x" * 100_000, b"y" * 100_000]))
        if not self.takes_chunks:
            assert response.status_code == 411
            return
        assert response.text == "fine"
        assert upstream.last("/v1/chunks").size == 200_000

    def test_an_upload_that_nobody_reads(self, client: httpx.Client) -> None:
        response = client.post("/early", content=bytes(300_000))
        assert response.status_code in (413, 502)
        assert client.get("/fine").text == "fine"

    # --- Clients -------------------------------------------------------------------------------------

    def test_a_client_that_leaves_during_the_answer_is_not_answered(
        self, server: Server, upstream: Upstream
    ) -> None:
        asked = self.leave(
            server, upstream, b"GET /__clerk/v1/waiting HTTP/1.1\r\nHost: a\r\n\r\n", read=True
        )
        assert asked.was_left.wait(WAIT)

    def test_one_that_leaves_before_it_is_not_waited_for(self, server: Server, upstream: Upstream) -> None:
        began = time.monotonic()
        asked = self.leave(server, upstream, b"GET /__clerk/v1/slow-headers HTTP/1.1\r\nHost: a\r\n\r\n")
        assert asked.was_left.wait(WAIT)
        if self.notices_clients_that_leave:
            assert time.monotonic() - began < 0.9

    def test_one_that_leaves_during_its_upload_leaves_nothing_behind(
        self, server: Server, upstream: Upstream, client: httpx.Client
    ) -> None:
        request = b"POST /__clerk/v1/left HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n" + bytes(
            200_000
        )
        before = len(upstream.asked)
        with socket.create_connection(server.address, WAIT) as connection:
            connection.sendall(request)
            wait_for(lambda: len(upstream.asked) > before)
        assert client.get("/fine").text == "fine"
        assert upstream.last("/v1/left").digest == ""  # which is only known at the end of a body

    def leave(self, server: Server, upstream: Upstream, request: bytes, read: bool = False) -> Asked:
        before = len(upstream.asked)
        with socket.create_connection(server.address, WAIT) as connection:
            connection.sendall(request)
            if read:
                assert b"200" in connection.recv(1000)
            wait_for(lambda: len(upstream.asked) > before)
        return upstream.asked[before]

    # --- Smuggling -----------------------------------------------------------------------------------

    @pytest.mark.parametrize("form", sorted(SMUGGLING))
    def test_no_request_is_smuggled_in(self, form: str, server: Server, upstream: Upstream) -> None:
        if form in self.forms_of_the_server:
            pytest.skip("this version of the server reads it so")
        before = len(upstream.asked)
        answer = exchange(server, SMUGGLING[form].encode("latin-1"))
        statuses = [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3})", answer)]
        assert all(400 <= status < 600 for status in statuses[:1]), answer
        assert "/v1/smuggled" not in upstream.targets[before:]
        assert upstream.targets[before:] == [], answer

    @pytest.mark.parametrize(
        "line",
        [
            "GET //evil.example/__clerk/v1",
            "GET http://evil.example/__clerk//evil.example",
            "GET /__clerk//evil.example",
            "GET /__clerk/..//evil.example",
            "GET /__clerk/%2e%2e/v1",
            "GET /__clerk/%252e%252e/v1",
            "GET /__clerk/\\evil.example",
            "GET @evil.example/__clerk/v1",
            "CONNECT evil.example:80",
            "TRACE /__clerk/v1",
            "get /__clerk/v1",
        ],
    )
    def test_no_target_leads_elsewhere(self, line: str, server: Server, upstream: Upstream) -> None:
        before = len(upstream.asked)
        request = f"{line} HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n\r\n"
        answer = exchange(server, request.encode())
        assert upstream.targets[before:] == []
        assert SECRET_KEY.encode() not in answer

    def test_nobody_sets_what_only_the_proxy_may(self, server: Server, upstream: Upstream) -> None:
        forged = "Clerk-Secret-Key: forged\r\nClerk_Secret_Key: forged\r\nX-Forwarded-For: 6.6.6.6\r\n"
        forged += "Clerk-Proxy-Url: https://evil.example\r\nX_Forwarded_For: 6.6.6.6\r\n"
        request = (
            f"GET /__clerk/v1/forged HTTP/1.1\r\nHost: app.example.com\r\n{forged}Connection: close\r\n\r\n"
        )
        assert b" 200 " in exchange(server, request.encode())
        asked = upstream.last("/v1/forged")
        assert asked.all("clerk-secret-key") == [SECRET_KEY]
        assert asked.all("clerk-proxy-url") == ["http://app.example.com/__clerk"]
        assert asked.all("x-forwarded-for") == ["127.0.0.1"]
        assert not any("forged" in value or "6.6.6.6" in value for _, value in asked.headers)

    def test_connections_are_used_again(self, client: httpx.Client, upstream: Upstream) -> None:
        client.get("/fine")
        before = upstream.connections
        for _ in range(5):
            client.get("/fine")
        assert upstream.connections - before < 5

    def test_the_log_has_no_secret(self, server: Server) -> None:
        assert SECRET_KEY not in server.log.read_text()


def exchange(server: Server, request: bytes) -> bytes:
    """The answer to these very bytes, until the server ends the connection or has no more to say."""
    answer = b""
    with socket.create_connection(server.address, WAIT) as connection:
        try:
            connection.sendall(request)
            connection.settimeout(1.0)
            while chunk := connection.recv(65536):
                answer += chunk
                connection.settimeout(0.3)
        except (TimeoutError, ConnectionError):
            pass
    return answer


def code_of(response: httpx.Response) -> str:
    (error,) = response.json()["errors"]
    code: str = error["code"]
    return code


def memory(server: Server) -> int:
    """The most bytes that the server's process has taken so far."""
    return int(httpx.get(f"{server.url}/memory", timeout=WAIT, trust_env=False).text)


def wait_for(condition: object) -> None:
    assert callable(condition)
    until = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)

"""An application factory under real servers, over real HTTP: gunicorn with two workers, and Flask's own."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from clerk_middleware.local import LocalClerk, LocalServer

Headers = dict[str, str]

FACTORY = """
import os
from flask import Flask
from clerk_middleware_flask import Clerk, current_auth, get_session, require_role

clerk = Clerk()

def create_app():
    app = Flask(__name__)
    app.config.from_prefixed_env()
    clerk.init_app(app)

    @app.get("/")
    def index():
        return {"user": current_auth.user_id, "org": current_auth.org_id, "pid": os.getpid()}

    @app.get("/admin")
    @require_role("org:admin")
    def admin():
        return {"user": get_session().user_id}

    @app.get("/async")
    async def asynchronous():
        return {"user": current_auth.user_id}

    @app.post("/sign-out")
    def sign_out():
        return clerk.sign_out()

    return app
"""

GUNICORN = [
    "gunicorn", "--workers=2", "--bind=127.0.0.1:0", "--graceful-timeout=1", "--limit-request-field_size=0",
]  # fmt: skip
SERVERS = {
    "sync": [*GUNICORN, "--worker-class=sync", "factory:create_app()"],
    "gthread": [*GUNICORN, "--worker-class=gthread", "--threads=4", "factory:create_app()"],
    "werkzeug": ["flask", "--app=factory", "run", "--port=0", "--no-reload"],
}


class Server:
    """An application that is being served, and what its server wrote."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self.log = log
        self.port = urlsplit(url).port
        self.client = httpx.Client(base_url=url)

    def get(self, path: str = "/", headers: Any = None) -> httpx.Response:
        return self.client.get(path, headers=headers)

    def send(self, request: bytes) -> bytes:
        """What the server says to these very bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
        return received


@pytest.fixture(scope="module", params=list(SERVERS))
def server(
    request: pytest.FixtureRequest,
    clerk: LocalClerk,
    backend_api: LocalServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    command = SERVERS[request.param]
    if find_spec(command[0]) is None or (command[0] == "gunicorn" and sys.platform == "win32"):
        pytest.skip("gunicorn does not run here")
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "factory.py").write_text(FACTORY)
    log = folder / "server.log"
    environment = {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "FLASK_CLERK_PROTECTED_ROUTES": "/private(.*)",
        "CLERK_SECRET_KEY": clerk.secret_key,
        "CLERK_PUBLISHABLE_KEY": clerk.publishable_key,
        "CLERK_API_URL": backend_api.url,
        "CLERK_AUTHORIZED_PARTIES": "https://app.example.com",
    }
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", *command], cwd=folder, env=environment, stdout=output, stderr=output
        ) as process,
    ):
        try:
            server = Server(_address(log, process), log)
            with server.client:
                yield server
        finally:
            process.terminate()
            process.wait(timeout=10)


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up and process.poll() is None:
        text = log.read_text()
        found = re.search(r"(?:Listening at:|Running on) (http://127\.0\.0\.1:\d+)", text)
        if found and ("gunicorn" not in text or text.count("Booting worker") == 2):
            return found[1]
        time.sleep(0.02)
    raise AssertionError(log.read_text())


@pytest.fixture(autouse=True)
def no_traceback(server: Server) -> Iterator[None]:
    began = server.log.stat().st_size
    yield
    written = server.log.read_bytes()[began:]
    assert b"Traceback" not in written
    assert b"ERROR" not in written


class TestARequest:
    def test_is_known_by_its_token(self, server: Server, dispatcher: Headers) -> None:
        response = server.get(headers=dispatcher)
        assert response.json()["user"] == "user_dev"
        assert response.headers.get_list("vary") == ["Authorization, Cookie"]
        assert server.get("/async", dispatcher).json() == {"user": "user_dev"}
        assert server.get().json()["user"] is None

    def test_is_known_by_its_cookies(self, server: Server, cookies: Headers) -> None:
        assert server.get(headers=cookies).json()["user"] == "user_dev"

    def test_is_refused(self, server: Server, dispatcher: Headers, admin: Headers) -> None:
        assert server.get("/admin").status_code == 401
        assert server.get("/admin", dispatcher).status_code == 403
        assert server.get("/admin", admin).json() == {"user": "user_ada"}
        assert server.get("/private/room").status_code == 401
        assert server.get("/private/room", dispatcher).status_code == 404

    def test_of_a_head_gets_no_body(self, server: Server) -> None:
        received = server.send(b"HEAD /admin HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n\r\n")
        head, _, body = received.partition(b"\r\n\r\n")
        assert head.split()[1] == b"401"
        assert body == b""

    def test_is_sent_to_sign_in_and_through_a_handshake(self, server: Server, navigation: Headers) -> None:
        response = server.get("/admin", navigation)
        assert response.status_code == 307
        assert urlsplit(response.headers["location"]).path == "/sign-in"
        response = server.get("/admin", navigation | {"cookie": "__client_uat=99"})
        assert response.status_code == 307
        target = urlsplit(response.headers["location"])
        assert target.path == "/v1/client/handshake"
        assert parse_qs(target.query)["redirect_url"] == [f"{server.url}/admin"]

    def test_signs_out(self, server: Server, clerk: LocalClerk) -> None:
        session = clerk.sign_in("user_rosa")
        token = clerk.session_token(session, azp="https://app.example.com")
        response = server.client.post("/sign-out", headers={"authorization": f"Bearer {token}"})
        assert (response.status_code, response.headers["location"]) == (303, "/")
        assert session.closed == "revoked"


def test_a_hundred_at_the_same_time_are_each_themselves(
    server: Server, signed_in: Callable[..., Headers]
) -> None:
    users = ["user_dev", "user_ada", "user_carmen", "user_rosa", "user_sam"]
    headers: list[Any] = [signed_in(user) for user in users] + [None]
    expected = [*users, None]

    def told(number: int) -> bool:
        response = server.get(headers=headers[number % len(headers)])
        pids.add(response.json()["pid"])
        return bool(response.json()["user"] == expected[number % len(headers)])

    pids: set[int] = set()
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(told, range(100))) == [True] * 100
    assert len(pids) <= 2


class TestBadInput:
    """An answer, and no traceback: see `no_traceback`."""

    @pytest.mark.parametrize(
        "lines",
        [
            [b"Authorization: Bearer \xff\xfe\x80"],
            [b"Authorization: Bearer " + "ü.ü.ü".encode()],
            [b"Authorization: Bearer a.b.c", b"Authorization: Bearer d.e.f"],
            [b"Cookie: __session=\xff\xfe; __client_uat=\xff"],
            [b"Cookie: __session=" + b"x" * 65536],
            [b"Cookie: " + b"; ".join(b"c%d=%d" % (i, i) for i in range(5000))],
            [b"Cookie: __session=%FF%FE%00; __client_uat=1"],
            [b"Sec-Fetch-Dest: document", b"Accept: text/html", b"Cookie: __client_uat=\xff\xff"],
            [b"X-Forwarded-Host: \xff", b"Origin: \xff"],
        ],
        ids=lambda lines: repr(lines[0][:40]),
    )
    def test_in_headers(self, lines: list[bytes], server: Server) -> None:
        head = [b"GET / HTTP/1.1", b"Host: app.example.com", b"Connection: close", *lines]
        status = server.send(b"\r\n".join(head) + b"\r\n\r\n").split(b" ", 2)[1]
        assert status in (b"200", b"307", b"400", b"413", b"431")

    @pytest.mark.parametrize("path", [b"/", b"/private/room", b"/admin"])
    def test_by_a_missing_host(self, path: bytes, server: Server) -> None:
        received = server.send(b"GET " + path + b" HTTP/1.0\r\n\r\n")
        assert received.split()[1] == (b"200" if path == b"/" else b"401")

    @pytest.mark.parametrize("host", [b"", b"\xff", b"a b", b"evil.example/x", b"[::1", b"a:99999", b"a,b"])
    @pytest.mark.parametrize("extra", [b"", b"Sec-Fetch-Dest: document\r\nCookie: __client_uat=9\r\n"])
    def test_by_a_strange_host(self, host: bytes, extra: bytes, server: Server) -> None:
        received = server.send(
            b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n" + extra + b"\r\n"
        )
        assert received.split()[1] in (b"200", b"307", b"400")

    @pytest.mark.parametrize(
        "target",
        [
            b"http://app.example.com/private/room",
            b"http://evil.example/private/room",
            b"HTTP://app.example.com//private/room",
            b"//app.example.com/../private/room",
            b"/%70rivate/room",
            b"/private%2Froom",
            b"//private/room",
            b"/x/../private/room",
            b"/\xff/../private",
        ],
    )
    def test_by_a_strange_target_opens_nothing(self, target: bytes, server: Server) -> None:
        received = server.send(
            b"GET " + target + b" HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n\r\n"
        )
        assert received.split()[1] in (b"401", b"400", b"404", b"308")

    def test_by_a_prefix_without_its_slash_opens_nothing(self, server: Server) -> None:
        """gunicorn believes this header of a proxy on this machine, and takes the prefix off as it is."""
        received = server.send(
            b"GET /appprivate/room HTTP/1.1\r\nHost: app.example.com\r\nSCRIPT_NAME: /app\r\n"
            b"Connection: close\r\n\r\n"
        )
        status = received.split()[1]
        assert status in ((b"404",) if "werkzeug" in server.log.parent.name else (b"401",))

    @pytest.mark.parametrize(
        "target", [b"/?__clerk_handshake=%FF", b"/?\xff\xfe", b"/?__clerk_db_jwt=%00", b"*", b"/%", b"/?%"]
    )
    def test_in_a_target(self, target: bytes, server: Server) -> None:
        for extra in (b"", b"Sec-Fetch-Dest: document\r\n"):
            received = server.send(
                b"GET "
                + target
                + b" HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n"
                + extra
                + b"\r\n"
            )
            assert received.split()[1] in (b"200", b"307", b"400", b"404")

"""An application factory under real servers, over real HTTP: gunicorn with two workers, and Flask's own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from clerk_middleware.local import LocalClerk, LocalServer

from ..gunicorn_server import Server, gunicorn, needs_gunicorn

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

GUNICORN = ["factory:create_app()", "--workers=2", "--limit-request-field_size=0"]
SERVERS = {
    "sync": [*GUNICORN, "--worker-class=sync"],
    "gthread": [*GUNICORN, "--worker-class=gthread", "--threads=4"],
}


@pytest.fixture(
    scope="module",
    params=[*(pytest.param(name, marks=needs_gunicorn) for name in SERVERS), "werkzeug"],
)
def server(
    request: pytest.FixtureRequest,
    clerk: LocalClerk,
    backend_api: LocalServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "factory.py").write_text(FACTORY)
    environment = {
        "FLASK_CLERK_PROTECTED_ROUTES": "/private(.*)",
        "CLERK_SECRET_KEY": clerk.secret_key,
        "CLERK_PUBLISHABLE_KEY": clerk.publishable_key,
        "CLERK_API_URL": backend_api.url,
        "CLERK_AUTHORIZED_PARTIES": "https://app.example.com",
    }
    if request.param == "werkzeug":
        with flask_run(folder, environment) as server:
            yield server
        return
    application, *options = SERVERS[request.param]
    with gunicorn(application, *options, folder=folder, environment=environment) as server:
        yield server


@contextmanager
def flask_run(folder: Path, environment: dict[str, str]) -> Iterator[Server]:
    """Flask's own server, which says on which port it listens."""
    log = folder / "werkzeug.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [sys.executable, "-m", "flask", "--app=factory", "run", "--port=0", "--no-reload"],
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            yield Server(("127.0.0.1", _port(log, process)), log)
        finally:
            process.terminate()
            process.wait(timeout=10)


def _port(log: Path, process: subprocess.Popen[bytes]) -> int:
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up and process.poll() is None:
        if found := re.search(r"Running on http://127\.0\.0\.1:(\d+)", log.read_text()):
            return int(found[1])
        time.sleep(0.02)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False, timeout=10) as client:
        yield client


@pytest.fixture(autouse=True)
def no_traceback(server: Server) -> Iterator[None]:
    began = server.log.stat().st_size
    yield
    written = server.log.read_bytes()[began:]
    assert b"Traceback" not in written
    assert b"ERROR" not in written


class TestARequest:
    def test_is_known_by_its_token(self, client: httpx.Client, dispatcher: Headers) -> None:
        response = client.get("/", headers=dispatcher)
        assert response.json()["user"] == "user_dev"
        assert response.headers.get_list("vary") == ["Authorization, Cookie"]
        assert client.get("/async", headers=dispatcher).json() == {"user": "user_dev"}
        assert client.get("/").json()["user"] is None

    def test_is_known_by_its_cookies(self, client: httpx.Client, cookies: Headers) -> None:
        assert client.get("/", headers=cookies).json()["user"] == "user_dev"

    def test_is_refused(self, client: httpx.Client, dispatcher: Headers, admin: Headers) -> None:
        assert client.get("/admin").status_code == 401
        assert client.get("/admin", headers=dispatcher).status_code == 403
        assert client.get("/admin", headers=admin).json() == {"user": "user_ada"}
        assert client.get("/private/room").status_code == 401
        assert client.get("/private/room", headers=dispatcher).status_code == 404

    def test_of_a_head_gets_no_body(self, server: Server) -> None:
        received = server.send(b"HEAD /admin HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n\r\n")
        head, _, body = received.partition(b"\r\n\r\n")
        assert head.split()[1] == b"401"
        assert body == b""

    def test_is_sent_to_sign_in_and_through_a_handshake(
        self, server: Server, client: httpx.Client, navigation: Headers
    ) -> None:
        response = client.get("/admin", headers=navigation)
        assert response.status_code == 307
        assert urlsplit(response.headers["location"]).path == "/sign-in"
        response = client.get("/admin", headers=navigation | {"cookie": "__client_uat=99"})
        assert response.status_code == 307
        target = urlsplit(response.headers["location"])
        assert target.path == "/v1/client/handshake"
        assert parse_qs(target.query)["redirect_url"] == [f"{server.url}/admin"]

    def test_signs_out(self, client: httpx.Client, clerk: LocalClerk) -> None:
        session = clerk.sign_in("user_rosa")
        token = clerk.session_token(session, azp="https://app.example.com")
        response = client.post("/sign-out", headers={"authorization": f"Bearer {token}"})
        assert (response.status_code, response.headers["location"]) == (303, "/")
        assert session.closed == "revoked"


class TestRequestsAtTheSameTime:
    def test_are_each_of_their_own_user(
        self, client: httpx.Client, signed_in: Callable[..., Headers]
    ) -> None:
        users = ["user_dev", "user_ada", "user_carmen", "user_rosa", "user_sam"]
        headers: list[Any] = [signed_in(user) for user in users] + [None]
        expected = [*users, None]

        def told(number: int) -> bool:
            response = client.get("/", headers=headers[number % len(headers)])
            return bool(response.json()["user"] == expected[number % len(headers)])

        with ThreadPoolExecutor(16) as pool:
            assert list(pool.map(told, range(100))) == [True] * 100

    def test_are_answered_by_both_workers(self, server: Server, signed_in: Callable[..., Headers]) -> None:
        """And by each alike, to whoever asks."""
        if "werkzeug" in server.log.name:
            pytest.skip("Flask's own server is one process")
        asking = {"user_dev": signed_in("user_dev"), "user_ada": signed_in("user_ada"), None: {}}
        answered: dict[int, set[str | None]] = {}

        def ask(user: str | None) -> None:
            with httpx.Client(base_url=server.url, trust_env=False, timeout=10) as client:
                told = client.get("/", headers=asking[user]).json()
            assert told["user"] == user
            answered.setdefault(told["pid"], set()).add(user)

        give_up = time.monotonic() + 20
        while time.monotonic() < give_up:
            with ThreadPoolExecutor(12) as pool:  # at once, so that one alone is too busy for them
                list(pool.map(ask, [*asking] * 8))
            if [len(users) for users in answered.values()] == [len(asking)] * 2:
                break
        assert sorted(len(users) for users in answered.values()) == [len(asking)] * 2


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
    def test_in_headers_is_answered(self, lines: list[bytes], server: Server) -> None:
        head = [b"GET / HTTP/1.1", b"Host: app.example.com", b"Connection: close", *lines]
        status = server.send(b"\r\n".join(head) + b"\r\n\r\n").split(b" ", 2)[1]
        assert status in (b"200", b"307", b"400", b"413", b"431")

    @pytest.mark.parametrize("path", [b"/", b"/private/room", b"/admin"])
    def test_without_a_host_is_answered(self, path: bytes, server: Server) -> None:
        received = server.send(b"GET " + path + b" HTTP/1.0\r\n\r\n")
        assert received.split()[1] == (b"200" if path == b"/" else b"401")

    @pytest.mark.parametrize("host", [b"", b"\xff", b"a b", b"evil.example/x", b"[::1", b"a:99999", b"a,b"])
    @pytest.mark.parametrize("extra", [b"", b"Sec-Fetch-Dest: document\r\nCookie: __client_uat=9\r\n"])
    def test_with_a_strange_host_is_answered(self, host: bytes, extra: bytes, server: Server) -> None:
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
    def test_with_a_strange_target_opens_nothing(self, target: bytes, server: Server) -> None:
        received = server.send(
            b"GET " + target + b" HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n\r\n"
        )
        assert received.split()[1] in (b"401", b"400", b"404", b"308")

    def test_with_a_prefix_without_its_slash_opens_nothing(self, server: Server) -> None:
        """gunicorn believes this header of a proxy on this machine, and takes the prefix off as it is."""
        received = server.send(
            b"GET /appprivate/room HTTP/1.1\r\nHost: app.example.com\r\nSCRIPT_NAME: /app\r\n"
            b"Connection: close\r\n\r\n"
        )
        status = received.split()[1]
        assert status in ((b"404",) if "werkzeug" in server.log.name else (b"401",))

    @pytest.mark.parametrize(
        "target", [b"/?__clerk_handshake=%FF", b"/?\xff\xfe", b"/?__clerk_db_jwt=%00", b"*", b"/%", b"/?%"]
    )
    def test_in_a_target_is_answered(self, target: bytes, server: Server) -> None:
        for extra in (b"", b"Sec-Fetch-Dest: document\r\n"):
            received = server.send(
                b"GET "
                + target
                + b" HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n"
                + extra
                + b"\r\n"
            )
            assert received.split()[1] in (b"200", b"307", b"400", b"404")

"""The middleware behind real servers, and under frameworks and threads: what a client sees on its socket."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from clerk_middleware.local import LocalClerk
from clerk_middleware.wsgi import ClerkMiddleware, get_auth

from ..gunicorn_server import gunicorn, needs_gunicorn, send

SITE = "https://app.example.com"

APPLICATION = '''
from clerk_middleware import ClerkConfig
from clerk_middleware.wsgi import ClerkMiddleware, get_auth, get_session


def respond(environ, start_response):
    """Says who is there; some paths want somebody, at different moments."""
    path = environ["PATH_INFO"]
    headers = [("Content-Type", "text/plain"), ("Content-Length", "8"), ("Set-Cookie", "a=b")]
    if path == "/session":
        get_session(environ)
    start_response("200 OK", headers)
    if path == "/late":
        get_session(environ)
    who = (get_auth(environ).user_id or "nobody").ljust(8).encode()
    yield who[:4]
    if path == "/too-late":
        get_session(environ)
    yield who[4:]


def at_once(environ, start_response):
    chunks = respond(environ, start_response)
    return [next(chunks), next(chunks)]


def app(environ, start_response):
    return (at_once if environ["QUERY_STRING"] == "once" else respond)(environ, start_response)


application = ClerkMiddleware(app, ClerkConfig.from_env(), protected_routes="/private(.*)")
'''


@pytest.fixture(
    scope="module",
    params=[
        "wsgiref",
        pytest.param("sync", marks=needs_gunicorn),
        pytest.param("gthread", marks=needs_gunicorn),
    ],
)
def address(
    request: pytest.FixtureRequest, clerk: LocalClerk, backend_api: Any, tmp_path_factory: Any, serve: Any
) -> Iterator[tuple[str, int]]:
    """Servers whose application gets Clerk's public keys over HTTP."""
    settings = {
        "CLERK_PUBLISHABLE_KEY": clerk.publishable_key,
        "CLERK_SECRET_KEY": clerk.secret_key,
        "CLERK_API_URL": backend_api.url,
        "CLERK_AUTHORIZED_PARTIES": SITE,
    }
    if request.param == "wsgiref":
        module: dict[str, Any] = {}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            exec(compile(APPLICATION, "application.py", "exec"), module)  # noqa: S102
        with serve(module["application"]) as address:
            yield address
        module["application"].authenticator.close()
        return
    folder: Path = tmp_path_factory.mktemp(request.param)
    (folder / "application.py").write_text(APPLICATION)
    options = [f"--worker-class={request.param}", *(["--threads=4"] if request.param == "gthread" else [])]
    too_late = "NotAuthenticated: nobody is signed in"
    with gunicorn("application", *options, folder=folder, environment=settings, may_raise=too_late) as server:
        yield server.address


class TestARealServer:
    @pytest.fixture
    def client(self, address: Any) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=f"http://{address[0]}:{address[1]}", timeout=10) as client:
            yield client

    @pytest.mark.parametrize("credentials", ["dispatcher", "cookies"])
    @pytest.mark.parametrize("path", ["/", "/?once", "/session", "/late", "/private", "/too-late"])
    def test_knows_who_it_is(self, path: str, credentials: str, request: Any, client: httpx.Client) -> None:
        response = client.get(path, headers=request.getfixturevalue(credentials))
        assert (response.status_code, response.text) == (200, "user_dev")
        assert response.headers.get_list("vary") == ["Authorization, Cookie"]

    @pytest.mark.parametrize(
        "path", ["/session", "/late", "/session?once", "/late?once", "/private", "/%70rivate"]
    )
    def test_refuses_with_one_whole_response(self, path: str, client: httpx.Client) -> None:
        response = client.get(path)
        assert response.status_code == 401
        assert response.json()["clerk_error"]["reason"] == "session-token-and-uat-missing"
        for name in ("content-length", "content-type", "vary"):
            assert len(response.headers.get_list(name)) == 1
        assert "set-cookie" not in response.headers

    def test_sends_a_navigation_to_sign_in(self, client: httpx.Client, navigation: Any) -> None:
        response = client.get("/session", headers=navigation | {"host": "app.example.com"})
        assert response.status_code == 307
        assert response.headers["location"].endswith("?redirect_url=http%3A%2F%2Fapp.example.com%2Fsession")

    def test_answers_head_with_no_body(self, address: Any) -> None:
        answer = send(
            address, b"HEAD /private HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n\r\n"
        )
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.split()[1] == b"401"
        assert (body, b"content-length: 0" in head.lower()) == (b"", False)

    def test_breaks_off_a_response_that_cannot_be_finished(self, address: Any) -> None:
        answer = send(
            address, b"GET /too-late HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n\r\n"
        )
        assert answer.startswith(b"HTTP/1.")
        assert answer.split(b"\r\n\r\n", 1)[1][:4] == b"nobo"
        assert b"clerk_error" not in answer

    @pytest.mark.parametrize(
        "request_text",
        [
            b"GET / HTTP/1.0\r\n\r\n",
            b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a b\xff\r\nConnection: close\r\n\r\n",
            b"GET http://app.example.com/ HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n\r\n",
            b"GET /?__clerk_handshake=x.y.z&%FF=%00&\xff HTTP/1.0\r\n\r\n",
            b"GET /?%ff=%zz&&;=? HTTP/1.0\r\n\r\n",
            b"GET / HTTP/1.0\r\nAuthorization: Bearer \xff\xfe\r\nCookie: \xff=\x80\r\n\r\n",
            b"GET / HTTP/1.0\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
            b"GET / HTTP/1.0\r\nCookie: a=1; __client_uat=1\r\nCookie: __session=x\r\n\r\n",
            b"GET / HTTP/1.0\r\nX_Forwarded_Host: evil.example\r\nAuthor_ization: Bearer x\r\n\r\n",
            b"GET / HTTP/1.0\r\nCookie: " + b"a=" + b"x" * 60_000 + b"\r\n\r\n",
            b"OPTIONS * HTTP/1.0\r\n\r\n",
        ],
    )
    def test_answers_whatever_it_is_sent(self, request_text: bytes, address: Any) -> None:
        answer = send(address, request_text)
        assert int(answer.split(maxsplit=2)[1]) < 500
        assert b"user_" not in answer

    def test_cannot_be_fooled_by_an_absolute_target(self, address: Any) -> None:
        answer = send(
            address, b"GET http://app.example.com/private HTTP/1.0\r\nHost: app.example.com\r\n\r\n"
        )
        # The library's own server hands the whole of it to the application, for which it is no /private.
        assert answer.split()[1] == b"401" or answer.endswith(b"nobody  ")


def test_one_middleware_serves_many_threads(
    clerk: LocalClerk, backend_api: Any, config: Any, environ_of: Any, serve_once: Any
) -> None:
    """Also when all of them need Clerk's public keys at once."""

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield str(get_auth(environ).session_id).encode()

    guarded = ClerkMiddleware(app, config(jwt_key=None, api_url=backend_api.url))

    def visit(number: int) -> tuple[str, str]:
        wanted = f"sess_thread_{number}" if number % 5 else "None"
        headers = {}
        if number % 5:
            token = clerk.issue_session_token("user_dev", azp=SITE, claims={"sid": wanted})
            headers = {"authorization": f"Bearer {token}"}
        return wanted, serve_once(guarded, environ_of("/", headers)).body.decode()

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(visit, range(200)))
    assert [got for _, got in answers] == [wanted for wanted, _ in answers]
    assert len({got for _, got in answers}) == 161
    guarded.authenticator.close()

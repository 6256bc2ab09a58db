"""A WSGI server that is a function call, checked on both sides by the standard library's validator."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.validate import validator

import pytest

from clerk_middleware.wsgi import ClerkMiddleware

SITE = "https://app.example.com"


@dataclass
class Answer:
    """What a server got."""

    environ: dict[str, Any]
    status_line: str = ""
    pairs: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    #: How often the application called ``start_response``.
    starts: int = 0

    @property
    def status(self) -> int:
        return int(self.status_line.split()[0])

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def headers(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key.lower() == name]

    def header(self, name: str) -> str | None:
        """The value of a header that there is once at most."""
        found = self.headers(name)
        assert len(found) <= 1
        return found[0] if found else None


@pytest.fixture(scope="session")
def environ_of() -> Callable[..., dict[str, Any]]:
    """The environment that a server makes of a request."""

    def make(
        target: str = "/", headers: Mapping[str, str] | None = None, *, method: str = "GET", **other: Any
    ) -> dict[str, Any]:
        raw_path, _, query = target.partition("?")
        sent = {"host": "app.example.com"} | dict(headers or {})
        named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in sent.items()}
        return {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(raw_path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **named,
            **other,
        }

    return make


@pytest.fixture(scope="session")
def serve_once() -> Callable[..., Answer]:
    """Run an application on an environment as PEP 3333 has a server do it."""

    def run(app: Any, environ: dict[str, Any], into: Answer | None = None) -> Answer:
        answer = into if into is not None else Answer(environ)
        answer.environ = environ

        def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
            if exc_info is not None and answer.body:
                raise exc_info[1].with_traceback(exc_info[2])
            assert exc_info is not None or answer.starts == 0
            assert type(headers) is list
            answer.status_line, answer.pairs, answer.starts = status, headers, answer.starts + 1
            return write

        def write(chunk: bytes) -> None:
            assert answer.starts
            answer.body += chunk

        body = app(environ, start_response)
        try:
            for chunk in body:
                write(chunk)
        finally:
            if hasattr(body, "close"):
                body.close()
        assert answer.starts
        return answer

    return run


@pytest.fixture(scope="session")
def request_to(environ_of: Any, serve_once: Any) -> Callable[..., Answer]:
    """Send a request to an application, with the validator of PEP 3333 before it."""

    def send(app: Any, *args: Any, into: Answer | None = None, **options: Any) -> Answer:
        answer: Answer = serve_once(validator(app), environ_of(*args, **options), into)
        return answer

    return send


@pytest.fixture(scope="session")
def new_answer() -> Callable[[], Answer]:
    """Where to look for what was sent before an exception."""
    return lambda: Answer({})


@pytest.fixture(scope="session")
def responding() -> Callable[..., Any]:
    """An application that answers every request in the same way, and is validated itself."""

    def make(status: str = "200 OK", headers: Any = (), body: bytes = b"fine") -> Any:
        own = [("Content-Type", "text/plain"), *headers]

        def app(environ: Any, start_response: Any) -> Any:
            start_response(status, list(own))
            return [body] if environ["REQUEST_METHOD"] != "HEAD" else []

        return validator(app)

    return make


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[tuple[str, int]]]:
    """Serve an application with the server of the standard library, on loopback."""

    @contextmanager
    def serving(app: Any) -> Iterator[tuple[str, int]]:
        with make_server("127.0.0.1", 0, app, handler_class=_Quiet) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            thread.start()
            try:
                yield "127.0.0.1", server.server_port
            finally:
                server.shutdown()
                thread.join(20)
                assert not thread.is_alive(), "the server does not stop"

    return serving


@pytest.fixture
def refreshing(config: Any, backend_api: Any) -> Iterator[Any]:
    """The middleware of an application that can refresh a session."""
    made: list[ClerkMiddleware] = []

    def make(app: Any) -> ClerkMiddleware:
        made.append(ClerkMiddleware(app, config(api_url=backend_api.url)))
        return made[-1]

    yield make
    for middleware in made:
        middleware.authenticator.close()

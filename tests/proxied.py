"""One request to the Frontend API proxy, by ASGI or by WSGI, with no server and no network."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

import anyio
import httpx
import pytest

from clerk_middleware import ClerkConfig
from clerk_middleware.proxy.asgi import ASGIProxy
from clerk_middleware.proxy.wsgi import WSGIProxy

Pairs = Sequence[tuple[str | bytes, str | bytes]]

HOST = ("host", "app.example.com")
PEER = "203.0.113.9"


SECRET_KEY = "sk_live_productionsecret"


def key_of(frontend_api: str, prefix: str = "pk_live_") -> str:
    """The publishable key of the instance with this Frontend API."""
    return prefix + b64encode(f"{frontend_api}$".encode()).decode()


def configured(**options: Any) -> ClerkConfig:
    """The configuration of an application that proxies."""
    keys = {"publishable_key": key_of("clerk.example.com"), "secret_key": SECRET_KEY}
    return ClerkConfig(**(keys | {"frontend_api_proxy": True} | options))


@dataclass
class Sent:
    """What the Frontend API is asked."""

    method: str
    origin: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    timeout: dict[str, float]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def header(self, name: str) -> str | None:
        """The value of a header that there is once at most."""
        values = self.all(name)
        assert len(values) <= 1
        return values[0] if values else None


@dataclass
class Reply:
    """What the Frontend API answers; an exception among the chunks breaks it off."""

    status: int = 200
    headers: Pairs = ()
    chunks: Sequence[bytes | Exception] = (b"fine",)
    is_closed: bool = False


class _Chunks(httpx.SyncByteStream, httpx.AsyncByteStream):
    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._reply.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk

    def close(self) -> None:
        self._reply.is_closed = True

    async def aclose(self) -> None:
        self.close()


class FrontendAPI(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Notes what it is asked, and answers with `reply`: one, an exception, or a function of the request."""

    def __init__(self, reply: Reply | Exception | Callable[[Sent], Reply] | None = None) -> None:
        self.reply = reply if reply is not None else Reply()
        self.asked: list[Sent] = []

    @property
    def sent(self) -> Sent:
        """The one request that there was."""
        (sent,) = self.asked
        return sent

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._answer(request, request.read())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self._answer(request, await request.aread())

    def _answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        url = request.url
        headers = [(name.decode().lower(), value.decode("latin-1")) for name, value in request.headers.raw]
        origin = f"{url.scheme}://{url.netloc.decode()}"
        timeout = request.extensions["timeout"]
        self.asked.append(Sent(request.method, origin, url.raw_path.decode(), headers, body, timeout))
        reply = self.reply(self.asked[-1]) if callable(self.reply) else self.reply
        if isinstance(reply, Exception):
            raise reply
        pairs = [(_bytes(name), _bytes(value)) for name, value in reply.headers]
        return httpx.Response(reply.status, headers=pairs, stream=_Chunks(reply))


@dataclass
class Answer:
    """What the client gets."""

    status: int = 0
    pairs: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    is_complete: bool = False
    #: What the server was left with.
    error: Exception | None = None

    @property
    def code(self) -> str:
        """The one error's code, of an answer that the proxy itself makes."""
        (error,) = json.loads(self.body)["errors"]
        assert sorted(error) == ["code", "message"]
        assert self.header("content-type") == "application/json"
        assert self.header("cache-control") == "no-store"
        code: str = error["code"]
        return code

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key.lower() == name]

    def header(self, name: str) -> str | None:
        """The value of a header that there is once at most."""
        values = self.all(name)
        assert len(values) <= 1
        return values[0] if values else None


Ask = Callable[..., Answer]


def by_asgi(
    config: Any,
    api: FrontendAPI,
    target: str | bytes = "/__clerk/v1/client",
    *,
    method: str = "GET",
    headers: Pairs = (HOST,),
    body: Sequence[bytes] = (),
    peer: str | None = PEER,
    scheme: str = "https",
    backend: str = "asyncio",
    receive: Callable[[], Awaitable[dict[str, Any]]] | None = None,
    **scope: Any,
) -> Answer:
    """Ask by ASGI.

    :param receive: what the server has for the proxy, in place of *body*.
    """
    raw_path, _, query = _bytes(target).partition(b"?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": unquote_to_bytes(raw_path).decode("utf-8", "replace"),
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": [(_bytes(name).lower(), _bytes(value)) for name, value in headers],
        "server": ("127.0.0.1", 8000),
        "client": (peer, 50000) if peer is not None else None,
        **scope,
    }
    incoming = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in body]
    incoming.append({"type": "http.request", "body": b"", "more_body": False})
    if body:
        incoming[-2]["more_body"] = False
        incoming.pop()
    answer = Answer()

    async def next_message() -> dict[str, Any]:
        if not incoming:
            await anyio.sleep_forever()
        return incoming.pop(0)

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            assert not answer.status
            answer.status = message["status"]
            answer.pairs = [(name.decode(), value.decode("latin-1")) for name, value in message["headers"]]
        else:
            answer.body += message["body"]
            answer.is_complete = not message["more_body"]

    async def run() -> None:
        proxy = ASGIProxy(config, transport=api)
        try:
            with anyio.fail_after(20):
                await proxy(scope, receive or next_message, send)
        except Exception as error:
            answer.error = error
        finally:
            await proxy.aclose()

    anyio.run(run, backend=backend)
    return answer


def by_wsgi(
    config: Any,
    api: FrontendAPI,
    target: str | bytes = "/__clerk/v1/client",
    *,
    method: str = "GET",
    headers: Pairs = (HOST,),
    body: Sequence[bytes] = (),
    peer: str | None = PEER,
    scheme: str = "https",
    **environ: Any,
) -> Answer:
    """Ask by WSGI, whose servers decode the path and join headers of one name."""
    raw_path, _, query = _bytes(target).partition(b"?")
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": io.BytesIO(b"".join(body)),
        "wsgi.url_scheme": scheme,
        **({"REMOTE_ADDR": peer} if peer is not None else {}),
        **_named(headers),
        **environ,
    }
    answer = Answer()

    def start_response(status: str, pairs: Any, exc_info: Any = None) -> Any:
        assert not answer.status
        assert all(isinstance(part, str) for pair in pairs for part in pair)
        answer.status, answer.pairs = int(status.split(" ", 1)[0]), pairs

    proxy = WSGIProxy(config, transport=api)
    try:
        chunks: Any = proxy(environ, start_response)
        try:
            for chunk in chunks:
                answer.body += chunk
            answer.is_complete = True
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
    except Exception as error:
        answer.error = error
    finally:
        proxy.close()
    return answer


BOTH = pytest.mark.parametrize("ask", [by_asgi, by_wsgi], ids=["asgi", "wsgi"])


def _named(headers: Pairs) -> dict[str, str]:
    environ: dict[str, str] = {}
    for name, value in headers:
        key = _bytes(name).decode("latin-1").replace("-", "_").upper()
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        text = _bytes(value).decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ


def _bytes(text: str | bytes) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text

"""Requests as a server hands them to Django, and responses as it gets them: byte for byte.

Django's test clients tidy up on both ways: they send no header twice, and keep cookies in a dictionary.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler

Pairs = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Received:
    """A response, as it goes out."""

    status: int
    pairs: list[tuple[str, str]]
    body: bytes

    def headers(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key.lower() == name]

    def header(self, name: str) -> str:
        (value,) = self.headers(name)
        return value

    def json(self) -> Any:
        return json.loads(self.body)


def by_wsgi(
    handler: WSGIHandler,
    method: str,
    path: bytes,
    query: bytes,
    headers: Pairs,
    body: bytes,
    root: str,
    *,
    closing: bool = False,
) -> Received:
    joined: dict[str, str] = {}
    for name, value in headers:
        key = f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}"
        text = value.decode("latin-1")
        joined[key] = f"{joined[key]}{'; ' if name == b'cookie' else ','}{text}" if key in joined else text
    content_type = joined.pop("HTTP_CONTENT_TYPE", "")
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": root,
        "PATH_INFO": path.decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        **joined,
    }
    started: list[Any] = []
    response: Any = handler(environ, lambda status, pairs: started.extend((status, pairs)))
    try:
        content = b"".join(response)
    finally:
        response.close()
    return Received(int(started[0].split()[0]), [(k, v.strip()) for k, v in started[1]], content)


async def by_asgi(
    handler: ASGIHandler,
    method: str,
    path: bytes,
    query: bytes,
    headers: Pairs,
    body: bytes,
    root: str,
    *,
    closing: bool = False,
) -> Received:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "https",
        "method": method,
        # As uvicorn decodes it; ASGI leaves open what becomes of bytes that are not UTF-8.
        "path": root + path.decode("utf-8", "replace"),
        "raw_path": root.encode() + path,
        "root_path": root,
        "query_string": query,
        "headers": list(headers),
        "server": ("127.0.0.1", 443),
    }
    sent: list[dict[str, Any]] = []
    requests = [{"type": "http.request", "body": body}]

    async def receive() -> dict[str, Any]:
        return requests.pop() if requests else await asyncio.Future()

    async def send(message: Any) -> None:
        sent.append(message)

    await handler(scope, receive, send)
    start, *rest = sent
    pairs = [(k.decode("latin-1"), v.decode("latin-1").strip()) for k, v in start["headers"]]
    return Received(start["status"], pairs, b"".join(message.get("body", b"") for message in rest))

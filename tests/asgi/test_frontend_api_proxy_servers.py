"""The Frontend API proxy behind uvicorn, with an upstream that misbehaves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from ..gunicorn_server import Server
from ..misbehaving_upstream import Upstream, misbehaving
from ..proxy_on_servers import BROKEN_OFF, PROXYING, SETTINGS, ProxyOnServer
from ..uvicorn_server import uvicorn

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the server takes over a socket")

APPLICATION = (
    PROXYING
    + """
from clerk_middleware.asgi import ClerkMiddleware


async def respond(scope, receive, send):
    if scope["type"] == "lifespan":
        for event in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{event}.complete"})
        return
    body = memory() if scope["path"] == "/memory" else b"the application"
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": body})


application = ClerkMiddleware(respond, config)
"""
)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with misbehaving() as upstream:
        yield upstream


@pytest.fixture(
    scope="module",
    params=[
        "h11",
        pytest.param(
            "httptools",
            marks=pytest.mark.skipif(find_spec("httptools") is None, reason="needs httptools"),
        ),
    ],
)
def server(request: Any, upstream: Upstream, tmp_path_factory: Any) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "application.py").write_text(APPLICATION)
    with uvicorn(
        "application:application",
        f"--http={request.param}",
        "--no-proxy-headers",  # by default uvicorn itself believes what a client on this machine says
        folder=folder,
        environment=SETTINGS | {"CLERK_FAPI_URL": upstream.url},
        may_raise=BROKEN_OFF,
    ) as server:
        yield server


class TestUvicorn(ProxyOnServer):
    pass

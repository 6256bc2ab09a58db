"""A Frontend API that tells what it is asked, and sends events only as they are taken; and a way to serve."""

from __future__ import annotations

import gzip
import hashlib
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import anyio.to_thread
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

#: Seconds for anything that is waited for: many times what it takes.
PATIENCE = 20.0


class FrontendAPI:
    """Served at `url`, which is a ``fapi_url``."""

    def __init__(self) -> None:
        self.url = ""
        #: The headers of the last request, names in lower case.
        self.headers: dict[str, str] = {}
        #: Set by who has taken the first event.
        self.first_event_was_taken = threading.Event()
        self.app = Starlette(
            routes=[
                Route("/v1/asked", self.asked, methods=["GET", "POST", "PATCH"]),
                Route("/v1/events", self.events),
                Route("/v1/zipped", self.zipped),
                Route("/v1/client/handshake", self.handshake),
            ]
        )

    def forget(self) -> None:
        """Begin anew, for another test."""
        self.headers = {}
        self.first_event_was_taken.clear()

    async def asked(self, request: Request) -> Response:
        """What was asked, but for the secret key."""
        size, digest = 0, hashlib.sha256()
        async for chunk in request.stream():
            size += len(chunk)
            digest.update(chunk)
        self.headers = dict(request.headers)
        told = {"method": request.method, "query": request.url.query, "size": size}
        headers = {"x-clerk": "yes", "connection": request.query_params.get("connection", "keep-alive")}
        return JSONResponse({**told, "sha256": digest.hexdigest()}, headers=headers)

    async def events(self, request: Request) -> Response:
        """Two events, the second not before somebody has the first."""

        async def events() -> AsyncIterator[str]:
            yield "data: first\n\n"
            wait = partial(self.first_event_was_taken.wait, PATIENCE)
            was_taken = await anyio.to_thread.run_sync(wait)
            yield f"data: {'second' if was_taken else 'the first was not taken'}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    async def zipped(self, request: Request) -> Response:
        body = gzip.compress(b"x" * 5000)
        return Response(body, headers={"content-encoding": "gzip"}, media_type="text/plain")

    async def handshake(self, request: Request) -> Response:
        response = RedirectResponse(f"{self.url}/v1/client/verify", 307)
        response.set_cookie("__client", "one")
        response.set_cookie("__client_uat", "2")
        return response


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve an application with uvicorn on loopback; gives its URL."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + PATIENCE
        while not server.started:
            assert thread.is_alive(), "the server does not start"
            assert time.monotonic() < until, "the server does not start"
            time.sleep(0.005)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the server does not stop"


@contextmanager
def served_frontend_api() -> Iterator[FrontendAPI]:
    api = FrontendAPI()
    with serving(api.app) as url:
        api.url = url
        yield api

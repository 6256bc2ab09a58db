"""Serving an application with uvicorn, in a thread, and talking to it with the SDK's client."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx2
import uvicorn
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

#: Of the protocol: the one of sessions, and the one without.
MODES = ["legacy", "2026-07-28"]


@contextmanager
def serving(make: Callable[[str], Any]) -> Iterator[str]:
    """Serve what *make* returns for its own URL, from a free port; yields the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        server = uvicorn.Server(
            uvicorn.Config(make(url), lifespan="on", ws="none", log_config=None, timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, args=([listening],), name=f"MCP {url}", daemon=True)
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.005)
            assert server.started, "the application did not start"
            yield url
        finally:
            server.should_exit = True
            thread.join()


@asynccontextmanager
async def connected(
    url: str, token: str | None = None, *, auth: httpx2.Auth | None = None, mode: Any = "auto"
) -> AsyncIterator[Client]:
    """The SDK's client, with a token that it has, or with *auth* to get one."""
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, auth=auth, timeout=20) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


def answer_of(result: Any) -> Any:
    """What a tool returned."""
    assert not result.is_error, result
    return result.structured_content

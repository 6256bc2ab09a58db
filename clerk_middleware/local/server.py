"""Serving LocalClerk with uvicorn, in the foreground or in a thread of a test."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from clerk_middleware.errors import ConfigurationError

from .origins import is_loopback

__all__ = ["LocalServer", "run", "serve"]

logger = logging.getLogger("clerk_middleware.local")

#: Seconds for stopping: many times what it takes.
_PATIENCE = 20.0
#: Seconds that a connection stays open between two requests. A client that gives up sooner never sends one
#: to a connection that ends at that moment, which could be no answer: httpx's stay for five.
_IDLE = 75


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A LocalClerk that is being served."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end: an application's ``api_url`` and ``proxy_url``."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@contextmanager
def serve(app: ASGIApp, *, name: str, host: str, port: int, allow_remote: bool) -> Iterator[LocalServer]:
    """Serve `app` from a background thread for as long as the block lasts. Port 0 takes a free one.

    Raises `RuntimeError` where it does not stop: nobody waits without end.
    """
    listening, local = _listen(host, port, allow_remote)
    server = uvicorn.Server(_configuration(app))
    thread = threading.Thread(target=server.run, args=([listening],), name=f"LocalClerk {name}", daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        _announce(name, local)
        yield local
    finally:
        server.should_exit = True
        thread.join(_PATIENCE)
        if thread.is_alive():
            raise RuntimeError(
                f"LocalClerk at {local.url} did not stop within {_PATIENCE:g} seconds: a request keeps its "
                "thread busy, or a test has replaced time.monotonic, by which its event loop wakes up"
            )
        listening.close()


def run(
    app: ASGIApp,
    *,
    name: str,
    host: str,
    port: int,
    allow_remote: bool,
    announce: Callable[[LocalServer], None] | None,
) -> None:
    """Serve `app` until it is interrupted."""
    listening, local = _listen(host, port, allow_remote)
    # uvicorn raises it again once it has stopped in good order, and there is nothing left to say.
    with listening, suppress(KeyboardInterrupt):
        if announce is None:
            _announce(name, local)
        else:
            announce(local)
        uvicorn.Server(_configuration(app)).run([listening])


def _listen(host: str, port: int, allow_remote: bool) -> tuple[socket.socket, LocalServer]:
    if not allow_remote and not is_loopback(host):
        raise ConfigurationError(
            f"LocalClerk does not listen on {host or 'every address'!r}: whoever reaches it can sign in as "
            "any user of the seed. Use host='127.0.0.1', or pass allow_remote=True where the network is "
            "yours alone",
            option="host",
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family)
    # Connections inherit it. asyncio sets it only on sockets that name their protocol, which this one
    # doesn't, and without it every answer on a kept connection waits 40 ms for an acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening, LocalServer(host, listening.getsockname()[1])


def _configuration(app: ASGIApp) -> uvicorn.Config:
    # No access log: the URLs of handshakes hold nonces, and those of a development instance tokens.
    return uvicorn.Config(
        app, lifespan="off", ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=1,
        timeout_keep_alive=_IDLE, server_header=False,
    )  # fmt: skip


def _announce(name: str, local: LocalServer) -> None:
    logger.warning(
        "LocalClerk %r at %s is for development and tests. It is no production identity provider: "
        "its passwords are in plain text in its seed, and it forgets everything when it stops.",
        name,
        local.url,
    )

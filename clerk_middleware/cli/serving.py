"""Serving an application with uvicorn: in the foreground, or in a thread while it is walked through."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from .failure import CommandFailed

if TYPE_CHECKING:
    import uvicorn

    from clerk_middleware.asgi_scope import ASGIApp

__all__ = ["listen", "origins_of", "run", "serve", "url_of"]

#: Seconds for starting, and for stopping: many times what either takes.
_PATIENCE = 20.0


def listen(host: str, port: int, *, option: str) -> socket.socket:
    """A listening socket; port 0 takes a free one. *option* is what to change where it is taken."""
    try:
        listening = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandFailed(
                f"port {port} on {host} is taken, perhaps by another demo: stop that, or choose another "
                f"port with {option}"
            ) from error
        raise CommandFailed(f"cannot listen on {host}, port {port}: {error.strerror}") from error
    # Without it every answer on a kept connection waits 40 ms: asyncio sets it only on sockets that
    # name their protocol, and this one doesn't.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def url_of(host: str, listening: socket.socket) -> str:
    """Where a browser finds what listens there, which is also the origin of its pages."""
    port = listening.getsockname()[1]
    return f"http://{f'[{host}]' if ':' in host else host}{f':{port}' if port != 80 else ''}"


def origins_of(host: str, listening: socket.socket) -> list[str]:
    """The origins of its pages, by whichever name of this machine a browser was told to find it."""
    names = {host: None, "localhost": None} | ({"127.0.0.1": None} if host == "localhost" else {})
    return [url_of(name, listening) for name in names]


def run(app: ASGIApp, listening: socket.socket) -> None:
    """Serve until interrupted."""
    # uvicorn raises it again once it has stopped in good order, and there is nothing left to say.
    with suppress(KeyboardInterrupt):
        _server(app).run([listening])


@contextmanager
def serve(app: ASGIApp, listening: socket.socket) -> Iterator[None]:
    """Serve from a background thread for as long as the block lasts.

    Raises `CommandFailed` where it does not start or stop: nobody waits without end.
    """
    server = _server(app)
    thread = threading.Thread(target=server.run, args=([listening],), name="demo application", daemon=True)
    thread.start()
    try:
        give_up = time.monotonic() + _PATIENCE
        while not server.started:
            if not thread.is_alive() or time.monotonic() > give_up:
                raise CommandFailed("the application did not start")
            time.sleep(0.005)
        yield
    finally:
        server.should_exit = True
        thread.join(_PATIENCE)
    if thread.is_alive():
        raise CommandFailed(f"the application did not stop within {_PATIENCE:g} seconds")


def _server(app: ASGIApp) -> uvicorn.Server:
    import uvicorn

    # No access log: in development the URLs of a handshake hold tokens. decisions.py logs without them.
    return uvicorn.Server(
        uvicorn.Config(
            app, log_config=None, access_log=False, timeout_graceful_shutdown=1, server_header=False
        )
    )

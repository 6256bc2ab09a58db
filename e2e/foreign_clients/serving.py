"""Servers on sockets that are there before them, so that each application knows its own origin."""

from __future__ import annotations

import os
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import WSGIApplication

import uvicorn

from ..servers import stop

START, STOP = 20.0, 10.0  # seconds


def listening() -> socket.socket:
    """A socket on a free port of this machine."""
    return socket.create_server(("127.0.0.1", 0))


@contextmanager
def served_by_uvicorn(app: Any, on: socket.socket) -> Iterator[None]:
    """Serve an ASGI application until the block ends."""
    config = uvicorn.Config(
        app, lifespan="on", ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([on],), daemon=True)
    thread.start()
    deadline = time.monotonic() + START
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.005)
    try:
        assert server.started, "uvicorn did not start"
        yield
    finally:
        server.should_exit = True
        thread.join(STOP)
        assert not thread.is_alive(), "uvicorn did not stop"


class _ThreadingServer(socketserver.ThreadingMixIn, WSGIServer):
    pass


class _QuietHandler(WSGIRequestHandler):
    timeout = STOP

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def served_by_wsgiref(app: WSGIApplication, on: socket.socket) -> Iterator[None]:
    """Serve a WSGI application until the block ends."""
    server = _ThreadingServer(on.getsockname(), _QuietHandler, bind_and_activate=False)
    server.socket.close()
    server.socket = on
    server.server_name, server.server_port = "localhost", on.getsockname()[1]
    server.setup_environ()
    server.set_app(app)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(STOP)
        assert not thread.is_alive(), "the WSGI server did not stop"


@contextmanager
def served_by_node(
    script: Path, on: socket.socket, *, environment: Mapping[str, str], log: Path
) -> Iterator[None]:
    """Serve the application of a script for Node until the block ends.

    :param environment: all that it is given of Clerk's variables.
    :param log: where it writes to.
    """
    node = shutil.which("node")
    assert node, "these tests need Node: install Debian's packages nodejs and npm"
    own = {name: value for name, value in os.environ.items() if not name.startswith("CLERK_")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [node, str(script)],
            env={**own, **environment, "LISTENING_FD": str(on.fileno())},
            pass_fds=[on.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START
        while "listening" not in log.read_text("utf-8"):
            running = process.poll() is None and time.monotonic() < deadline
            assert running, f"the server did not start. It wrote:\n{log.read_text('utf-8')}"
            time.sleep(0.01)
        yield
    finally:
        stop(process, log)

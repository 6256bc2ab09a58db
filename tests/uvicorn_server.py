"""Applications under uvicorn, in a process of its own, over real HTTP."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from .gunicorn_server import START, STOP, Server, raised


@contextmanager
def uvicorn(
    application: str,
    *options: str,
    folder: Path,
    environment: Mapping[str, str],
    may_raise: str | None = None,
) -> Iterator[Server]:
    """Serve an application until the block ends; fail then if it raised anything.

    :param application: as uvicorn takes it, ``module:name``.
    :param folder: where the module is, and where the log goes.
    :param environment: in addition to that of the tests.
    :param may_raise: what the last line of each traceback that a test provokes has in it.
    """
    log = folder / "uvicorn.log"
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening, log.open("wb") as output:
        server = Server(listening.getsockname(), log)
        command = [sys.executable, "-m", "uvicorn", f"--fd={listening.fileno()}", "--no-access-log"]
        process = subprocess.Popen(
            [*command, "--timeout-graceful-shutdown=1", *options, application],
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            pass_fds=[listening.fileno()],
            stdout=output,
            stderr=output,
        )
    try:
        try:
            httpx.get(server.url, timeout=START, trust_env=False)
        except httpx.TransportError as error:
            raise AssertionError(f"uvicorn did not answer. It wrote:\n{log.read_text()}") from error
        yield server
    finally:
        process.terminate()
        try:
            process.wait(STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"uvicorn did not stop. It wrote:\n{log.read_text()}") from None
    unexpected = [error for error in raised(log.read_text()) if may_raise is None or may_raise not in error]
    assert not unexpected, log.read_text()

"""Applications under gunicorn, in a process of its own, over real HTTP."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

START, STOP = 30, 10  # seconds

needs_gunicorn = pytest.mark.skipif(
    sys.platform == "win32" or find_spec("gunicorn") is None, reason="needs gunicorn"
)


@dataclass(frozen=True)
class Server:
    """An application that is being served, and what its server writes."""

    address: tuple[str, int]
    log: Path

    @property
    def url(self) -> str:
        return f"http://{self.address[0]}:{self.address[1]}"

    def send(self, request: bytes) -> bytes:
        """The answer to these very bytes, to which the connection has to end."""
        return send(self.address, request)


def send(address: tuple[str, int], request: bytes) -> bytes:
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


@contextmanager
def gunicorn(
    application: str,
    *options: str,
    folder: Path,
    environment: Mapping[str, str],
    cwd: Path | None = None,
    may_raise: str | None = None,
) -> Iterator[Server]:
    """Serve an application until the block ends; fail then if it raised anything.

    :param application: as gunicorn takes it, ``module:name``.
    :param folder: where the module is, unless *cwd* says so, and where the log goes.
    :param environment: in addition to that of the tests.
    :param may_raise: what the last line of each traceback that a test provokes has in it.
    """
    log = folder / "gunicorn.log"
    # gunicorn has a socket of its own in one of these folders.
    own = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "PYTHONUNBUFFERED": "1"}
    # A port that is taken already is nobody else's when gunicorn comes up.
    with socket.create_server(("127.0.0.1", 0)) as listening, log.open("wb") as output:
        server = Server(listening.getsockname(), log)
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                "--graceful-timeout=1",
                *options,
                f"--bind=fd://{listening.fileno()}",
                application,
            ],
            cwd=cwd or folder,
            env={**os.environ, **own, **environment},
            pass_fds=[listening.fileno()],
            stdout=output,
            stderr=output,
        )
    try:
        _wait_for(server, process)
        yield server
    finally:
        _stop(process, log)
    unexpected = [error for error in raised(log.read_text()) if may_raise is None or may_raise not in error]
    assert not unexpected, log.read_text()


def raised(log: str) -> list[str]:
    """The last line of each traceback in a log."""
    found = re.findall(r"Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*(.*)", log)
    assert len(found) == log.count("Traceback"), log
    return found


def _wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Whoever connects waits for gunicorn, or is turned away once that has ended: no other has the socket."""
    try:
        httpx.get(server.url, timeout=START, trust_env=False)
    except httpx.TransportError as error:
        raise AssertionError(
            f"gunicorn did not answer within {START} s ({error!r}; exit code {process.poll()}). It wrote:\n"
            f"{server.log.read_text()}"
        ) from error


def _stop(process: subprocess.Popen[bytes], log: Path) -> None:
    process.terminate()
    try:
        process.wait(STOP)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.wait()
        raise AssertionError(
            f"gunicorn did not stop within {STOP} s. It wrote:\n{log.read_text()}"
        ) from error

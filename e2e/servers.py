"""The example applications, each under a server that one would deploy it with, in a process of its own."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import httpx

import clerk_middleware

Framework = Literal["fastapi", "django", "flask"]
FRAMEWORKS: Final[Sequence[Framework]] = ("fastapi", "django", "flask")

ROOT: Final = Path(__file__).parents[1]
_APPLICATIONS: Final = ROOT / "example_apps"
_START, _STOP = 60, 15  # seconds

_UVICORN = (sys.executable, "-m", "uvicorn", "--no-access-log", "--timeout-graceful-shutdown=1")
_GUNICORN = (sys.executable, "-m", "gunicorn", "--threads=8", "--graceful-timeout=1")


@dataclass(frozen=True)
class _Server:
    command: Sequence[str]
    #: The option that names the listening socket, which the process inherits.
    socket: str
    #: What has to run before.
    before: Sequence[str] | None = None


_SERVERS: Mapping[Framework, _Server] = {
    "fastapi": _Server((*_UVICORN, "--factory", "example_apps.fastapi_fleet.app:create_app"), "--fd={}"),
    "django": _Server(
        (*_UVICORN, "--lifespan=off", "example_apps.django_fleet.asgi:application"),
        "--fd={}",
        (sys.executable, "-m", "django", "migrate", "--verbosity=0"),
    ),
    "flask": _Server((*_GUNICORN, "example_apps.flask_fleet:create_app()"), "--bind=fd://{}"),
}


def listen() -> socket.socket:
    """A free port, which stays taken until the application has it."""
    return socket.create_server(("127.0.0.1", 0), backlog=128)


@contextmanager
def serving(
    framework: Framework, listening: socket.socket, environment: Mapping[str, str], folder: Path
) -> Iterator[Path]:
    """Serve an example application until the block ends; gives its log.

    Fails if it does not start or stop, and if it raised anything that nobody expected.
    """
    server, log = _SERVERS[framework], folder / f"{framework}.log"
    # They are found here, and clerk_middleware where it is installed, as in the tests: not beside them.
    (folder / _APPLICATIONS.name).symlink_to(_APPLICATIONS)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CLERK_")}
    surroundings = {
        **clean,
        "PYTHONPATH": str(folder),
        "PYTHONUNBUFFERED": "1",
        "XDG_RUNTIME_DIR": str(folder),  # where gunicorn has a socket of its own
        "DATABASE_URL": f"sqlite:///{folder / 'fleet.sqlite3'}",
        "DJANGO_SETTINGS_MODULE": "example_apps.django_fleet.settings",
        "DJANGO_ALLOWED_HOSTS": ".localhost,127.0.0.1",
        **environment,
    }
    if server.before is not None:
        subprocess.run(server.before, cwd=folder, env=surroundings, check=True, timeout=_START)
    _expect_the_same_package(surroundings, folder)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*server.command, server.socket.format(listening.fileno())],
            cwd=folder,
            env=surroundings,
            pass_fds=[listening.fileno()],
            stdout=output,
            stderr=output,
        )
    try:
        _wait_for(f"http://127.0.0.1:{listening.getsockname()[1]}/", process, log)
        yield log
    finally:
        stop(process, log)
    assert not tracebacks(log), log.read_text()


def tracebacks(log: Path) -> list[str]:
    """The last line of each that an application wrote."""
    return re.findall(r"Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*(.*)", log.read_text())


def _expect_the_same_package(environment: Mapping[str, str], folder: Path) -> None:
    """The application imports what these tests do: the built wheel, where that is what is tested."""
    where = subprocess.run(
        [sys.executable, "-c", "import clerk_middleware; print(clerk_middleware.__file__)"],
        cwd=folder,
        env=environment,
        check=True,
        timeout=_START,
        capture_output=True,
        text=True,
    )
    assert where.stdout.strip() == clerk_middleware.__file__, where.stdout


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + _START
    while True:
        try:
            answer = httpx.get(url, timeout=_START, trust_env=False)
        except httpx.TransportError as error:
            assert process.poll() is None, f"it ended at once. It wrote:\n{log.read_text()}"
            assert time.monotonic() < give_up, f"no answer ({error!r}). It wrote:\n{log.read_text()}"
            time.sleep(0.05)
        else:
            assert answer.status_code == 200, f"{answer}. It wrote:\n{log.read_text()}"
            return


def stop(process: subprocess.Popen[bytes], log: Path) -> None:
    """End a server in good order, or else say that it did not end so."""
    process.terminate()
    try:
        process.wait(_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError(f"it did not stop. It wrote:\n{log.read_text()}") from None

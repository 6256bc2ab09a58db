"""The example applications, their requests signed in by tokens that LocalClerk issues."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from clerk_middleware import AsyncAuthenticator, ClerkConfig, ClerkRequest
from clerk_middleware.local import LocalClerk

from ..webhook_messages import SECRET

# The example applications are not part of the wheel, which the core is to be taken from: so last.
sys.path.append(str(Path(__file__).parents[2]))

from example_apps import fastapi_fleet as fastapi_example
from example_apps import flask_fleet as flask_example

ROOT = Path(__file__).parents[2]
APP = "http://fleet.example"


class Fleet:
    """An application that was just started: nobody has changed anything yet."""

    #: The status of an answer to a form.
    redirected: int

    def __init__(self, clerk: LocalClerk) -> None:
        self.clerk = clerk

    def token(self, user_id: str, organization: str | None, **options: Any) -> str:
        return self.clerk.issue_session_token(user_id, organization=organization, azp=APP, **options)

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        raise NotImplementedError


class FleetHere(Fleet):
    """In this process, and asked without a network, which it needs for what only Clerk can verify."""

    redirected = 303

    def __init__(
        self, clerk: LocalClerk, clerk_url: str, create_app: Callable[[ClerkConfig | None], Any]
    ) -> None:
        super().__init__(clerk)
        config = ClerkConfig.from_env(_environment(clerk, clerk_url))
        self.create_app = create_app
        self.app = create_app(config)

    @staticmethod
    def config_of(app: Any) -> ClerkConfig:
        """What the application was configured with."""
        raise NotImplementedError


class FastAPIFleet(FleetHere):
    def __init__(self, clerk: LocalClerk, clerk_url: str) -> None:
        super().__init__(clerk, clerk_url, fastapi_example.create_app)
        self._loop = asyncio.Runner()

    def close(self) -> None:
        self._loop.run(self._live())
        self._loop.close()

    async def _live(self) -> None:
        """Start and stop, so that everything closes its connections."""
        events = iter(["lifespan.startup", "lifespan.shutdown"])

        async def receive() -> dict[str, Any]:
            return {"type": next(events)}

        async def send(message: Any) -> None:
            assert message["type"].endswith(".complete")

        await self.app({"type": "lifespan", "app": self.app}, receive, send)

    @staticmethod
    def config_of(app: Any) -> ClerkConfig:
        authenticator: AsyncAuthenticator = app.state.clerk
        return authenticator.config_for(ClerkRequest("GET", APP))

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        async def request() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)  # which knows no timeout
            async with asyncio.timeout(20), httpx.AsyncClient(transport=transport, base_url=APP) as client:
                return await client.request(method, path, headers=headers, **body)

        return self._loop.run(request())


class FlaskFleet(FleetHere):
    def __init__(self, clerk: LocalClerk, clerk_url: str) -> None:
        super().__init__(clerk, clerk_url, flask_example.create_app)

    def close(self) -> None:
        self.app.extensions["clerk"].close()

    @staticmethod
    def config_of(app: Any) -> ClerkConfig:
        config: ClerkConfig = app.extensions["clerk"].config
        return config

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        with httpx.Client(transport=httpx.WSGITransport(self.app), base_url=APP) as client:
            return client.request(method, path, headers=headers, **body)


class ServedFleet(Fleet):
    """In a process of its own, because Django's settings are global."""

    redirected = 302

    def __init__(self, clerk: LocalClerk, client: httpx.Client) -> None:
        super().__init__(clerk)
        self.client = client

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        self.client.cookies.clear()
        return self.client.request(method, path, headers={"host": "fleet.example", **(headers or {})}, **body)


def _environment(clerk: LocalClerk, clerk_url: str) -> dict[str, str]:
    machine = clerk.machines["mch_fleet_api"]
    return {
        "CLERK_PUBLISHABLE_KEY": clerk.publishable_key,
        "CLERK_SECRET_KEY": clerk.secret_key,
        "CLERK_JWT_KEY": clerk.jwt_key,
        "CLERK_API_URL": clerk_url,
        "CLERK_FAPI_URL": clerk_url,
        "CLERK_FRONTEND_API_PROXY": "/__clerk",
        "CLERK_WEBHOOK_SIGNING_SECRET": SECRET,
        "CLERK_AUTHORIZED_PARTIES": APP,
        "CLERK_MACHINE_ID": machine.id,
        "CLERK_MACHINE_SECRET_KEY": machine.secret_key,
    }


class SQLite:
    """The database of the served Django application: a file, and beside it one that is new."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    def keep_as_new(self) -> None:
        shutil.copy(self.path, f"{self.path}.new")

    def make_new(self) -> None:
        shutil.copy(f"{self.path}.new", self.path)

    def execute(self, statement: str) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(statement)


class PostgreSQL:
    """The same where DATABASE_URL names one: ``python tests/with_postgresql.py pytest tests/demo``."""

    _EMPTY = """
        DO $$ DECLARE tables text; BEGIN
            SELECT string_agg(quote_ident(tablename), ',') INTO tables FROM pg_tables
            WHERE schemaname = 'public'
                AND tablename NOT IN ('django_migrations', 'django_content_type', 'auth_permission');
            EXECUTE 'TRUNCATE ' || tables || ' RESTART IDENTITY CASCADE';
        END $$
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def keep_as_new(self) -> None:
        pass

    def make_new(self) -> None:
        self.execute(self._EMPTY)

    def execute(self, statement: str) -> None:
        import psycopg

        options = "-c lock_timeout=20s -c statement_timeout=60s"
        with psycopg.connect(self.url, connect_timeout=20, options=options) as connection:
            connection.execute(statement)


def stop(process: subprocess.Popen[Any]) -> None:
    """End a server in good order, or else say that it did not end so."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def lines_until(text: str, process: subprocess.Popen[str]) -> str:
    """What a process says, up to the line that holds *text*."""
    assert process.stdout is not None
    said = ""
    silent = threading.Timer(60, process.kill)  # which ends what is read here
    silent.start()
    try:
        while text not in said:
            line = process.stdout.readline()
            assert line, f"it ended early, or was silent for a minute, after: {said}"
            said += line
    finally:
        silent.cancel()
    return said


@pytest.fixture(scope="session")
def clerk() -> LocalClerk:
    return LocalClerk()


@pytest.fixture(scope="session")
def clerk_url(clerk: LocalClerk) -> Iterator[str]:
    """Where its Backend API is."""
    with clerk.serve() as server:
        yield server.url


@pytest.fixture
def fastapi_fleet(clerk: LocalClerk, clerk_url: str) -> Iterator[Fleet]:
    with closing(FastAPIFleet(clerk, clerk_url)) as fleet:
        yield fleet


@pytest.fixture
def django_fleet(clerk: LocalClerk, served_django: tuple[httpx.Client, SQLite | PostgreSQL]) -> Fleet:
    client, database = served_django
    database.make_new()
    return ServedFleet(clerk, client)


@pytest.fixture
def flask_fleet(clerk: LocalClerk, clerk_url: str) -> Iterator[Fleet]:
    with closing(FlaskFleet(clerk, clerk_url)) as fleet:
        yield fleet


@pytest.fixture(params=["fastapi_fleet", "django_fleet", "flask_fleet"])
def fleet(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def django_environment(clerk: LocalClerk, clerk_url: str) -> dict[str, str]:
    """The variables of a Django project that signs in with *clerk*, but for its database."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("CLERK_")},
        **_environment(clerk, clerk_url),
        "DJANGO_ALLOWED_HOSTS": "fleet.example",
        "DJANGO_SETTINGS_MODULE": "example_apps.django_fleet.settings",
    }


@pytest.fixture(scope="session")
def served_django(
    django_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[httpx.Client, SQLite | PostgreSQL]]:
    """A client of the Django application, and its database."""
    url = os.environ.get("DATABASE_URL", "")
    is_postgresql = url.startswith("postgres")
    path = tmp_path_factory.mktemp("django") / "fleet.sqlite3"
    database = PostgreSQL(url) if is_postgresql else SQLite(path)
    environment = {**django_environment, "DATABASE_URL": database.url}
    manage = [sys.executable, "example_apps/django_fleet/manage.py"]
    migrate = [*manage, "migrate", "--verbosity", "0"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True, timeout=120)
    database.keep_as_new()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        uvicorn = [sys.executable, "-m", "uvicorn", "example_apps.django_fleet.asgi:application"]
        command = [*uvicorn, "--fd", str(listening.fileno()), "--log-level", "warning", "--lifespan", "off"]
        fds = (listening.fileno(),)
        with subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=fds) as server:
            try:
                url = f"http://127.0.0.1:{listening.getsockname()[1]}"
                with httpx.Client(base_url=url, trust_env=False, timeout=20) as client:
                    yield client, database
            finally:
                stop(server)

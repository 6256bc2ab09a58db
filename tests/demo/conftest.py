"""The example applications, their requests signed in by tokens that LocalClerk issues."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from clerk_middleware import AsyncAuthenticator, ClerkConfig, ClerkRequest
from clerk_middleware.local import LocalClerk

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
    """In this process, and asked without a network: with the public key at hand it needs none."""

    redirected = 303

    def __init__(self, clerk: LocalClerk, create_app: Callable[[ClerkConfig | None], Any]) -> None:
        super().__init__(clerk)
        config = ClerkConfig(
            publishable_key=clerk.publishable_key,
            secret_key=clerk.secret_key,
            jwt_key=clerk.jwt_key,
            authorized_parties=[APP],
        )
        self.create_app = create_app
        self.app = create_app(config)

    @staticmethod
    def config_of(app: Any) -> ClerkConfig:
        """What the application was configured with."""
        raise NotImplementedError


class FastAPIFleet(FleetHere):
    def __init__(self, clerk: LocalClerk) -> None:
        super().__init__(clerk, fastapi_example.create_app)

    @staticmethod
    def config_of(app: Any) -> ClerkConfig:
        authenticator: AsyncAuthenticator = app.state.clerk
        return authenticator.config_for(ClerkRequest("GET", APP))

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        async def request() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url=APP) as client:
                return await client.request(method, path, headers=headers, **body)

        return asyncio.run(request())


class FlaskFleet(FleetHere):
    def __init__(self, clerk: LocalClerk) -> None:
        super().__init__(clerk, flask_example.create_app)

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

        with psycopg.connect(self.url) as connection:
            connection.execute(statement)


@pytest.fixture(scope="session")
def clerk() -> LocalClerk:
    return LocalClerk()


@pytest.fixture
def fastapi_fleet(clerk: LocalClerk) -> Fleet:
    return FastAPIFleet(clerk)


@pytest.fixture
def django_fleet(clerk: LocalClerk, served_django: tuple[httpx.Client, SQLite | PostgreSQL]) -> Fleet:
    client, database = served_django
    database.make_new()
    return ServedFleet(clerk, client)


@pytest.fixture
def flask_fleet(clerk: LocalClerk) -> Fleet:
    return FlaskFleet(clerk)


@pytest.fixture(params=["fastapi_fleet", "django_fleet", "flask_fleet"])
def fleet(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def django_environment(clerk: LocalClerk) -> Iterator[dict[str, str]]:
    """The variables of a Django project that signs in with *clerk*, but for its database."""
    with clerk.serve() as server:  # local users are made from what the Backend API says
        yield {
            **{name: value for name, value in os.environ.items() if not name.startswith("CLERK_")},
            "CLERK_PUBLISHABLE_KEY": clerk.publishable_key,
            "CLERK_SECRET_KEY": clerk.secret_key,
            "CLERK_JWT_KEY": clerk.jwt_key,
            "CLERK_API_URL": server.url,
            "CLERK_AUTHORIZED_PARTIES": APP,
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
    subprocess.run([*manage, "migrate", "--verbosity", "0"], cwd=ROOT, env=environment, check=True)
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
                server.terminate()

"""Clients of both of Django's handlers, and a Clerk for the settings to name."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Protocol

import pytest
from asgiref.sync import async_to_sync
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.http.response import HttpResponseBase
from django.test import AsyncClient, Client
from django_project import wire

from clerk_middleware import ConfigurationError
from clerk_middleware.local import LocalClerk, User
from clerk_middleware.local.server import serve
from clerk_middleware_django.runtime import current

from ..frontend_api import serving

SITE = "https://app.example.com"


class Browse(Protocol):
    """Send a request to the project, by one of Django's handlers."""

    def __call__(
        self, path: str, method: str = "GET", headers: dict[str, str] | None = None, **options: Any
    ) -> HttpResponseBase: ...


@pytest.fixture(autouse=True)
def clerk_settings(settings: Any, clerk: LocalClerk) -> Callable[..., None]:
    """``settings.CLERK``, with keys that need no network; called, it changes some of it."""

    def change(**options: Any) -> None:
        settings.CLERK = {
            "PUBLISHABLE_KEY": clerk.publishable_key,
            "SECRET_KEY": clerk.secret_key,
            "JWT_KEY": clerk.jwt_key,
            "AUTHORIZED_PARTIES": [SITE],
            **options,
        }

    change()
    return change


@pytest.fixture
def in_development(development: LocalClerk, clerk_settings: Callable[..., None]) -> Callable[..., None]:
    """`clerk_settings`, of the development instance."""

    def change(**options: Any) -> None:
        keys = {
            "PUBLISHABLE_KEY": development.publishable_key,
            "SECRET_KEY": development.secret_key,
            "JWT_KEY": development.jwt_key,
        }
        clerk_settings(**(keys | options))

    change()
    return change


@pytest.fixture(params=["wsgi", "asgi"])
def handler(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def browse(handler: str) -> Browse:
    """Django's client of the WSGI handler, or of the ASGI one."""

    def send(
        path: str,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        *,
        enforce_csrf_checks: bool = False,
        raise_request_exception: bool = True,
        secure: bool = True,
        **options: Any,
    ) -> HttpResponseBase:
        how: Any = {
            "enforce_csrf_checks": enforce_csrf_checks,
            "raise_request_exception": raise_request_exception,
        }
        if handler == "wsgi":
            return Client(**how).generic(method, path, secure=secure, headers=headers, **options)

        given = dict(headers or {})
        if "cookie" in given:
            given["cookie"] += "; last=1"  # AsyncClient appends an empty header, and so a comma

        async def ask() -> HttpResponseBase:
            async with _event_loop():
                response: HttpResponseBase = await AsyncClient(**how).generic(
                    method, path, secure=secure, headers=given, **options
                )
            return response

        return async_to_sync(ask)()

    return send


@pytest.fixture
def receive(handler: str) -> Callable[..., wire.Received]:
    """Like `browse`, as a server does it: to see what really goes out, and send what no client does."""

    def send(
        path: str | bytes = "/",
        method: str = "GET",
        headers: Mapping[str, str] | wire.Pairs = (),
        *,
        host: str = "app.example.com",
        query: bytes = b"",
        body: bytes = b"",
        root: str = "",
    ) -> wire.Received:
        given = headers.items() if isinstance(headers, Mapping) else headers
        pairs: Any = [(b"host", host.encode())]
        for name, value in given:
            pairs.append((_bytes(name), _bytes(value)))
        raw = path if isinstance(path, bytes) else path.encode()

        async def ask() -> wire.Received:
            async with _event_loop():
                return await wire.by_asgi(ASGIHandler(), method, raw, query, pairs, body, root)

        with _databases_left_alone():
            if handler == "wsgi":
                return wire.by_wsgi(WSGIHandler(), method, raw, query, pairs, body, root)
            return asyncio.run(ask())

    return send


@contextmanager
def _databases_left_alone() -> Iterator[None]:
    """As Django's own clients do it: handlers else look after connections, of other tests, too."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


@asynccontextmanager
async def _event_loop() -> AsyncIterator[None]:
    """One that lasts no longer than a request: a server's would keep its connections to Clerk."""
    try:
        yield
    finally:
        with suppress(ConfigurationError):
            await current().async_authenticator.aclose()
            await current().async_proxy.aclose()
        await asyncio.sleep(0)  # in which the sockets are closed


@contextmanager
def served() -> Iterator[str]:
    """The project under uvicorn; gives its URL."""
    handler = ASGIHandler()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await handler(scope, receive, send)
            return
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        async with _event_loop():  # which ends here, and its connections with it
            await send({"type": "lifespan.shutdown.complete"})

    with serving(app) as url:
        yield url


def _bytes(text: str | bytes) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text


@pytest.fixture
def routes(settings: Any) -> Callable[..., None]:
    """The project's URLs, for one test: ``routes(path("page", view))``."""

    def be(*patterns: Any) -> None:
        settings.ROOT_URLCONF = patterns

    return be


class Asked:
    """The Backend API, over HTTP, and what it was asked for."""

    def __init__(self, url: str, clerk: LocalClerk) -> None:
        self.url = url
        self.clerk = clerk
        self.paths: list[str] = []

    @property
    def users(self) -> list[str]:
        """The ids of the users that it was asked about."""
        return [found[1] for path in self.paths if (found := re.fullmatch("/v1/users/(.+)", path))]

    def add_user(self, id: str, **fields: Any) -> str:
        # Not create_user(), which wants addresses that are nobody else's.
        self.clerk._instance.put_user(User(**{"id": id, "email": "", "password": "unused", **fields}))
        return id

    def remove_user(self, id: str) -> None:
        self.clerk._instance.remove_user(id)


@pytest.fixture(scope="session")
def _api(clerk: LocalClerk) -> Iterator[Asked]:
    asked = Asked("", clerk)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        asked.paths.append(scope.get("path", ""))
        await clerk.app(scope, receive, send)

    with serve(app, name="counted", host="127.0.0.1", port=0, allow_remote=False) as server:
        asked.url = server.url
        yield asked


@pytest.fixture
def asked(_api: Asked) -> Iterator[Asked]:
    """The Backend API of `clerk`, which remembers what it was asked, and can be made to fail."""
    before = _api.clerk.users
    _api.paths.clear()
    yield _api
    _api.clerk.recover()
    for id in _api.clerk.users.keys() - before.keys():
        _api.remove_user(id)
    for id, user in before.items():
        if _api.clerk.users.get(id) != user:
            _api.clerk._instance.put_user(user)

"""`get_user` and `get_oauth_access_token` in endpoints of either kind: over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from clerk_middleware import ClerkConfig
from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware_fastapi import ClerkMiddleware, CurrentAuth

from ..social_accounts import KNOWN, Asked, adescribed, described, refused, signed_in


@pytest.fixture
def asked(clerk: LocalClerk) -> Iterator[Asked]:
    with signed_in(clerk) as asked:
        yield asked


@pytest.fixture
def client(
    config: Callable[..., ClerkConfig], backend_api: LocalServer, client_of: Callable[..., TestClient]
) -> TestClient:
    app = FastAPI()
    app.add_middleware(ClerkMiddleware, config=config(api_url=backend_api.url))

    @app.get("/sync")
    def synchronous(auth: CurrentAuth) -> dict[str, Any]:
        return described(auth)

    @app.get("/async")
    async def asynchronous(auth: CurrentAuth) -> dict[str, Any]:
        return await adescribed(auth)

    @app.get("/blocking")
    async def blocking(auth: CurrentAuth) -> str:
        return refused(auth)

    return client_of(app)


@pytest.mark.parametrize("path", ["/sync", "/async"])
def test_the_user_is_known_and_asked_for_once(path: str, client: TestClient, asked: Asked) -> None:
    assert client.get(path, headers=asked.headers).json() == KNOWN
    assert asked.times == (1, 1)


@pytest.mark.parametrize("path", ["/sync", "/async"])
def test_nobody_is_nobody(path: str, client: TestClient, asked: Asked) -> None:
    assert client.get(path).json() == {"nobody": True}
    assert asked.times == (0, 0)


def test_what_would_block_the_event_loop_is_refused(client: TestClient, asked: Asked) -> None:
    assert "await auth.aget_user()" in client.get("/blocking", headers=asked.headers).json()
    assert asked.times == (0, 0)

"""A Clerk instance that issues OAuth access tokens, a server's verifier, and what clients send."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from clerk_middleware import ClerkConfig
from clerk_middleware.backend import attempts
from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware_mcp import ClerkTokenVerifier

#: Where MCP clients reach the server, in tests that need no network.
RESOURCE = "https://fleet.example.com/mcp"


@pytest.fixture(autouse=True)
def brief_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two attempts at the Backend API, so that tests of failures take no time."""
    monkeypatch.setattr(attempts, "_BACKOFF", 0.001)


@pytest.fixture(scope="session")
def instance() -> LocalClerk:
    return LocalClerk()


@pytest.fixture(scope="session")
def clerk_server(instance: LocalClerk) -> Iterator[LocalServer]:
    with instance.serve() as server:
        yield server


@pytest.fixture
def online(instance: LocalClerk, clerk_server: LocalServer) -> Iterator[LocalServer]:
    """The instance over HTTP, for a test that makes it fail: it is whole again after."""
    yield clerk_server
    instance.recover()


@pytest.fixture(scope="session")
def config_of(instance: LocalClerk) -> Callable[..., ClerkConfig]:
    """Make a configuration that needs no network."""

    def make(**options: Any) -> ClerkConfig:
        keys = {
            "publishable_key": instance.publishable_key,
            "secret_key": instance.secret_key,
            "jwt_key": instance.jwt_key,
        }
        return ClerkConfig(**(keys | options))

    return make


@pytest.fixture
def verifier(config_of: Callable[..., ClerkConfig]) -> ClerkTokenVerifier:
    return ClerkTokenVerifier(config_of(), resource_server_url=RESOURCE)


@pytest.fixture(scope="session")
def jwt_of(instance: LocalClerk) -> Callable[..., str]:
    """Sign an OAuth access token; a claim of `...` is left out."""

    def sign(header: dict[str, Any] | None = None, **changed: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": "https://clerk.example.com",
            "sub": "user_rosa",
            "client_id": "client_1",
            "scope": "profile email",
            "iat": now,
            "nbf": now,
            "exp": now + 600,
            "jti": "oat_1",
        } | changed
        claims = {name: value for name, value in claims.items() if value is not ...}
        return instance._instance.keys.sign(claims, {"typ": "at+jwt"} | (header or {}))

    return sign


@pytest.fixture(scope="session")
def config(instance: LocalClerk, clerk_server: Any) -> ClerkConfig:
    return ClerkConfig.from_env(instance.environment(clerk_server.url), opaque_token_ttl_in_ms=0)


@pytest.fixture
def token_of(instance: LocalClerk) -> Callable[..., str]:
    def make(user_id: str = "user_rosa", *scopes: str, token_format: Any = "jwt") -> str:
        scopes = scopes or ("profile",)
        return instance.create_oauth_access_token(user_id, scopes=scopes, token_format=token_format).token

    return make

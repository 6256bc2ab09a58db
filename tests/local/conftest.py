"""A LocalClerk under test: its clock stands still until it is moved, and it is asked over real HTTP."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any

import httpx
import jwt
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from clerk_middleware.local import LocalClerk, LocalServer, OAuthApplication
from clerk_middleware.local.server import serve

from .oauth_client import CALLBACK, Tab


@dataclass
class Clock:
    now: float = 1_750_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def clerk(clock: Clock) -> LocalClerk:
    return LocalClerk(clock=clock)


@pytest.fixture
def production(clock: Clock) -> LocalClerk:
    return LocalClerk(production_seed(), clock=clock)


class Switchboard:
    """Hands requests to the LocalClerk of the test that runs: starting a server for each takes too long."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def switchboard() -> Iterator[tuple[Switchboard, LocalServer]]:
    board = Switchboard()
    with serve(board, name="tests", host="127.0.0.1", port=0, allow_remote=False) as server:
        yield board, server


@pytest.fixture
def server(clerk: LocalClerk, switchboard: tuple[Switchboard, LocalServer]) -> LocalServer:
    board, server = switchboard
    board.app = clerk.app
    return server


@pytest.fixture
def browser(server: LocalServer) -> Iterator[httpx.Client]:
    """Whoever asks without the secret key; keeps cookies, follows no redirect by itself."""
    with httpx.Client(base_url=server.url) as client:
        yield client


@pytest.fixture
def backend(clerk: LocalClerk, server: LocalServer) -> Iterator[httpx.Client]:
    """An application's server, which holds the secret key."""
    headers = {"authorization": f"Bearer {clerk.secret_key}"}
    with httpx.Client(base_url=f"{server.url}/v1", headers=headers) as client:
        yield client


@pytest.fixture
def claims_of(clerk: LocalClerk, clock: Clock) -> Callable[[str], dict[str, Any]]:
    """The claims of a token, its signature checked against the public key."""

    def decode(token: str) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            token,
            clerk.jwt_key,
            ["RS256"],
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )
        return claims

    return decode


def fleet_seed(**sessions: Any) -> dict[str, Any]:
    """The seed that comes with LocalClerk, with other [sessions]."""
    seed = tomllib.loads(resources.files("clerk_middleware.local").joinpath("fleet.toml").read_text("utf-8"))
    return {**seed, "sessions": sessions}


def production_seed() -> dict[str, Any]:
    return {
        "instance": {
            "type": "production",
            "host": "clerk.example.com",
            "allowed_origins": ["https://app.example.com"],
        },
        "users": [{"id": "user_1", "email": "one@example.com", "password": "one"}],
    }


@pytest.fixture
def public(clerk: LocalClerk) -> OAuthApplication:
    scopes = ("openid", "profile", "email", "read:loads")
    return clerk.create_oauth_application("Portal", ["http://127.0.0.1/callback"], scopes=scopes)


@pytest.fixture
def confidential(clerk: LocalClerk) -> OAuthApplication:
    return clerk.create_oauth_application("Portal", [CALLBACK], public=False)


@pytest.fixture
def tab(clerk: LocalClerk, browser: httpx.Client) -> Tab:
    form = {"user_id": "user_dev", "password": "fleet-demo"}
    assert browser.post("/sign-in", data=form).status_code == 303
    return Tab(browser)


@pytest.fixture
def client(server: LocalServer) -> Iterator[httpx.Client]:
    """The client's own server, which has no cookies."""
    with httpx.Client(base_url=server.url) as client:
        yield client

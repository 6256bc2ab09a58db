"""Anybody can send made-up API keys: while all that are verified at once hang, browsers' sessions go on."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Iterator
from importlib import resources
from typing import Any

import anyio
import httpx
import pytest

from clerk_middleware import AsyncAuthenticator, ClerkConfig
from clerk_middleware.asgi import ClerkMiddleware
from clerk_middleware.asgi_scope import get_state
from clerk_middleware.local import LocalClerk, LocalServer

SITE = "https://app.example.com"
VERIFY, REVOKE = "/api_keys/verify", "/sessions/*/revoke"
#: So many unknown tokens are verified at the same time.
AT_ONCE = 32


@pytest.fixture
def clerk() -> LocalClerk:
    """One that sends browsers back to this application."""
    fleet = tomllib.loads(resources.files("clerk_middleware.local").joinpath("fleet.toml").read_text("utf-8"))
    return LocalClerk({**fleet, "instance": {**fleet.get("instance", {}), "allowed_origins": [SITE]}})


@pytest.fixture
def server(clerk: LocalClerk) -> Iterator[LocalServer]:
    with clerk.serve() as server:
        yield server


@pytest.fixture
def browser(server: LocalServer) -> Iterator[httpx.Client]:
    """One whose user signed in at Clerk."""
    with httpx.Client(base_url=server.url) as client:
        client.post("/sign-in", data={"user_id": "user_rosa", "password": "fleet-demo"})
        yield client


def back_from_clerk(browser: httpx.Client) -> str:
    """Where Clerk sends the browser for the application to know its user."""
    asked = {"redirect_url": f"{SITE}/", "format": "nonce"}
    location = browser.get("/v1/client/handshake", params=asked).headers["location"]
    assert "__clerk_handshake_nonce=" in location
    return str(location).removeprefix(SITE)


def kept(answer: Any) -> str:
    """The cookies that an answer has a browser keep."""
    pairs = [value.split(";")[0] for value in answer.headers("set-cookie")]
    return "; ".join(pair for pair in pairs if not pair.endswith("="))


def grown_old(cookies: str, clerk: LocalClerk) -> str:
    """The cookies of a browser that comes back after minutes: its session token has to be refreshed."""
    session, now = clerk.sign_in("user_rosa"), time.time()
    expired = clerk.session_token(session, azp=SITE, issued_at=now - 300, lifetime=60)
    for name, value in (
        ("__session", expired),
        ("__refresh", session.refresh_token),
        ("__client_uat", str(int(now) - 900)),
    ):
        cookies, found = re.subn(rf"({name}(?:_[^=;]+)?)=[^;]+", rf"\g<1>={value}", cookies)
        assert found
    return cookies


def test_browsers_go_on_while_made_up_keys_hang(
    every_backend: str,
    clerk: LocalClerk,
    server: LocalServer,
    browser: httpx.Client,
    request_to: Any,
    responding: Any,
) -> None:
    config = ClerkConfig.from_env(
        clerk.environment(server.url), accepts_token=["session_token", "api_key"], authorized_parties=[SITE]
    )
    ended: list[int] = []
    first, second = back_from_clerk(browser), back_from_clerk(browser)

    async def main() -> None:
        async with AsyncAuthenticator(config) as authenticator:
            app = ClerkMiddleware(responding(), authenticator=authenticator)
            cookies = kept(await request_to(app, first, {"sec-fetch-dest": "document"}))
            assert "__session=" in cookies
            old = grown_old(cookies, clerk)
            clerk.delay(VERIFY, 30)

            async def make_up(number: int) -> None:
                await request_to(app, "/", {"authorization": f"Bearer ak_made_up_{number}"})
                ended.append(number)

            async with anyio.create_task_group() as tasks:
                for number in range(AT_ONCE):
                    tasks.start_soon(make_up, number)
                with anyio.fail_after(10):
                    while clerk.calls(VERIFY) < AT_ONCE:  # noqa: ASYNC110  # counted in LocalClerk's thread
                        await anyio.sleep(0.005)
                one_more = await request_to(app, "/", {"authorization": "Bearer ak_one_more"})
                assert one_more.scope["auth"].retry_after is not None

                signed_in = await request_to(app, second, {"sec-fetch-dest": "document"})
                assert "__session=" in kept(signed_in)
                assert (await authenticator.describe_user(config, "user_rosa"))["id"] == "user_rosa"
                refreshed = await request_to(app, "/", {"cookie": old, "sec-fetch-dest": "empty"})
                assert refreshed.scope["auth"].user_id == "user_rosa"
                await authenticator.sign_out(get_state(refreshed.scope))
                assert clerk.calls(REVOKE) == 1
                assert ended == []
                tasks.cancel_scope.cancel()

    anyio.run(main, backend=every_backend)

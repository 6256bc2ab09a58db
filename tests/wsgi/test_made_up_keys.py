"""Anybody can send made-up API keys: while all that are verified at once hang, browsers' sessions go on."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from typing import Any

import httpx
import pytest

from clerk_middleware import Authenticator, ClerkConfig
from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware.wsgi import ClerkMiddleware
from clerk_middleware.wsgi_environ import get_auth, get_state

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
    clerk: LocalClerk, server: LocalServer, browser: httpx.Client, request_to: Any, responding: Any
) -> None:
    config = ClerkConfig.from_env(
        clerk.environment(server.url), accepts_token=["session_token", "api_key"], authorized_parties=[SITE]
    )
    first, second = back_from_clerk(browser), back_from_clerk(browser)
    with (
        Authenticator(config) as authenticator,
        ThreadPoolExecutor(AT_ONCE) as threads,
    ):
        app = ClerkMiddleware(responding(), authenticator=authenticator)
        cookies = kept(request_to(app, first, {"sec-fetch-dest": "document"}))
        assert "__session=" in cookies
        old = grown_old(cookies, clerk)
        clerk.delay(VERIFY, 30)
        try:
            junk = [
                threads.submit(request_to, app, "/", {"authorization": f"Bearer ak_made_up_{number}"})
                for number in range(AT_ONCE)
            ]
            until = time.monotonic() + 10
            while clerk.calls(VERIFY) < AT_ONCE:
                assert time.monotonic() < until
                time.sleep(0.005)
            one_more = request_to(app, "/", {"authorization": "Bearer ak_one_more"})
            assert get_auth(one_more.environ).retry_after is not None

            signed_in = request_to(app, second, {"sec-fetch-dest": "document"})
            assert "__session=" in kept(signed_in)
            assert authenticator.describe_user(config, "user_rosa")["id"] == "user_rosa"
            refreshed = request_to(app, "/", {"cookie": old, "sec-fetch-dest": "empty"})
            assert get_auth(refreshed.environ).user_id == "user_rosa"
            authenticator.sign_out(get_state(refreshed.environ))
            assert clerk.calls(REVOKE) == 1
            assert not any(call.done() for call in junk)
        finally:
            clerk.recover()

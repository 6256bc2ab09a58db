"""`get_user` and `get_oauth_access_token` in views of either kind: over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware_flask import get_auth, get_session
from clerk_middleware_flask.testing import ClerkTestClient

from ..social_accounts import CALENDAR, KNOWN, adescribed, described, signed_in


@pytest.fixture
def app(app_of: Callable[..., Flask], backend_api: LocalServer) -> Flask:
    app = app_of(CLERK_API_URL=backend_api.url)

    @app.get("/sync")
    def synchronous() -> Any:
        return described(get_auth())

    @app.get("/async")
    async def asynchronous() -> Any:
        return await adescribed(get_auth())

    @app.get("/sync-in-async")
    async def synchronous_on_an_event_loop() -> Any:
        # There is nothing else on this loop: Flask makes one for each view.
        return described(get_auth())

    return app


PATHS = pytest.mark.parametrize("path", ["/sync", "/async", "/sync-in-async"])


@PATHS
def test_the_user_is_known_and_asked_for_once(
    path: str, app: Flask, ask: Callable[..., TestResponse], clerk: LocalClerk
) -> None:
    with signed_in(clerk) as asked:
        for number in (1, 2):
            assert ask(app, path, asked.headers).json == KNOWN
            assert asked.times == (number, number)


@PATHS
def test_nobody_is_nobody(path: str, app: Flask, ask: Callable[..., TestResponse]) -> None:
    assert ask(app, path).json == {"nobody": True}


def test_the_test_client_says_who_it_is(app_of: Callable[..., Flask]) -> None:
    """With neither Clerk nor the network."""
    app = app_of()

    @app.get("/")
    def view() -> Any:
        user, google = get_session().get_user(), get_session().get_oauth_access_token("google")
        return {
            "name": user.first_name,
            "plan": user.public_metadata.get("plan"),
            "scopes": google and google.scopes,
        }

    client = ClerkTestClient(app)
    client.clerk_login(
        "user_ann",
        first_name="Ann",
        user={"public_metadata": {"plan": "pro"}},
        accounts={"google": ["openid", CALENDAR]},
    )
    assert client.get("/").json == {"name": "Ann", "plan": "pro", "scopes": ["openid", CALENDAR]}
    client.clerk_login("user_bob", accounts={"github": ["repo"]})
    assert client.get("/").json == {"name": None, "plan": None, "scopes": None}
    client.clerk_login("user_ann")  # who has no account any more
    assert client.get("/").json == {"name": None, "plan": None, "scopes": None}

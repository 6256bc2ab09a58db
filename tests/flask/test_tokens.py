"""Tokens for other services, from JWT templates, and keys that are fetched: over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from clerk_middleware import BackendAPIError
from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware_flask import current_auth, get_session

SITE = "https://app.example.com"

Headers = dict[str, str]
Ask = Callable[..., TestResponse]


@pytest.fixture(autouse=True)
def healthy(clerk: LocalClerk) -> Iterator[None]:
    yield
    clerk.recover()


@pytest.fixture
def app(app_of: Callable[..., Flask], backend_api: LocalServer) -> Flask:
    app = app_of(CLERK_API_URL=backend_api.url)

    @app.get("/sync")
    def by_get_token() -> Any:
        return {"token": current_auth.get_token(template="neon"), "own": current_auth.get_token()}

    @app.get("/async")
    async def by_aget_token() -> Any:
        return {
            "token": await current_auth.aget_token(template="neon"),
            "own": await current_auth.aget_token(),
        }

    @app.get("/sync-in-async")
    async def by_get_token_on_an_event_loop() -> Any:
        # There is nothing else on this loop: Flask makes one for each view.
        return {"token": get_session().get_token(template="neon"), "own": get_session().get_token()}

    return app


PATHS = pytest.mark.parametrize("path", ["/sync", "/async", "/sync-in-async"])


@PATHS
def test_tokens_are_issued(path: str, app: Flask, ask: Ask, clerk: LocalClerk) -> None:
    own = clerk.session_token(clerk.sign_in("user_dev", "blue-ridge-freight"), azp=SITE)
    for _ in range(2):
        answer: Any = ask(app, path, {"authorization": f"Bearer {own}"}).json
        assert answer["own"] == own
        claims = jwt.decode(answer["token"], options={"verify_signature": False})
        assert claims["user.id"] == "user_dev"


@pytest.mark.parametrize("path", ["/sync", "/async"])
def test_tokens_are_nobodys_for_nobody(path: str, app: Flask, ask: Ask) -> None:
    assert ask(app, path).json == {"token": None, "own": None}


@PATHS
def test_tokens_are_an_error_while_clerk_is_down(path: str, app: Flask, ask: Ask, clerk: LocalClerk) -> None:
    own = clerk.session_token(clerk.sign_in("user_dev"), azp=SITE)
    clerk.fail("/sessions/*/tokens/neon", 500, times=None)
    with pytest.raises(BackendAPIError):
        ask(app, path, {"authorization": f"Bearer {own}"})


def test_keys_are_fetched(
    app_of: Callable[..., Flask], ask: Ask, backend_api: LocalServer, dispatcher: Headers
) -> None:
    app = app_of(CLERK_JWT_KEY=None, CLERK_API_URL=backend_api.url)
    app.get("/")(lambda: str(current_auth.user_id))
    assert ask(app, headers=dispatcher).text == "user_dev"


def test_who_asks_is_nobody_while_keys_cannot_be_fetched(
    app_of: Callable[..., Flask], ask: Ask, backend_api: LocalServer, clerk: LocalClerk, dispatcher: Headers
) -> None:
    clerk.fail("/jwks", 500, times=None)
    app = app_of(CLERK_JWT_KEY=None, CLERK_API_URL=backend_api.url)
    app.get("/")(lambda: str(current_auth.user_id))
    response = ask(app, headers=dispatcher)
    assert (response.status_code, response.text) == (200, "None")

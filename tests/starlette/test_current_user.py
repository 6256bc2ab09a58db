"""`get_user` and `get_oauth_access_token` in endpoints of either kind: over HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from clerk_middleware import ClerkConfig
from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware_starlette import ClerkMiddleware, get_auth

from ..social_accounts import KNOWN, adescribed, described, refused, signed_in


def synchronous(request: Request) -> Response:
    return JSONResponse(described(get_auth(request)))


async def asynchronous(request: Request) -> Response:
    return JSONResponse(await adescribed(get_auth(request)))


async def blocking(request: Request) -> Response:
    return PlainTextResponse(refused(get_auth(request)))


@pytest.mark.parametrize("endpoint", [synchronous, asynchronous, blocking])
def test_the_user_is_known_and_asked_for_once(
    endpoint: Callable[[Request], Response],
    config: Callable[..., ClerkConfig],
    backend_api: LocalServer,
    client_of: Callable[..., TestClient],
    clerk: LocalClerk,
) -> None:
    app = Starlette(routes=[Route("/", endpoint)])
    app.add_middleware(ClerkMiddleware, config=config(api_url=backend_api.url))
    with signed_in(clerk) as asked:
        response = client_of(app).get("/", headers=asked.headers)
        if endpoint is blocking:
            assert "await auth.aget_user()" in response.text
        else:
            assert response.json() == KNOWN
            assert asked.times == (1, 1)

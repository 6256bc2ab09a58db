"""`aget_user` and `aget_oauth_access_token` in any ASGI application: over HTTP."""

from __future__ import annotations

import json
from typing import Any

import anyio

from clerk_middleware.asgi import ClerkMiddleware, get_auth
from clerk_middleware.local import LocalClerk, LocalServer

from ..social_accounts import KNOWN, adescribed, signed_in


async def app(scope: Any, receive: Any, send: Any) -> None:
    body = json.dumps(await adescribed(get_auth(scope))).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def test_the_user_is_known_and_asked_for_once(
    request_to: Any, config: Any, backend_api: LocalServer, clerk: LocalClerk, every_backend: str
) -> None:
    async def main() -> None:
        middleware = ClerkMiddleware(app, config(api_url=backend_api.url))
        with signed_in(clerk) as asked:
            assert (await request_to(middleware, headers=asked.headers)).json == KNOWN
            assert asked.times == (1, 1)
        await middleware.aclose()

    anyio.run(main, backend=every_backend)

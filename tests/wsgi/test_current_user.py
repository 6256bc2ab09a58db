"""`get_user` and `get_oauth_access_token` in any WSGI application: over HTTP."""

from __future__ import annotations

import json
from typing import Any

from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware.wsgi import ClerkMiddleware, get_auth

from ..social_accounts import KNOWN, described, signed_in


def app(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(described(get_auth(environ))).encode()]


def test_the_user_is_known_and_asked_for_once(
    request_to: Any, config: Any, backend_api: LocalServer, clerk: LocalClerk
) -> None:
    middleware = ClerkMiddleware(app, config(api_url=backend_api.url))
    with signed_in(clerk) as asked:
        assert request_to(middleware, headers=asked.headers).json == KNOWN
        assert asked.times == (1, 1)
    middleware.close()

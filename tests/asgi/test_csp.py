"""The Content Security Policy of an ASGI application's responses, and its nonce in the scope."""

from __future__ import annotations

from typing import Any

import pytest

from clerk_middleware import CSP
from clerk_middleware.asgi import ClerkMiddleware

pytestmark = pytest.mark.anyio

FORGED = {"x-nonce": "of-the-client"}


async def application(scope: Any, receive: Any, send: Any) -> None:
    found = [value for name, value in scope["headers"] if name == b"x-nonce"]
    state = scope.get("state", {})
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    body = b" ".join([str(state.get("csp_nonce")).encode(), *found])
    await send({"type": "http.response.body", "body": body})


async def test_a_strict_policy_has_the_nonce_that_the_application_finds(config: Any, request_to: Any) -> None:
    app = ClerkMiddleware(application, config(content_security_policy=CSP(strict=True)))
    first = await request_to(app, "/", FORGED)
    second = await request_to(app, "/", FORGED)
    nonce, header = first.body.decode().split()
    assert nonce == header == first.header("x-nonce") != "of-the-client"
    assert f"'nonce-{nonce}'" in first.header("content-security-policy")
    assert second.header("x-nonce") != nonce


async def test_without_strict_there_is_a_policy_and_no_nonce(config: Any, request_to: Any) -> None:
    app = ClerkMiddleware(application, config(content_security_policy=CSP()))
    answer = await request_to(app, "/", FORGED)
    assert answer.body == b"None of-the-client"
    assert "script-src 'self' 'unsafe-inline'" in answer.header("content-security-policy")
    assert answer.header("x-nonce") is None


async def test_a_refusal_has_a_policy_too(config: Any, request_to: Any) -> None:
    strict = config(content_security_policy=CSP(strict=True))
    answer = await request_to(ClerkMiddleware(application, strict, protected_routes="/(.*)"), "/")
    assert answer.status == 401
    assert "'strict-dynamic'" in answer.header("content-security-policy")


async def test_without_the_option_there_is_none(config: Any, request_to: Any) -> None:
    answer = await request_to(ClerkMiddleware(application, config()), "/")
    assert answer.header("content-security-policy") is None

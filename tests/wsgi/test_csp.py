"""The Content Security Policy of a WSGI application's responses, and its nonce in the environment."""

from __future__ import annotations

from typing import Any

from clerk_middleware import CSP
from clerk_middleware.wsgi import ClerkMiddleware

FORGED = {"x-nonce": "of-the-client"}


def application(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("content-type", "text/html")])
    return [f"{environ.get('clerk.csp_nonce')} {environ.get('HTTP_X_NONCE')}".encode()]


def test_a_strict_policy_has_the_nonce_that_the_application_finds(config: Any, request_to: Any) -> None:
    app = ClerkMiddleware(application, config(content_security_policy=CSP(strict=True)))
    first, second = (request_to(app, "/", FORGED) for _ in range(2))
    nonce, header = first.body.decode().split()
    assert nonce == header == first.header("x-nonce") != "of-the-client"
    assert f"'nonce-{nonce}'" in first.header("content-security-policy")
    assert second.header("x-nonce") != nonce


def test_without_strict_there_is_a_policy_and_no_nonce(config: Any, request_to: Any) -> None:
    answer = request_to(ClerkMiddleware(application, config(content_security_policy=CSP())), "/", FORGED)
    assert answer.body == b"None of-the-client"
    assert "script-src 'self' 'unsafe-inline'" in answer.header("content-security-policy")
    assert answer.header("x-nonce") is None


def test_a_refusal_has_a_policy_too(config: Any, request_to: Any) -> None:
    strict = config(content_security_policy=CSP(strict=True))
    answer = request_to(ClerkMiddleware(application, strict, protected_routes="/(.*)"), "/")
    assert answer.status == 401
    assert "'strict-dynamic'" in answer.header("content-security-policy")


def test_without_the_option_there_is_none(config: Any, request_to: Any) -> None:
    answer = request_to(ClerkMiddleware(application, config()), "/")
    assert answer.header("content-security-policy") is None

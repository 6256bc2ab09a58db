"""What the WSGI middleware answers, without a framework: the same request is to get the same in each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.test import Client

from clerk_middleware import Authenticator, ClerkConfig
from clerk_middleware.protection import Requirement
from clerk_middleware.wsgi import ClerkMiddleware
from clerk_middleware.wsgi_environ import require

SITE = "https://app.example.com"


def answer(config: ClerkConfig, requirement: Requirement, headers: Mapping[str, str], path: str) -> Any:
    """What matters of the answer where *requirement* has to be met, and no more."""

    def app(environ: Any, start_response: Any) -> list[bytes]:
        require(environ, requirement)
        start_response("200 OK", [("content-type", "text/plain")])
        return [b"let in"]

    with Authenticator(config) as authenticator:
        client = Client(ClerkMiddleware(app, authenticator=authenticator))
        response = client.get(path, base_url=SITE, headers=dict(headers))
    return what_matters(response)


def what_matters(response: Any) -> Any:
    """Of a refusal, all but what a framework adds; of a view's response, that it was let in."""
    if response.status_code == 200:
        return 200
    body = response.content if hasattr(response, "content") else response.get_data()
    headers = [response.headers.get(name) for name in ("www-authenticate", "retry-after", "cache-control")]
    return response.status_code, headers, body.decode()

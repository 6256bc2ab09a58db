"""What templates are told: who is signed in, and the nonce of their scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clerk_middleware import asgi_scope

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection, Request


def csp_nonce(connection: HTTPConnection) -> str:
    """The nonce that the response's scripts need; empty unless its Content Security Policy is strict.

    Where there is one, it is in ``request.state.csp_nonce``, too.

    :raises ConfigurationError: if no `ClerkMiddleware` saw the request.
    """
    return asgi_scope.csp_nonce(connection.scope) or ""


def clerk_context(request: Request) -> dict[str, Any]:
    """Tells templates who is signed in, ``clerk_auth``, and the nonce of their scripts, ``csp_nonce``::

        templates = Jinja2Templates("templates", context_processors=[clerk_context])

        <script nonce="{{ csp_nonce }}" src="/static/app.js"></script>

    Without a strict policy the nonce is empty.
    """
    return asgi_scope.template_context(request.scope)

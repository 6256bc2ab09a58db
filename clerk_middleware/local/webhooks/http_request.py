"""On whose request something happens: what events say of it in their ``event_attributes``."""

from __future__ import annotations

from contextvars import ContextVar

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["HTTPRequestMiddleware", "current_http_request"]

#: Characters of a header that are kept.
_MAXIMUM_TEXT = 500

_current: ContextVar[dict[str, str] | None] = ContextVar("clerk_middleware_local_http_request", default=None)


def current_http_request() -> dict[str, str]:
    """``client_ip`` and ``user_agent`` of the request that is answered now; outside of one, of no browser."""
    return _current.get() or {"client_ip": "127.0.0.1", "user_agent": "LocalClerk"}


class HTTPRequestMiddleware:
    """ASGI middleware that remembers the request while it is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Remember who asks, and pass the request on."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request = Request(scope)
        token = _current.set(
            {
                "client_ip": request.client.host if request.client else "",
                "user_agent": request.headers.get("user-agent", "")[:_MAXIMUM_TEXT],
            }
        )
        try:
            await self._app(scope, receive, send)
        finally:
            _current.reset(token)

"""What the middleware decides, a line or two a request: for reading along in a terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from clerk_middleware import MachineAuth
from clerk_middleware.asgi_scope import STATE
from clerk_middleware.logging import logger as library

if TYPE_CHECKING:
    from clerk_middleware.asgi_scope import ASGIApp, Message, Receive, Scope, Send

__all__ = ["DecisionLog", "readable_log"]

logger = logging.getLogger("clerk_middleware.demo")

_ANSWERS = ("http.response.start", "websocket.http.response.start", "websocket.accept")

#: The request that is being answered; "" for one that is not worth a line.
_request: ContextVar[str | None] = ContextVar("_request", default=None)


class DecisionLog:
    """Logs how each request to the application is answered, and who it is.

    Paths only, and of a redirect host and path only: a query may hold a token.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            _request.set("" if scope["path"].startswith("/static/") else _described(scope))

        async def noting(message: Message) -> None:
            if message["type"] in _ANSWERS:
                logger.info("%s%s", _outcome(message), _identity(scope))
            await send(message)

        await self._app(scope, receive, noting)


def _described(scope: Scope) -> str:
    # The path as it was sent, percent-encoded, so that it can't write lines of its own.
    path = scope.get("raw_path", b"/").decode("ascii", "replace")
    return f"{'WS' if scope['type'] == 'websocket' else scope['method']:<4} {path}"


def _outcome(message: Message) -> str:
    status = str(message.get("status", "open"))
    for name, value in message.get("headers", ()):
        if name.lower() == b"location":
            target = urlsplit(value.decode("latin-1"))
            return f"{status} → {target.netloc}{target.path}"
    return status


def _identity(scope: Scope) -> str:
    state = scope.get(STATE)
    if state is None:  # the middleware answered by itself
        return ""
    auth = state.to_auth()
    if not auth.is_authenticated:
        return "  nobody"
    if isinstance(auth, MachineAuth):
        return f"  {auth.subject} ({auth.token_type})"
    return (
        f"  {auth.user_id} ({f'{auth.org_role} at {auth.org_slug}' if auth.org_id else 'personal account'})"
    )


class _OfRequest(logging.Filter):
    """Gives each record the request that it is about."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = _request.get()
        record.request = request or ""
        return request != "" or record.levelno > logging.INFO


class _NotOfRefusedSockets(logging.Filter):
    """uvicorn takes a WebSocket that is refused with a response for one that was forgotten."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("ASGI callable returned without completing handshake")


@contextmanager
def readable_log(level: int) -> Iterator[None]:
    """Show what the library logs, from *level* on, for as long as the block lasts."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(asctime)s  %(request)-22s %(message)s", "%H:%M:%S"))
    handler.addFilter(_OfRequest())
    local, server = logging.getLogger("clerk_middleware.local"), logging.getLogger("uvicorn.error")
    noise = _NotOfRefusedSockets()
    before = (library.level, library.propagate, local.level)
    library.addHandler(handler)
    library.setLevel(level)
    library.propagate = False
    local.setLevel(logging.ERROR)  # the banner says what LocalClerk says at its start
    server.addFilter(noise)
    try:
        yield
    finally:
        library.removeHandler(handler)
        server.removeFilter(noise)
        library.setLevel(before[0])
        library.propagate = before[1]
        local.setLevel(before[2])

"""One line a request, of what the middleware decided: for reading along in a terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from clerk_middleware.asgi_scope import STATE
from clerk_middleware.logging import logger as library

if TYPE_CHECKING:
    from clerk_middleware.asgi_scope import ASGIApp, Message, Receive, Scope, Send

__all__ = ["DecisionLog", "readable_log"]

_ANSWERS = ("http.response.start", "websocket.http.response.start", "websocket.accept")

logger = logging.getLogger("clerk_middleware.demo")


class DecisionLog:
    """Logs each request to the application: who it is, and how it was answered.

    Paths only, and of a redirect host and path only: a query may hold a token.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or scope["path"].startswith("/static/"):
            await self._app(scope, receive, send)
            return
        verb = scope["method"] if scope["type"] == "http" else "WEBSOCKET"

        async def noting(message: Message) -> None:
            if message["type"] in (
                "http.response.start",
                "websocket.http.response.start",
                "websocket.accept",
            ):
                outcome = _outcome(message)
                # Percent-encoded, so that a path can't write lines of its own.
                path = scope.get("raw_path", b"/").decode("ascii", "replace")
                logger.info("%-4s %-22s %s%s", verb, path, outcome, _identity(scope))
            await send(message)

        await self._app(scope, receive, noting)


def _outcome(message: Message) -> str:
    status = str(message.get("status", "open"))
    for name, value in message.get("headers", ()):
        if name.lower() == b"location":
            target = urlsplit(value.decode("latin-1"))
            return f"{status} → {target.netloc}{target.path}"
    return status


def _identity(scope: Scope) -> str:
    state = scope.get(STATE)
    if state is None:  # the middleware answered by itself, and has logged why
        return ""
    auth = state.to_auth()
    if not auth.is_authenticated:
        return "  nobody"
    organization = f" ({auth.org_role} at {auth.org_slug})" if auth.org_id else " (personal account)"
    return f"  {auth.user_id}{organization}"


@contextmanager
def readable_log(level: int) -> Iterator[None]:
    """Show what the library logs, from *level* on, for as long as the block lasts."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
    local = logging.getLogger("clerk_middleware.local")
    before = (library.level, library.propagate, local.level)
    library.addHandler(handler)
    library.setLevel(level)
    library.propagate = False
    local.setLevel(logging.ERROR)  # the banner says what LocalClerk says at its start
    try:
        yield
    finally:
        library.removeHandler(handler)
        library.setLevel(before[0])
        library.propagate = before[1]
        local.setLevel(before[2])

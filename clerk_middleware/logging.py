"""The logger. What is logged is never a token, a cookie or a key."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger("clerk_middleware")

_INTERVAL = 60.0


class OccasionalWarnings:
    """Warnings that outsiders can cause at will, each kind logged at most once a minute."""

    def __init__(self) -> None:
        self._logged_at: dict[str, float] = {}

    def log(self, kind: str, message: str, *args: object) -> None:
        """:param kind: one of few, and not of an outsider's making."""
        now = time.monotonic()
        if now - self._logged_at.get(kind, -_INTERVAL) >= _INTERVAL:
            self._logged_at[kind] = now
            logger.warning(f"{message} This is logged once a minute.", *args)


def hide_secrets() -> None:
    """Keep what is secret out of the lines in which httpx and httpcore log their requests.

    A handshake's nonce is in a URL; so are other tokens of requests that are proxied, and in their answers'
    headers are cookies.
    """
    logging.getLogger("httpx").addFilter(_hide_query)  # adding it twice is adding it once
    logging.getLogger("httpcore.http11").addFilter(_is_not_proxying)


@contextmanager
def proxying() -> Iterator[None]:
    """Around what is sent for somebody else."""
    token = _is_proxying.set(True)
    try:
        yield
    finally:
        _is_proxying.reset(token)


_is_proxying: ContextVar[bool] = ContextVar("clerk_middleware.proxying", default=False)


def _hide_query(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(map(_without_secrets, record.args))
    return True


def _without_secrets(value: object) -> object:
    text = str(value)
    if "?" not in text or not (_is_proxying.get() or "/clients/handshake_payload?" in text):
        return value
    return text.partition("?")[0]


def _is_not_proxying(record: logging.LogRecord) -> bool:
    return not _is_proxying.get()

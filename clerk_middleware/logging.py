"""The logger. What is logged is never a token, a cookie or a key."""

from __future__ import annotations

import logging
import time

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


def hide_nonces() -> None:
    """Keep a handshake's nonce out of the lines in which httpx logs the URLs of its requests."""
    logging.getLogger("httpx").addFilter(_hide_nonce)  # adding it twice is adding it once


def _hide_nonce(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(
            str(value).partition("?")[0] if "/clients/handshake_payload?" in str(value) else value
            for value in record.args
        )
    return True

"""The logger. What is logged is never a token, a cookie or a key."""

from __future__ import annotations

import logging

logger = logging.getLogger("clerk_middleware")


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

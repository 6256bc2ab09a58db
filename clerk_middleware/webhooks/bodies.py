"""Reading the body of a delivery: no more than a limit, and no longer than a while."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from ..logging import logger
from .answers import INCOMPLETE, METHOD_NOT_ALLOWED, TOO_LARGE, TOO_SLOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..answers import Answer
    from ..asgi_scope import Receive

_CHUNK: Final = 4096


def refusal(method: str, content_length: str | None, max_size: int) -> Answer | None:
    """The answer to a request that need not be read."""
    if method != "POST":
        return METHOD_NOT_ALLOWED
    length = declared(content_length)
    return TOO_LARGE if length is not None and length > max_size else None


def declared(content_length: str | None) -> int | None:
    """A ``Content-Length``; `None` where there is none, or one that servers do not let through."""
    text = content_length or ""
    if not (text.isascii() and text.isdecimal()):
        return None
    return int(text[:20])  # more digits than any body has bytes


async def receive_body(receive: Receive, max_size: int, seconds: float) -> bytes | Answer | None:
    """The body of an ASGI request, the answer to one that is refused, `None` if its client is gone."""
    from anyio import move_on_after

    body = bytearray()
    with move_on_after(seconds):
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > max_size:
                return TOO_LARGE
            if not message.get("more_body", False):
                return bytes(body)
    return TOO_SLOW


def read_body(
    read: Callable[[int], bytes], length: int | None, max_size: int, seconds: float
) -> bytes | Answer:
    """The body of a WSGI request, or the answer to one that is refused.

    How long one *read* takes is up to the server: the time is looked at between them.

    :param length: how many bytes there are; `None` where *read* knows the end.
    """
    body, until = bytearray(), time.monotonic() + seconds
    while length is None or len(body) < length:
        wanted = _CHUNK if length is None else min(_CHUNK, length - len(body))
        try:
            chunk = read(wanted)
        except Exception as error:  # each server has its own, for a client that is gone or talks nonsense
            logger.debug("Clerk: the body of a webhook broke off: %s", type(error).__name__)
            return INCOMPLETE
        if not chunk:
            return bytes(body) if length is None else INCOMPLETE
        body += chunk
        if len(body) > max_size:
            return TOO_LARGE
        if time.monotonic() > until:
            return TOO_SLOW
    return bytes(body)

"""A request's body as WSGI gives it. Imports httpx, so it is only imported where that is at work."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx

from .connections import CHUNK
from .patience import Patience
from .refusals import Refused, malformed, too_slow

if TYPE_CHECKING:
    from typing import Self
    from wsgiref.types import WSGIEnvironment

    from .exchange import Outgoing


class WSGIBody(httpx.SyncByteStream):
    """The body, whole where it is small, else in chunks.

    :raises Refused: if only a part of it comes.
    """

    def __init__(self, environ: WSGIEnvironment, wanted: Outgoing) -> None:
        """:raises Refused: if the server does not say where it ends."""
        if wanted.length is None and not environ.get("wsgi.input_terminated"):
            raise Refused(411, "proxy_request_refused", "This server takes no body without a Content-Length.")
        self._input: Any = environ["wsgi.input"]
        self._left = wanted.length
        self._patience = Patience(wanted.timeout["read"])
        self._start = b""

    def is_whole(self) -> bool:
        """Read on until the body is known to be whole, or large.

        No connection to Clerk is taken up before, so that nobody can have one by sending little.
        """
        self._start = self._read()
        return len(self._start) < CHUNK if self._left is None else not self._left

    def take(self) -> bytes:
        """What was read so far, which is not kept."""
        start, self._start = self._start, b""
        return start

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        chunk = self.take() or self._read()
        if chunk:
            return chunk
        raise StopIteration

    def _read(self) -> bytes:
        """As much as there is, but no more than a chunk; nothing at the end."""
        wanted = CHUNK if self._left is None else min(CHUNK, self._left)
        chunk = bytearray()
        while len(chunk) < wanted:
            if self._patience.left <= 0:  # how long one read takes is for the server to bound
                raise too_slow()
            began = time.monotonic()
            try:
                part: bytes = self._input.read(wanted - len(chunk))
            except Exception:  # each server has errors of its own
                raise malformed("The request's body could not be read.") from None
            if not part:
                break
            self._patience.spend(time.monotonic() - began)
            self._patience.regain(len(part))
            chunk += part
        if self._left is not None:
            if len(chunk) < wanted:
                raise malformed("The request's body ended too early.")
            self._left -= len(chunk)
        return bytes(chunk)

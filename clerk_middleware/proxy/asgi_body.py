"""A request's body as it arrives by ASGI. Imports httpx, so it is only imported where that is at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
from anyio import Event

from .connections import CHUNK
from .patience import Patience
from .refusals import ClientGone, malformed, too_slow

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from ..asgi_scope import Message, Receive
    from .exchange import Outgoing


class ASGIBody(httpx.AsyncByteStream):
    """The body, whole where it is small, else in the chunks in which it arrives; and the client's going away.

    It is an iterator, and no generator, which trio would warn of if the answer comes before its end.

    :raises Refused: if the client is too slow, or the body has another length than it says.
    :raises ClientGone: if only a part of it comes.
    """

    def __init__(self, receive: Receive, wanted: Outgoing) -> None:
        self._receive = receive
        self._length = wanted.length
        self._patience = Patience(wanted.timeout["read"])
        self._start = bytearray()
        self._received = 0
        self._is_complete = wanted.length == 0
        self._is_over = Event()
        if self._is_complete:
            self.over()

    async def is_whole(self) -> bool:
        """Read on until the body is known to be whole, or large.

        No connection to Clerk is taken up before, so that nobody can have one by sending little.
        """
        while not self._is_complete and len(self._start) <= CHUNK:
            self._start += await self._next()
        return self._is_complete

    def take(self) -> bytes:
        """What was read so far, which is not kept."""
        start, self._start = bytes(self._start), bytearray()
        return start

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._start:
            return self.take()
        while not self._is_complete:
            if chunk := await self._next():
                return chunk
        raise StopAsyncIteration

    def over(self) -> None:
        """Nothing more is read of it."""
        self._is_over.set()

    async def watch(self, client_gone: Callable[[], object]) -> None:
        """Call *client_gone* as soon as the client is, after the body."""
        await self._is_over.wait()
        try:
            while (await self._receive())["type"] != "http.disconnect":
                pass
        except Exception:
            return  # each server has errors of its own; sending will tell
        client_gone()

    async def _next(self) -> bytes:
        try:
            with self._patience.waiting():
                message: Message = await self._receive()
        except TimeoutError:
            raise too_slow() from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        self._patience.regain(len(chunk))
        self._received += len(chunk)
        self._is_complete = not message.get("more_body", False)
        if self._is_complete:
            self.over()
        if self._length is not None and (
            self._received > self._length or (self._is_complete and self._received < self._length)
        ):
            raise malformed("The request's body has another length than it says.")
        return chunk

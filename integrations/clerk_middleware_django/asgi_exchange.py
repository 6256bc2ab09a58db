"""One request to the Frontend API under ASGI, as something that Django's streaming response takes."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import RequestAborted

from clerk_middleware import ClerkError

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.core.handlers.asgi import ASGIRequest

    from clerk_middleware import ClerkRequest
    from clerk_middleware.asgi_scope import Message
    from clerk_middleware.proxy.asgi import ASGIProxy

_CHUNK = 64 * 1024


class Exchange:
    """Has a proxy forward a request, in a task, and takes one of its messages after the other.

    The task ends with the answer, or when `close` tells it that nobody waits any more. Django calls that, but
    where the client leaves while middleware still has the response. Then the file of the request's body is
    closed; if that was read before, the task that asked was cancelled, or the `Answer` is forgotten. (Nothing
    here leads to the request, from where middleware may lead to the answer.)
    """

    def __init__(self, proxy: ASGIProxy, request: ASGIRequest, seen: ClerkRequest) -> None:
        self._scope = dict(request.scope)
        given: Any = request
        given._read_started = True  # by this, and by nobody else after it
        self._body = given._stream
        if isinstance(self._body, SpooledTemporaryFile):
            # Django closes it when it is through with the request, however that came about.
            self._body.close = self._close_with(self._body)  # type: ignore[method-assign]
        self._messages: asyncio.Queue[Message | None] = asyncio.Queue()
        self._is_gone = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._problem: BaseException | None = None
        self._is_read = self._is_over = False
        self._task = self._loop.create_task(self._run(proxy, seen))

    async def start(self) -> Answer:
        """The answer, when it begins.

        :raises RequestAborted: if there are none, because the client is gone.
        """
        caller = cast("asyncio.Task[Any]", asyncio.current_task())
        caller.add_done_callback(self._give_up_with)
        try:
            message = await self._next()
        except asyncio.CancelledError:
            self._is_gone.set()
            raise
        if message is None:
            raise RequestAborted("The request was broken off.")
        return Answer(self, message)

    async def part(self) -> bytes | None:
        """The next part of the answer's body; `None` after the last.

        :raises ClerkError: if it is broken off, so that the response doesn't end as if it were whole.
        """
        try:
            message = await self._next() if not self._is_over else None
        except Exception:
            self._close_body()
            raise
        return None if message is None else message.get("body", b"")

    def close(self) -> None:
        """Give up what is left of the answer, from whichever thread."""
        with suppress(RuntimeError):  # the event loop is closed, and the task with it
            self._loop.call_soon_threadsafe(self._is_gone.set)

    async def _next(self) -> Message | None:
        message = await self._messages.get()
        self._messages.task_done()
        if message is None:
            self._is_over = True
            problem, self._problem = self._problem, None
            try:
                if problem is not None:
                    raise problem
            finally:
                del (
                    problem
                )  # or it and this frame hold each other, and what was asked of Clerk, until a collection
        return message

    async def _run(self, proxy: ASGIProxy, seen: ClerkRequest) -> None:
        try:
            await proxy.forward(self._scope, self._receive, self._send, seen)
        except Exception as error:
            self._problem = error
        except asyncio.CancelledError:  # the server stops, for one: what was sent is not the whole answer
            self._problem = ClerkError("the exchange with Clerk's Frontend API was broken off by the server")
            self._close_body()
            raise
        finally:
            self._messages.put_nowait(None)

    def _close_body(self) -> None:
        """Close Django's file, which it leaves open where an answer is broken off."""
        self._body.close()

    def _close_with(self, body: SpooledTemporaryFile[bytes]) -> Callable[[], None]:
        """To be called in place of *body*'s own ``close``."""

        def close() -> None:
            del body.close  # and with it the way back to here
            body.close()
            self._is_gone.set()

        return close

    def _give_up_with(self, caller: asyncio.Task[Any]) -> None:
        """Unless the task that asked has handed the answer on.

        Where synchronous middleware is outside, the cancellation ends in a result.
        """
        if caller.cancelled() or caller.cancelling() or caller.exception() is not None:
            self._is_gone.set()

    async def _send(self, message: Message) -> None:
        self._messages.put_nowait(message)
        await self._messages.join()  # until it is taken: what nobody reads is not read from Clerk, either

    async def _receive(self) -> dict[str, Any]:
        """The next part of the body. Django has received all of it, and put what is large into a file."""
        if self._is_read:
            await self._is_gone.wait()
            return {"type": "http.disconnect"}
        chunk = self._body.read(_CHUNK)
        self._is_read = len(chunk) < _CHUNK
        return {"type": "http.request", "body": chunk, "more_body": not self._is_read}


class Answer:
    """What Django streams. The exchange is over when this is forgotten."""

    def __init__(self, exchange: Exchange, start: Message) -> None:
        self.status: int = start["status"]
        self.headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
        #: No method of this: who is to call it would have this, too.
        self.close = exchange.close
        self._exchange = exchange

    def __aiter__(self) -> Answer:
        return self

    async def __anext__(self) -> bytes:
        """:raises ClerkError: as `Exchange.part` does."""
        part = await self._exchange.part()
        if part is None:
            raise StopAsyncIteration
        return part

    def __del__(self) -> None:
        self.close()

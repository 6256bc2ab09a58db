"""The two drivers: they make the Backend API calls that a flow yields, with httpx.

What they share is here once; what differs between them is only who waits. Each owns a pooled
client, made on the first call and never used after a fork, an attempt's time is bounded, and so
are the sum of all attempts and the size of an answer. A redirect is not followed: it would take
the secret key elsewhere.
"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from ..logging import hide_secrets
from .attempts import DEADLINE, Attempts, Body, arguments, no_answer
from .calls import NO_ANSWER, SETTLED, BackendAnswer
from .cookie_jar import no_cookies
from .lifetimes import PerEventLoop, PerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    import anyio
    import httpx

    from .calls import BackendCall, Flow, Queue, Result

#: Of the pool's 100 connections, those that each queue may take up: the key set's fetch never waits.
_MAX_IN_QUEUE: Final[Mapping[Queue, int]] = {"browsers": 48, "tokens": 32}

TOO_MANY: Final = BackendAnswer(None, problem="too many calls at once")


class Driver:
    """Runs flows, waiting in this thread."""

    def __init__(self, transport: httpx.BaseTransport | None = None) -> None:
        self._transport = transport
        self._connections = PerProcess(_Connections)

    def run(self, flow: Flow[Result]) -> Result:
        """Drive *flow* to its end, and return what it returns."""
        try:
            call = next(flow)
            while True:
                try:
                    answer, release = self._answer(call)
                except Exception as error:
                    call = flow.throw(error)
                else:
                    try:
                        call = flow.send(answer)
                    finally:
                        release()
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    def _answer(self, call: BackendCall) -> tuple[BackendAnswer, Callable[[], object]]:
        """The answer, and what to call when the flow has taken from it what it remembers.

        Until then it stays shared: whoever comes in between finds it here, or in the flow's memory.
        """
        connections = self._connections.current()
        if call.share is None:
            return self._bounded(connections, call), _nothing
        with connections.lock:
            shared = connections.shared.get(call.share)
            is_leader = shared is None
            if shared is None:
                shared = connections.shared[call.share] = _SharedAnswer()
        if not is_leader:
            shared.ready.wait(DEADLINE * 2)
            return shared.answer, _nothing
        release = partial(connections.shared.pop, call.share)
        try:
            # Another thread's answer may have been kept after this flow looked, and its call be over.
            is_settled = call.is_settled is not None and call.is_settled()
            shared.answer = SETTLED if is_settled else self._bounded(connections, call)
        except BaseException:
            release()
            raise
        finally:
            shared.ready.set()
        return shared.answer, release

    def _bounded(self, connections: _Connections, call: BackendCall) -> BackendAnswer:
        queue = call.queue
        if queue is None:
            return self._attempt(connections, call)
        with connections.lock:
            if connections.queued[queue] >= _MAX_IN_QUEUE[queue]:
                return TOO_MANY
            connections.queued[queue] += 1
        try:
            return self._attempt(connections, call)
        finally:
            with connections.lock:
                connections.queued[queue] -= 1

    def _attempt(self, connections: _Connections, call: BackendCall) -> BackendAnswer:
        attempts = Attempts(call.attempts)
        while True:
            answer = self._send(connections.open(self._transport), call, attempts.remaining())
            pause = attempts.pause_after(answer)
            if pause is None:
                return answer
            time.sleep(pause)

    def _send(self, client: httpx.Client, call: BackendCall, seconds: float) -> BackendAnswer:
        import httpx

        body = Body(seconds)
        try:
            with client.stream(call.method, call.url, **arguments(call, seconds)) as response:
                for chunk in response.iter_bytes():
                    if not body.add(chunk):
                        return NO_ANSWER
                return body.answer(response.status_code, response.headers.get("retry-after"))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return no_answer(error)

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        client = self._connections.renew().client
        if client is not None:
            client.close()


class _Connections:
    """What belongs to one process."""

    def __init__(self) -> None:
        self.client: httpx.Client | None = None
        self.lock = threading.Lock()
        self.shared: dict[Hashable, _SharedAnswer] = {}
        self.queued: dict[Queue, int] = {"browsers": 0, "tokens": 0}

    def open(self, transport: httpx.BaseTransport | None) -> httpx.Client:
        with self.lock:
            if self.client is None:
                import httpx

                hide_secrets()
                self.client = httpx.Client(transport=transport, cookies=no_cookies())
            return self.client


def _nothing() -> None:
    """Releases a call of its own."""


class _SharedAnswer:
    """The answer to a call that several threads wait for."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.answer = NO_ANSWER


class AsyncDriver:
    """Runs flows on asyncio or trio, never blocking the event loop."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        self._connections = PerEventLoop(_AsyncConnections)

    async def run(self, flow: Flow[Result]) -> Result:
        """Drive *flow* to its end, and return what it returns."""
        try:
            call = next(flow)
            while True:
                try:
                    answer = await self._answer(call)
                except Exception as error:
                    call = flow.throw(error)
                else:
                    call = flow.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    async def _answer(self, call: BackendCall) -> BackendAnswer:
        from anyio import Event

        connections = self._connections.current()
        if call.share is None:
            return await self._bounded(connections, call)
        shared = connections.shared
        while (asked := shared.get(call.share)) is not None:
            answers, answered = asked
            await answered.wait()
            if answers:
                return answers[0]
            # The one that asked was cancelled: ask in its place.
        answers, answered = shared[call.share] = [], Event()
        try:
            answers.append(await self._bounded(connections, call))
        finally:
            del shared[call.share]
            answered.set()
        return answers[0]

    async def _bounded(self, connections: _AsyncConnections, call: BackendCall) -> BackendAnswer:
        queue = call.queue
        if queue is None:
            return await self._attempt(connections, call)
        if connections.queued[queue] >= _MAX_IN_QUEUE[queue]:
            return TOO_MANY
        connections.queued[queue] += 1
        try:
            return await self._attempt(connections, call)
        finally:
            connections.queued[queue] -= 1

    async def _attempt(self, connections: _AsyncConnections, call: BackendCall) -> BackendAnswer:
        from anyio import sleep

        attempts = Attempts(call.attempts)
        while True:
            answer = await self._send(connections.open(self._transport), call, attempts.remaining())
            pause = attempts.pause_after(answer)
            if pause is None:
                return answer
            await sleep(pause)

    async def _send(self, client: httpx.AsyncClient, call: BackendCall, seconds: float) -> BackendAnswer:
        import httpx
        from anyio import move_on_after

        answer, body = NO_ANSWER, Body(seconds)
        with move_on_after(seconds):
            try:
                async with client.stream(call.method, call.url, **arguments(call, seconds)) as response:
                    async for chunk in response.aiter_bytes():
                        if not body.add(chunk):
                            return NO_ANSWER
                    answer = body.answer(response.status_code, response.headers.get("retry-after"))
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                return no_answer(error)
        return answer

    async def aclose(self) -> None:
        """Close the connections of this event loop; a later call opens new ones."""
        connections = self._connections.current()
        client, connections.client = connections.client, None
        if client is not None:
            await client.aclose()


class _AsyncConnections:
    """What belongs to one event loop of one process."""

    def __init__(self) -> None:
        self.client: httpx.AsyncClient | None = None
        self.shared: dict[Hashable, tuple[list[BackendAnswer], anyio.Event]] = {}
        self.queued: dict[Queue, int] = {"browsers": 0, "tokens": 0}

    def open(self, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
        if self.client is None:
            import httpx

            hide_secrets()
            self.client = httpx.AsyncClient(transport=transport, cookies=no_cookies())
        return self.client

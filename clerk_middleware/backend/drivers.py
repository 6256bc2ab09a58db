"""The two drivers: they make the Backend API calls that a flow yields, with httpx.

What differs between them is only who waits. An attempt's time is bounded, and so are the sum of all attempts
and how many calls outsiders can cause at once. The connections are their authenticator's.
"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from .attempts import DEADLINE, MAX_ANSWER_BYTES, Attempts, answer_of, no_answer, request_of
from .calls import NO_ANSWER, SETTLED, BackendAnswer
from .lifetimes import PerEventLoop, PerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    import anyio

    from .calls import BackendCall, Flow, Queue, Result
    from .connections import TaskConnections, ThreadConnections

#: Of the connections that the official client leaves, those that each queue may take up: the key set's fetch
#: never waits.
_MAX_IN_QUEUE: Final[Mapping[Queue, int]] = {"browsers": 48, "tokens": 32}

TOO_MANY: Final = BackendAnswer(None, problem="too many calls at once")


class Driver:
    """Runs flows, waiting in this thread."""

    def __init__(self, connections: ThreadConnections) -> None:
        self._connections = connections
        self._calls = PerProcess(_Calls)

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
        calls = self._calls.current()
        if call.share is None:
            return self._bounded(calls, call), _nothing
        with calls.lock:
            shared = calls.shared.get(call.share)
            is_leader = shared is None
            if shared is None:
                shared = calls.shared[call.share] = _SharedAnswer()
        if not is_leader:
            shared.ready.wait(DEADLINE * 2)
            return shared.answer, _nothing
        release = partial(calls.shared.pop, call.share)
        try:
            # Another thread's answer may have been kept after this flow looked, and its call be over.
            is_settled = call.is_settled is not None and call.is_settled()
            shared.answer = SETTLED if is_settled else self._bounded(calls, call)
        except BaseException:
            release()
            raise
        finally:
            shared.ready.set()
        return shared.answer, release

    def _bounded(self, calls: _Calls, call: BackendCall) -> BackendAnswer:
        queue = call.queue
        if queue is None:
            return self._attempt(call)
        with calls.lock:
            if calls.queued[queue] >= _MAX_IN_QUEUE[queue]:
                return TOO_MANY
            calls.queued[queue] += 1
        try:
            return self._attempt(call)
        finally:
            with calls.lock:
                calls.queued[queue] -= 1

    def _attempt(self, call: BackendCall) -> BackendAnswer:
        attempts = Attempts(call.attempts)
        while True:
            answer = self._send(call, attempts.remaining())
            pause = attempts.pause_after(answer)
            if pause is None:
                return answer
            time.sleep(pause)

    def _send(self, call: BackendCall, seconds: float) -> BackendAnswer:
        import httpx

        try:
            return answer_of(self._connections.exchange(request_of(call), MAX_ANSWER_BYTES, seconds))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return no_answer(error)


class _Calls:
    """Those of a process that are under way."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.shared: dict[Hashable, _SharedAnswer] = {}
        self.queued: dict[Queue, int] = {"browsers": 0, "tokens": 0}


def _nothing() -> None:
    """Releases a call of its own."""


class _SharedAnswer:
    """The answer to a call that several threads wait for."""

    def __init__(self) -> None:
        self.ready = threading.Event()
        self.answer = NO_ANSWER


class AsyncDriver:
    """Runs flows on asyncio or trio, never blocking the event loop."""

    def __init__(self, connections: TaskConnections) -> None:
        self._connections = connections
        self._calls = PerEventLoop(_AsyncCalls)

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

        calls = self._calls.current()
        if call.share is None:
            return await self._bounded(calls, call)
        shared = calls.shared
        while (asked := shared.get(call.share)) is not None:
            answers, answered = asked
            await answered.wait()
            if answers:
                return answers[0]
            # The one that asked was cancelled: ask in its place.
        answers, answered = shared[call.share] = [], Event()
        try:
            answers.append(await self._bounded(calls, call))
        finally:
            del shared[call.share]
            answered.set()
        return answers[0]

    async def _bounded(self, calls: _AsyncCalls, call: BackendCall) -> BackendAnswer:
        queue = call.queue
        if queue is None:
            return await self._attempt(call)
        if calls.queued[queue] >= _MAX_IN_QUEUE[queue]:
            return TOO_MANY
        calls.queued[queue] += 1
        try:
            return await self._attempt(call)
        finally:
            calls.queued[queue] -= 1

    async def _attempt(self, call: BackendCall) -> BackendAnswer:
        from anyio import sleep

        attempts = Attempts(call.attempts)
        while True:
            answer = await self._send(call, attempts.remaining())
            pause = attempts.pause_after(answer)
            if pause is None:
                return answer
            await sleep(pause)

    async def _send(self, call: BackendCall, seconds: float) -> BackendAnswer:
        import httpx

        try:
            return answer_of(await self._connections.exchange(request_of(call), MAX_ANSWER_BYTES, seconds))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return no_answer(error)


class _AsyncCalls:
    """Those of an event loop that are under way."""

    def __init__(self) -> None:
        self.shared: dict[Hashable, tuple[list[BackendAnswer], anyio.Event]] = {}
        self.queued: dict[Queue, int] = {"browsers": 0, "tokens": 0}

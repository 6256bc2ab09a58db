"""The two drivers: they make the Backend API calls that a flow yields, with httpx.

What they share is here once; what differs between them is only who waits. Each owns a pooled
client, made on the first call and never used after a fork, an attempt's time is bounded, and so
are the sum of all attempts and the size of an answer. A redirect is not followed: it would take
the secret key elsewhere.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from ..version import __version__
from .calls import API_VERSION, NO_ANSWER, BackendAnswer

if TYPE_CHECKING:
    from collections.abc import Hashable

    import anyio
    import httpx

    from .calls import BackendCall, Flow, Result

DEADLINE: Final = 5.0
_ATTEMPT_TIMEOUT: Final = 3.0
_BACKOFF: Final = 0.1
_MAX_ANSWER_BYTES: Final = 1024 * 1024
_RETRIED: Final = frozenset({None, 429, 500, 502, 503, 504})


class _Attempts:
    """How a call is tried: up to its `attempts`, with growing pauses, until the deadline."""

    def __init__(self, call: BackendCall) -> None:
        self._left = call.attempts
        self._pause = _BACKOFF
        self._deadline = time.monotonic() + DEADLINE

    def remaining(self) -> float:
        """Seconds that this attempt may take."""
        return min(_ATTEMPT_TIMEOUT, self._deadline - time.monotonic())

    def pause_after(self, answer: BackendAnswer) -> float | None:
        """Seconds to wait before another attempt, `None` where *answer* is final."""
        self._left -= 1
        if self._left <= 0 or answer.status not in _RETRIED:
            return None
        pause = self._pause * random.uniform(0.5, 1.0)  # noqa: S311  # spreads load, protects nothing
        self._pause *= 4
        return pause if time.monotonic() + pause < self._deadline else None


class _Body:
    """An answer's body as it arrives, up to its bounds of size and time."""

    def __init__(self, seconds: float) -> None:
        self._bytes = bytearray()
        self._deadline = time.monotonic() + seconds

    def add(self, chunk: bytes) -> bool:
        """Whether to read on."""
        self._bytes += chunk
        return len(self._bytes) <= _MAX_ANSWER_BYTES and time.monotonic() < self._deadline

    def answer(self, status: int) -> BackendAnswer:
        try:
            return BackendAnswer(status, json.loads(bytes(self._bytes)))
        except (ValueError, RecursionError):
            return BackendAnswer(status)


def _arguments(call: BackendCall, seconds: float) -> dict[str, Any]:
    headers = {
        "accept": "application/json",
        "clerk-api-version": API_VERSION,
        "user-agent": f"clerk-middleware/{__version__}",
    }
    if call.bearer is not None:
        headers["authorization"] = f"Bearer {call.bearer}"
    arguments: dict[str, Any] = {"headers": headers, "timeout": seconds, "follow_redirects": False}
    if call.body is not None:
        arguments["json"] = call.body
    return arguments


class Driver:
    """Runs flows, waiting in this thread."""

    def __init__(self, transport: httpx.BaseTransport | None = None) -> None:
        self._transport = transport
        self._start_process()

    def _start_process(self) -> None:
        # A lock or connection of the parent's, used after a fork, can hang or mix up answers.
        self._process = os.getpid()
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()
        self._shared: dict[Hashable, _SharedAnswer] = {}

    def run(self, flow: Flow[Result]) -> Result:
        """Drive *flow* to its end, and return what it returns."""
        try:
            call = next(flow)
            while True:
                call = flow.send(self._answer(call))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    def _answer(self, call: BackendCall) -> BackendAnswer:
        if self._process != os.getpid():
            self._start_process()
        if call.share is None:
            return self._attempt(call)
        with self._lock:
            shared = self._shared.get(call.share)
            is_leader = shared is None
            if shared is None:
                shared = self._shared[call.share] = _SharedAnswer()
        if is_leader:
            try:
                shared.answer = self._attempt(call)
            finally:
                with self._lock:
                    del self._shared[call.share]
                shared.ready.set()
        else:
            shared.ready.wait(DEADLINE * 2)
        return shared.answer

    def _attempt(self, call: BackendCall) -> BackendAnswer:
        attempts = _Attempts(call)
        while True:
            answer = self._send(call, attempts.remaining())
            pause = attempts.pause_after(answer)
            if pause is None:
                return answer
            time.sleep(pause)

    def _send(self, call: BackendCall, seconds: float) -> BackendAnswer:
        import httpx

        body = _Body(seconds)
        try:
            with self._open().stream(call.method, call.url, **_arguments(call, seconds)) as response:
                for chunk in response.iter_bytes():
                    if not body.add(chunk):
                        return NO_ANSWER
                return body.answer(response.status_code)
        except (httpx.HTTPError, httpx.InvalidURL):
            return NO_ANSWER

    def _open(self) -> httpx.Client:
        if self._client is None:
            import httpx

            with self._lock:
                if self._client is None:
                    self._client = httpx.Client(transport=self._transport)
        return self._client

    def close(self) -> None:
        if self._client is not None and self._process == os.getpid():
            self._client.close()
        self._client = None


class _SharedAnswer:
    def __init__(self) -> None:
        self.ready = threading.Event()
        self.answer = NO_ANSWER


class AsyncDriver:
    """Runs flows on asyncio or trio, never blocking the event loop."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        self._start_process()

    def _start_process(self, event_loop: object = None) -> None:
        self._process = os.getpid()
        self._event_loop = event_loop
        self._client: httpx.AsyncClient | None = None
        self._shared: dict[Hashable, tuple[list[BackendAnswer], anyio.Event]] = {}

    async def run(self, flow: Flow[Result]) -> Result:
        """Drive *flow* to its end, and return what it returns."""
        try:
            call = next(flow)
            while True:
                call = flow.send(await self._answer(call))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]

    async def _answer(self, call: BackendCall) -> BackendAnswer:
        from anyio import Event
        from anyio.lowlevel import current_token

        event_loop = current_token()  # connections and events are one loop's: tests run several
        if self._process != os.getpid() or self._event_loop != event_loop:
            self._start_process(event_loop)
        if call.share is None:
            return await self._attempt(call)
        shared = self._shared
        while (asked := shared.get(call.share)) is not None:
            answers, answered = asked
            await answered.wait()
            if answers:
                return answers[0]
            # The one that asked was cancelled: ask in its place.
        answers, answered = shared[call.share] = [], Event()
        try:
            answers.append(await self._attempt(call))
            return answers[0]
        finally:
            del shared[call.share]
            answered.set()

    async def _attempt(self, call: BackendCall) -> BackendAnswer:
        import anyio

        attempts = _Attempts(call)
        while True:
            answer = await self._send(call, attempts.remaining())
            pause = attempts.pause_after(answer)
            if pause is None:
                return answer
            await anyio.sleep(pause)

    async def _send(self, call: BackendCall, seconds: float) -> BackendAnswer:
        import anyio
        import httpx

        answer, body = NO_ANSWER, _Body(seconds)
        with anyio.move_on_after(seconds):
            try:
                async with self._open().stream(
                    call.method, call.url, **_arguments(call, seconds)
                ) as response:
                    async for chunk in response.aiter_bytes():
                        if not body.add(chunk):
                            return NO_ANSWER
                    answer = body.answer(response.status_code)
            except (httpx.HTTPError, httpx.InvalidURL):
                return NO_ANSWER
        return answer

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            import httpx

            self._client = httpx.AsyncClient(transport=self._transport)
        return self._client

    async def aclose(self) -> None:
        if self._client is not None and self._process == os.getpid():
            await self._client.aclose()
        self._client = None

"""What Clerk's official client sends its requests by, in place of the httpx clients that it would have made.

It is theirs for good and in every process and event loop, for it holds no connection: it sends by those of
its authenticator, and by at most half of them at once. Only what changes nothing is tried again.
"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ..event_loops import wait_on_event_loop
from .attempts import Attempts, without_body
from .calls import NO_ANSWER
from .connections import ENCODING, MAX_CONNECTIONS, too_slow
from .lifetimes import PerEventLoop, PerProcess

if TYPE_CHECKING:
    import anyio
    import httpx

    from .connections import TaskConnections, ThreadConnections

#: Seconds for a call with all its attempts, unless the application says otherwise.
TIMEOUT: Final = 10.0
#: Of an answer: the longest list that Clerk gives has 500 elements.
_MAX_BYTES: Final = 32 * 1024 * 1024
#: Requests at once. Others wait, and leave the rest of the connections to signing in.
_MAX_AT_ONCE: Final = MAX_CONNECTIONS // 2


class _Sender:
    """What all of them have: requests are made without any connection."""

    def build_request(
        self,
        method: str,
        url: httpx.URL | str,
        *,
        timeout: object = None,
        headers: Any = None,
        extensions: Any = None,
        **parts: Any,
    ) -> httpx.Request:
        """:param timeout: seconds for the whole call."""
        import httpx

        seconds = timeout if isinstance(timeout, (int, float)) else TIMEOUT
        return httpx.Request(
            method,
            url,
            headers={**ENCODING, **(headers or {})},
            extensions={**(extensions or {}), "timeout": httpx.Timeout(seconds).as_dict()},
            **parts,
        )


class SyncSender(_Sender):
    """In place of the `httpx.Client`: sends by connections of the process."""

    def __init__(self, connections: ThreadConnections) -> None:
        self._connections = connections
        self._places = PerProcess(lambda: threading.BoundedSemaphore(_MAX_AT_ONCE))

    def send(self, request: httpx.Request, **_: object) -> httpx.Response:
        sending = _Sending(request)
        while True:
            pause = sending.pause_after(self._outcome(request, sending))
            if pause is None:
                return sending.response()
            time.sleep(pause)

    def _outcome(self, request: httpx.Request, sending: _Sending) -> httpx.Response | httpx.HTTPError:
        import httpx

        places = self._places.current()
        if not places.acquire(timeout=sending.remaining()):
            return too_slow(request)
        try:
            return self._connections.exchange(request, _MAX_BYTES, sending.remaining())
        except httpx.HTTPError as error:
            return error
        finally:
            places.release()

    def close(self) -> None:
        """Nothing: the connections are the authenticator's."""


class AsyncSender(_Sender):
    """In place of the `httpx.AsyncClient`: sends by connections of the event loop."""

    def __init__(self, connections: TaskConnections) -> None:
        self._connections = connections
        self._places = PerEventLoop(_places)

    async def send(self, request: httpx.Request, **_: object) -> httpx.Response:
        from anyio import sleep

        sending = _Sending(request)
        while True:
            pause = sending.pause_after(await self._outcome(request, sending.remaining()))
            if pause is None:
                return sending.response()
            await sleep(pause)

    async def _outcome(self, request: httpx.Request, seconds: float) -> httpx.Response | httpx.HTTPError:
        import httpx
        from anyio import move_on_after

        with move_on_after(seconds):
            async with self._places.current():
                try:
                    return await self._connections.exchange(request, _MAX_BYTES, seconds)
                except httpx.HTTPError as error:
                    return error
        return too_slow(request)

    async def aclose(self) -> None:
        """Nothing, likewise."""


def _places() -> anyio.Semaphore:
    from anyio import Semaphore

    return Semaphore(_MAX_AT_ONCE)


class AsyncOverSync(_Sender):
    """The asynchronous half of an `Authenticator`: a worker thread sends by the synchronous one."""

    def __init__(self, sender: SyncSender) -> None:
        self._sender = sender

    async def send(self, request: httpx.Request, **_: object) -> httpx.Response:
        from anyio.to_thread import run_sync

        return await run_sync(self._sender.send, request)

    async def aclose(self) -> None:
        """Nothing, likewise."""


class SyncOverAsync(_Sender):
    """The synchronous half of an `AsyncAuthenticator`: the event loop sends by the asynchronous one.

    :param elsewhere: what to send by in threads that can't reach the event loop.
    """

    def __init__(self, sender: AsyncSender, elsewhere: SyncSender | None) -> None:
        self._sender = sender
        self._elsewhere = elsewhere

    def send(self, request: httpx.Request, **_: object) -> httpx.Response:
        elsewhere = self._elsewhere
        return wait_on_event_loop(
            partial(self._sender.send, request),
            in_thread=partial(elsewhere.send, request) if elsewhere is not None else None,
            refused="this call of the official client would block the event loop: await its "
            "asynchronous one, such as 'await users.get_async(…)'",
        )

    def close(self) -> None:
        """Nothing, likewise."""


class _Sending:
    """A request's attempts, and what the last one came to."""

    def __init__(self, request: httpx.Request) -> None:
        seconds = request.extensions["timeout"]["read"]
        self._attempts = Attempts(2 if request.method == "GET" else 1, seconds)
        self._outcome: httpx.Response | httpx.HTTPError

    def remaining(self) -> float:
        """Seconds that the attempt may still take."""
        return self._attempts.remaining()

    def pause_after(self, outcome: httpx.Response | httpx.HTTPError) -> float | None:
        """Seconds to wait before another attempt, `None` where there is none."""
        import httpx

        self._outcome = outcome
        if isinstance(outcome, httpx.DecodingError):
            return None  # it would be as large, or as wrong, the next time
        if isinstance(outcome, Exception):
            return self._attempts.pause_after(NO_ANSWER)
        answer = without_body(outcome.status_code, outcome.headers.get("retry-after"))
        return self._attempts.pause_after(answer)

    def response(self) -> httpx.Response:
        """:raises httpx.HTTPError: if there was none."""
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

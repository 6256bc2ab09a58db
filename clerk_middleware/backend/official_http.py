"""What Clerk's official client sends its requests by, in place of the httpx clients that it would have made.

It is theirs for good and in every process and event loop, for it holds no connection: it finds those of
the process or the event loop that it is used in. An answer is bounded in time and size, a redirect is not
followed, and only what changes nothing is tried again.
"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ..event_loops import wait_on_event_loop
from ..logging import hide_secrets
from .attempts import Attempts, without_body
from .calls import NO_ANSWER
from .cookie_jar import no_cookies
from .lifetimes import PerEventLoop, PerProcess

if TYPE_CHECKING:
    import httpx

#: Seconds for a call with all its attempts, unless the application says otherwise.
TIMEOUT: Final = 10.0
#: Of an answer: the longest list that Clerk gives has 500 elements.
_MAX_BYTES: Final = 32 * 1024 * 1024
#: They are of the body as it was sent, and not as it was decoded.
_OF_THE_TRANSFER: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class _Client:
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
            headers={"accept-encoding": "gzip, deflate", **(headers or {})},
            extensions={**(extensions or {}), "timeout": httpx.Timeout(seconds).as_dict()},
            **parts,
        )


class ThreadClient(_Client):
    """An `httpx.Client` to the official client, with connections of the process."""

    def __init__(self, transport: httpx.BaseTransport | None) -> None:
        self._transport = transport
        self._connections = PerProcess(_Connections)

    def send(self, request: httpx.Request, **_: object) -> httpx.Response:
        sending = _Sending(request)
        while True:
            client = self._connections.current().open(self._transport)
            pause = sending.pause_after(self._outcome(client, request, sending.next()))
            if pause is None:
                return sending.response()
            time.sleep(pause)

    def _outcome(
        self, client: httpx.Client, request: httpx.Request, seconds: float
    ) -> httpx.Response | httpx.HTTPError:
        import httpx

        body = _Body(seconds)
        try:
            response = client.send(request, stream=True)
            try:
                for chunk in response.iter_bytes():
                    if not body.add(chunk):
                        return _too_slow(request)
                return body.of(response)
            finally:
                response.close()
        except httpx.HTTPError as error:
            return error

    def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        client = self._connections.renew().client
        if client is not None:
            client.close()


class TaskClient(_Client):
    """An `httpx.AsyncClient` to the official client, with connections of the event loop."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None) -> None:
        self._transport = transport
        self._connections = PerEventLoop(_AsyncConnections)

    async def send(self, request: httpx.Request, **_: object) -> httpx.Response:
        from anyio import sleep

        sending = _Sending(request)
        while True:
            client = self._connections.current().open(self._transport)
            pause = sending.pause_after(await self._outcome(client, request, sending.next()))
            if pause is None:
                return sending.response()
            await sleep(pause)

    async def _outcome(
        self, client: httpx.AsyncClient, request: httpx.Request, seconds: float
    ) -> httpx.Response | httpx.HTTPError:
        import httpx
        from anyio import move_on_after

        body = _Body(seconds)
        with move_on_after(seconds):
            try:
                response = await client.send(request, stream=True)
                try:
                    async for chunk in response.aiter_bytes():
                        if not body.add(chunk):
                            return _too_slow(request)
                    return body.of(response)
                finally:
                    await response.aclose()
            except httpx.HTTPError as error:
                return error
        return _too_slow(request)

    async def aclose(self) -> None:
        """Close the connections of this event loop; a later request opens new ones."""
        connections = self._connections.current()
        client, connections.client = connections.client, None
        if client is not None:
            await client.aclose()


class TaskClientInThread(_Client):
    """The asynchronous half where the connections are a process's: it waits in a thread."""

    def __init__(self, client: ThreadClient) -> None:
        self._client = client

    async def send(self, request: httpx.Request, **_: object) -> httpx.Response:
        from anyio.to_thread import run_sync

        return await run_sync(self._client.send, request)

    async def aclose(self) -> None:
        """Nothing: the connections are the authenticator's."""


class ThreadClientOfTask(_Client):
    """The synchronous half where the connections are an event loop's: it has that send the request.

    :param in_threads: what to send by in its place, where the event loop can't be reached.
    """

    def __init__(self, client: TaskClient, in_threads: ThreadClient | None) -> None:
        self._client = client
        self._in_threads = in_threads

    def send(self, request: httpx.Request, **_: object) -> httpx.Response:
        in_threads = self._in_threads
        return wait_on_event_loop(
            partial(self._client.send, request),
            in_thread=partial(in_threads.send, request) if in_threads is not None else None,
            refused="this call of the official client would block the event loop: await its "
            "asynchronous one, such as 'await users.get_async(…)'",
        )

    def close(self) -> None:
        """Nothing: the connections are the authenticator's."""


class _Connections:
    """What belongs to one process."""

    def __init__(self) -> None:
        self.client: httpx.Client | None = None
        self._lock = threading.Lock()

    def open(self, transport: httpx.BaseTransport | None) -> httpx.Client:
        with self._lock:
            if self.client is None:
                import httpx

                hide_secrets()
                self.client = httpx.Client(transport=transport, cookies=no_cookies())
            return self.client


class _AsyncConnections:
    """What belongs to one event loop of one process."""

    def __init__(self) -> None:
        self.client: httpx.AsyncClient | None = None

    def open(self, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
        if self.client is None:
            import httpx

            hide_secrets()
            self.client = httpx.AsyncClient(transport=transport, cookies=no_cookies())
        return self.client


class _Sending:
    """A request's attempts, and what the last one came to."""

    def __init__(self, request: httpx.Request) -> None:
        self._request = request
        seconds = request.extensions["timeout"]["read"]
        self._attempts = Attempts(2 if request.method == "GET" else 1, seconds)
        self._outcome: httpx.Response | httpx.HTTPError

    def next(self) -> float:
        """Seconds that the next attempt may take."""
        import httpx

        seconds = self._attempts.remaining()
        self._request.extensions["timeout"] = httpx.Timeout(seconds).as_dict()
        return seconds

    def pause_after(self, outcome: httpx.Response | httpx.HTTPError) -> float | None:
        """Seconds to wait before another attempt, `None` where there is none."""
        self._outcome = outcome
        if isinstance(outcome, Exception):
            return self._attempts.pause_after(NO_ANSWER)
        answer = without_body(outcome.status_code, outcome.headers.get("retry-after"))
        return self._attempts.pause_after(answer)

    def response(self) -> httpx.Response:
        """:raises httpx.HTTPError: if there was none."""
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


class _Body:
    """An answer's body as it arrives, up to its bounds of size and time."""

    def __init__(self, seconds: float) -> None:
        self._bytes = bytearray()
        self._deadline = time.monotonic() + seconds

    def add(self, chunk: bytes) -> bool:
        """Whether to read on."""
        self._bytes += chunk
        return len(self._bytes) <= _MAX_BYTES and time.monotonic() < self._deadline

    def of(self, response: httpx.Response) -> httpx.Response:
        """*response*, with the whole body."""
        import httpx

        headers = [pair for pair in response.headers.multi_items() if pair[0] not in _OF_THE_TRANSFER]
        return httpx.Response(
            response.status_code, headers=headers, content=bytes(self._bytes), request=response.request
        )


def _too_slow(request: httpx.Request) -> httpx.HTTPError:
    import httpx

    return httpx.ReadTimeout("the answer is too large, or took too long", request=request)

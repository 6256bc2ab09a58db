"""The connections to Clerk of an authenticator: what the engine and the official client send requests by.

They belong to one process or one event loop, and to no request: no cookie is kept, and no redirect followed,
which would take the secret key elsewhere. An answer is bounded in size, and in time: of an event loop's all
of it, of a thread's its body (of the headers httpx bounds each read, and not their sum).
"""

from __future__ import annotations

import threading
import time
import zlib
from typing import TYPE_CHECKING, Any, Final

from ..logging import hide_secrets
from .cookie_jar import no_cookies
from .lifetimes import PerEventLoop, PerProcess

if TYPE_CHECKING:
    import httpx

#: At once. The official client takes up half of them, `Driver` gives out most of the others.
MAX_CONNECTIONS: Final = 200
_MAX_IDLE: Final = 20
#: They are of the body as it was sent, and not as it was decoded.
_OF_THE_TRANSFER: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})
#: The one compression that `_Body` undoes: httpx's decoders know no bound.
ENCODING: Final = {"accept-encoding": "gzip"}


class ThreadConnections:
    """For threads: those of a process.

    :param transport: to send by, and to close; the application's own, for tests.
    """

    def __init__(self, transport: httpx.BaseTransport | None = None) -> None:
        self._transport = transport
        self._owned = PerProcess(_OwnedByProcess)

    def exchange(self, request: httpx.Request, limit: int, seconds: float) -> httpx.Response:
        """The answer, with its whole body.

        :param limit: bytes that the body may have.
        :raises httpx.HTTPError: if there is none; `httpx.DecodingError` if it is too large or can't be read.
        """
        body = _Body(request, limit, seconds)
        response = self._client().send(request, stream=True)
        try:
            body.begin(response)
            chunks: Any = response.stream
            for chunk in chunks:
                body.add(chunk)
            return body.end(response)
        finally:
            response.close()

    def _client(self) -> httpx.Client:
        owned = self._owned.current()
        with owned.lock:
            if owned.client is None:
                import httpx

                owned.client = httpx.Client(transport=self._transport, **_options())
            return owned.client

    def close(self) -> None:
        """Close them; a later request opens new ones."""
        client = self._owned.renew().client
        if client is not None:
            client.close()


class TaskConnections:
    """For tasks of asyncio or trio: those of an event loop.

    :param transport: likewise.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        self._owned = PerEventLoop(_OwnedByEventLoop)

    async def exchange(self, request: httpx.Request, limit: int, seconds: float) -> httpx.Response:
        """The answer; see `ThreadConnections.exchange`."""
        from anyio import move_on_after

        body = _Body(request, limit, seconds)
        with move_on_after(seconds):
            response = await self._client().send(request, stream=True)
            try:
                body.begin(response)
                chunks: Any = response.stream
                async for chunk in chunks:
                    body.add(chunk)
                return body.end(response)
            finally:
                await response.aclose()
        raise too_slow(request)

    def _client(self) -> httpx.AsyncClient:
        owned = self._owned.current()
        if owned.client is None:
            import httpx

            owned.client = httpx.AsyncClient(transport=self._transport, **_options())
        return owned.client

    async def aclose(self) -> None:
        """Close those of this event loop; a later request opens new ones."""
        owned = self._owned.current()
        client, owned.client = owned.client, None
        if client is not None:
            await client.aclose()


class _OwnedByProcess:
    def __init__(self) -> None:
        self.client: httpx.Client | None = None
        self.lock = threading.Lock()


class _OwnedByEventLoop:
    def __init__(self) -> None:
        self.client: httpx.AsyncClient | None = None


def _options() -> dict[str, Any]:
    import httpx

    hide_secrets()
    return {
        "cookies": no_cookies(),
        "follow_redirects": False,
        "limits": httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=_MAX_IDLE),
    }


class _Body:
    """An answer's body as it arrives, up to its bounds of size and time."""

    def __init__(self, request: httpx.Request, limit: int, seconds: float) -> None:
        import httpx

        request.extensions["timeout"] = httpx.Timeout(seconds).as_dict()
        self._request = request
        self._limit = limit
        self._deadline = time.monotonic() + seconds
        self._bytes = bytearray()
        self._decoder: Any = None

    def begin(self, response: httpx.Response) -> None:
        """:raises httpx.DecodingError: if the body is compressed in another way than it was asked for."""
        encoding = response.headers.get("content-encoding", "identity").lower()
        if encoding == "gzip":
            self._decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)
        elif encoding != "identity":
            raise self._unreadable("its answer is compressed in a way that it was not asked for")

    def add(self, chunk: bytes) -> None:
        """:raises httpx.HTTPError: if it is too much, or took too long."""
        if self._decoder is not None:
            try:
                # A little that is sent can be much that is meant: no more of that is made than is wanted.
                chunk = self._decoder.decompress(chunk, self._limit - len(self._bytes) + 1)
            except zlib.error as error:
                raise self._unreadable(f"its answer can't be decompressed: {error}") from None
        self._bytes += chunk
        if len(self._bytes) > self._limit:
            raise self._unreadable(f"its answer is larger than {self._limit} bytes")
        if time.monotonic() > self._deadline:
            raise too_slow(self._request)

    def end(self, response: httpx.Response) -> httpx.Response:
        """*response*, with the whole body."""
        import httpx

        headers = [pair for pair in response.headers.multi_items() if pair[0] not in _OF_THE_TRANSFER]
        return httpx.Response(
            response.status_code, headers=headers, content=bytes(self._bytes), request=self._request
        )

    def _unreadable(self, problem: str) -> httpx.DecodingError:
        import httpx

        return httpx.DecodingError(problem, request=self._request)


def too_slow(request: httpx.Request) -> httpx.ReadTimeout:
    import httpx

    return httpx.ReadTimeout("it took too long", request=request)

"""The Frontend API proxy as an ASGI application."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..asgi_scope import send_answer
from ..backend.lifetimes import PerEventLoop
from ..errors import ClerkError
from ..logging import proxying
from ..request import PATH_SAFE, ClerkRequest
from .capacity import Capacity
from .connections import client_options, raw_headers, refusal_of, request_of, set_location_aside
from .exchange import Incoming, outgoing
from .forgetting import forget_locals, forget_request
from .leftovers import discard, is_to_be_read
from .patience import Patience
from .refusals import ClientGone, Refusals, Refused, busy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from ..asgi_scope import Message, Receive, Scope, Send
    from ..config_source import ConfigSource
    from .asgi_body import ASGIBody
    from .exchange import Outgoing
    from .headers import Pair


class ASGIProxy:
    """Passes every request that it gets on to the Frontend API, and streams the answer back.

    `ClerkMiddleware` has one, and gives it the requests that ``frontend_api_proxy`` covers.

    :param config: a `ClerkConfig`, or a function of the request that returns one.
    :param transport: an `httpx.AsyncBaseTransport` to reach the Frontend API by.
    """

    def __init__(self, config: ConfigSource, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._config = config
        self._transport = transport
        self._clients = PerEventLoop(_Client)
        self._refusals = Refusals()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.forward(scope, receive, send, ClerkRequest.from_asgi(scope))

    async def forward(self, scope: Scope, receive: Receive, send: Send, request: ClerkRequest) -> None:
        """The same for a *request* that was read already.

        :raises ClerkError: if an answer of which a part is sent can't be completed.
        """
        try:
            await self._forward(scope, receive, send, request)
            return
        except Refused as refused:
            forget_locals(refused)
            answer = self._refusals.answer(refused)
            if refused.is_ambiguous and _is_http_1(scope):
                answer.headers.append(("connection", "close"))  # nobody knows where the next request begins
        except ClientGone as gone:
            forget_locals(gone)
            return
        except BaseException as error:
            forget_locals(error)
            raise
        await send_answer(send, answer)

    async def _forward(self, scope: Scope, receive: Receive, send: Send, request: ClerkRequest) -> None:
        """Ask and pass on, until the client goes away."""
        from anyio import create_task_group

        from .asgi_body import ASGIBody

        wanted = outgoing(self._config, request, _incoming(scope))
        body = ASGIBody(receive, wanted)
        is_upload = not await body.is_whole()
        problem: Exception | None = None
        async with create_task_group() as group:
            group.start_soon(body.watch, group.cancel_scope.cancel)
            try:
                with proxying():
                    await self._pass_on(wanted, body, is_upload, send)
            except Exception as error:  # the task group would wrap it
                problem = error
            finally:
                group.cancel_scope.cancel()
        if problem is not None:
            raise problem

    async def _pass_on(self, wanted: Outgoing, body: ASGIBody, is_upload: bool, send: Send) -> None:
        """
        :raises Refused: if there is no answer that could be passed on.
        :raises ClientGone: if the client sent only a part of its request.
        :raises ClerkError: if the answer can't be completed, so that the server doesn't end the response as
            if it were whole.
        """
        from anyio import CancelScope

        client = self._clients.current()
        async with client.place(wanted, is_upload):
            response = await _ask(client.open(self._transport), wanted, body, is_upload)
            body.over()
            try:
                headers = wanted.answer_headers(response.status_code, raw_headers(response))
                problem = await _stream(response, headers, send, Patience(wanted.timeout["read"]))
            finally:
                with CancelScope(shield=True):
                    await response.aclose()
                forget_request(response)
        if problem is not None:
            raise ClerkError(problem)

    async def aclose(self) -> None:
        """Close the connections of this event loop; a later request opens new ones."""
        await self._clients.current().aclose()


class _Client:
    """The connections of one event loop."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None
        self._capacity = Capacity()

    @asynccontextmanager
    async def place(self, wanted: Outgoing, is_upload: bool) -> AsyncIterator[None]:
        """Around asking, and passing the answer on.

        :raises Refused: if there is no room for it, nor soon will be.
        """
        from anyio import Event, move_on_after

        woken = Event()
        place = self._capacity.ask(wanted.client, is_upload, woken.set)
        try:
            if not place.is_taken:
                with move_on_after(wanted.timeout["connect"]):
                    await woken.wait()
            if not place.is_taken:
                raise busy("waited for others to end")
            yield
        finally:
            self._capacity.leave(place)

    def open(self, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
        if self._client is None:
            import httpx

            self._client = httpx.AsyncClient(**client_options(transport, _set_location_aside))
        return self._client

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


async def _set_location_aside(response: httpx.Response) -> None:
    set_location_aside(response)


async def _ask(
    client: httpx.AsyncClient, wanted: Outgoing, body: ASGIBody, is_upload: bool
) -> httpx.Response:
    """:raises Refused: if there is no answer."""
    import httpx

    content, stream = (None, body) if is_upload else (body.take(), None)
    try:
        return await client.send(request_of(wanted, content, stream), stream=True)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        refused = refusal_of(error, wanted)
        forget_locals(error)  # as of Python 3.13 it would wait for a collection
    raise refused  # here, and not where the error is: that would hold the request with the secret key


async def _stream(
    response: httpx.Response, headers: list[Pair], send: Send, patience: Patience
) -> str | None:
    """Send an answer chunk by chunk; returns why it could not be completed, if so."""
    import httpx

    async def pass_on(message: Message) -> None:
        with patience.waiting():
            await send(message)
        patience.regain(len(message.get("body", b"")))

    try:
        await pass_on({"type": "http.response.start", "status": response.status_code, "headers": headers})
        if is_to_be_read(response.request.method, response.status_code):
            async with _chunks_of(response) as chunks:
                async for chunk in chunks:
                    await pass_on({"type": "http.response.body", "body": chunk, "more_body": True})
        await pass_on({"type": "http.response.body", "body": b"", "more_body": False})
    except httpx.HTTPError as error:
        return f"Clerk's Frontend API broke off its answer ({type(error).__name__})"
    except TimeoutError:
        return "the client of the Frontend API proxy took its answer too slowly"
    return None


@asynccontextmanager
async def _chunks_of(response: httpx.Response) -> AsyncIterator[AsyncIterator[bytes]]:
    """A body as it was sent, which leaves nothing on its connection.

    `aiter_raw` would give the connection back at the body's end, before anybody could look at it.
    """
    import httpx
    from anyio import CancelScope

    stream: Any = response.stream
    chunks: AsyncIterator[bytes] = aiter(stream)
    try:
        yield chunks
        discard(response)
    finally:
        # What httpx has are generators one within the other: these end only by an error where they wait.
        with suppress(httpx.HTTPError), CancelScope(shield=True) as ending:
            ending.cancel()
            async for _ in chunks:
                pass


def _incoming(scope: Scope) -> Incoming:
    raw_path: bytes = scope.get("raw_path") or quote(scope["path"], safe=PATH_SAFE).encode("ascii")
    client = scope.get("client")
    return Incoming(
        scope["method"],
        raw_path.partition(b"?")[0],
        scope.get("query_string", b""),
        list(scope["headers"]),
        client[0] if client else None,
        may_omit_length=not _is_http_1(scope),
    )


def _is_http_1(scope: Scope) -> bool:
    return scope.get("http_version", "1.1") in ("1.0", "1.1")

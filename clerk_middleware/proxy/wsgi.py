"""The Frontend API proxy as a WSGI application."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from queue import Empty, SimpleQueue
from threading import Event, Lock
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote
from weakref import finalize

from ..backend.lifetimes import PerProcess
from ..errors import ClerkError
from ..logging import proxying
from ..request import PATH_SAFE, ClerkRequest
from ..wsgi_environ import headers_of, send_answer
from .capacity import Capacity
from .connections import client_options, raw_headers, refusal_of, request_of, set_location_aside
from .exchange import Incoming, outgoing
from .forgetting import forget_locals, forget_request
from .leftovers import discard, is_to_be_read
from .refusals import Refusals, Refused, busy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Self
    from wsgiref.types import StartResponse, WSGIEnvironment

    import httpx

    from ..config_source import ConfigSource
    from .exchange import Outgoing
    from .wsgi_body import WSGIBody

#: What closes an answer, and what it is read from. A garbage collection may call its ``put``.
Forgotten: TypeAlias = "SimpleQueue[tuple[Callable[[], object], Iterator[bytes]]]"


class WSGIProxy:
    """Passes every request that it gets on to the Frontend API, and streams the answer back.

    `ClerkMiddleware` has one, and gives it the requests that ``frontend_api_proxy`` covers.

    :param config: a `ClerkConfig`, or a function of the request that returns one.
    :param transport: an `httpx.BaseTransport` to reach the Frontend API by.
    """

    def __init__(self, config: ConfigSource, *, transport: httpx.BaseTransport | None = None) -> None:
        self._config = config
        self._transport = transport
        self._clients = PerProcess(_Client)
        self._refusals = Refusals()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self.forward(environ, start_response, ClerkRequest.from_wsgi(environ.copy()))

    def forward(
        self, environ: WSGIEnvironment, start_response: StartResponse, request: ClerkRequest
    ) -> Iterable[bytes]:
        """The same for a *request* that was read already."""
        try:
            return self._forward(environ, start_response, request)
        except Refused as refused:
            forget_locals(refused)
            answer = self._refusals.answer(refused)
        except BaseException as error:
            forget_locals(error)
            raise
        return send_answer(environ, start_response, answer)

    def _forward(
        self, environ: WSGIEnvironment, start_response: StartResponse, request: ClerkRequest
    ) -> Iterable[bytes]:
        """
        :raises Refused: if there is no answer that could be passed on, or the client sent only a part of its
            request.
        """
        from .wsgi_body import WSGIBody

        wanted = outgoing(self._config, request, _incoming(environ))
        body = WSGIBody(environ, wanted)
        is_upload = not body.is_whole()
        client = self._clients.current()
        with ExitStack() as stack:
            stack.enter_context(client.place(wanted, is_upload))
            response = self._ask(wanted, body, is_upload)
            stack.callback(forget_request, response)
            stack.callback(response.close)
            headers = [
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in wanted.answer_headers(response.status_code, raw_headers(response))
            ]
            start_response(_status_line(response.status_code), headers)
            if is_to_be_read(wanted.method, response.status_code):
                return _Answer(response, stack.pop_all().close, client.forgotten)
        return []

    def _ask(self, wanted: Outgoing, body: WSGIBody, is_upload: bool) -> httpx.Response:
        """:raises Refused: if there is no answer."""
        import httpx

        content, stream = (None, body) if is_upload else (body.take(), None)
        try:
            request = request_of(wanted, content, stream)
            with proxying():
                return self._send(request)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            refused = refusal_of(error, wanted)
            forget_locals(error)  # as of Python 3.13 it would wait for a collection
        raise refused  # here, and not where the error is: that would hold the request with the secret key

    def _send(self, request: httpx.Request) -> httpx.Response:
        client = self._clients.current().open(self._transport)
        try:
            return client.send(request, stream=True)
        except RuntimeError:
            if not client.is_closed:
                raise
        # By another thread, after it was opened here. Of the request nothing was sent yet.
        return self._clients.current().open(self._transport).send(request, stream=True)

    def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        self._clients.renew().close()


class _Client:
    """The connections of one process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._client: httpx.Client | None = None
        self._capacity = Capacity()
        #: Of answers that nobody has closed, as `_Answer` says.
        self.forgotten: Forgotten = SimpleQueue()

    @contextmanager
    def place(self, wanted: Outgoing, is_upload: bool) -> Iterator[None]:
        """Around asking, and passing the answer on.

        :raises Refused: if there is no room for it, nor soon will be.
        """
        self._close_forgotten()
        woken = Event()
        place = self._capacity.ask(wanted.client, is_upload, woken.set)
        try:
            if not place.is_taken:
                woken.wait(wanted.timeout["connect"])
            if not place.is_taken:
                raise busy("waited for others to end")
            yield
        finally:
            self._capacity.leave(place)

    def open(self, transport: httpx.BaseTransport | None) -> httpx.Client:
        with self._lock:
            if self._client is None:
                import httpx

                self._client = httpx.Client(**client_options(transport, set_location_aside))
            return self._client

    def close(self) -> None:
        self._close_forgotten()
        if self._client is not None:
            self._client.close()

    def _close_forgotten(self) -> None:
        with suppress(Empty):
            while True:
                close, _ = self.forgotten.get_nowait()
                close()


class _Answer:
    """The Frontend API's answer, as the server sends it on.

    Some servers and middleware never close it, against PEP 3333. What they have forgotten is closed with the
    next request. A garbage collection must not do so: it would wait for httpcore's lock, or `Capacity`'s, and
    may itself have begun while its own thread holds that.

    :raises ClerkError: if it is broken off, so that the server doesn't end the response as if it were whole.
    """

    # Servers have this among their local variables when they fail, and it leads to the secret key.
    __slots__ = ("__weakref__", "_chunks", "_close", "_if_forgotten", "_response")

    def __init__(self, response: httpx.Response, close: Callable[[], object], forgotten: Forgotten) -> None:
        stream: Any = response.stream
        # `iter_raw` would give the connection back at the body's end, before anybody could look at it.
        self._chunks: Iterator[bytes] = iter(stream)
        self._response = response
        self._close = close
        # Until then it keeps the chunks, too, whose generators would close themselves.
        self._if_forgotten = finalize(self, forgotten.put, (close, self._chunks))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        import httpx

        try:
            with proxying():
                return next(self._chunks)
        except StopIteration:
            discard(self._response)
            self.close()
            raise
        except httpx.HTTPError as error:
            problem = type(error).__name__
        raise ClerkError(f"Clerk's Frontend API broke off its answer ({problem})")

    def close(self) -> None:
        self._if_forgotten.detach()
        self._close()


def _incoming(environ: WSGIEnvironment) -> Incoming:
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    headers = [(_latin_1(name), _latin_1(value)) for name, value in headers_of(environ)]
    return Incoming(
        environ["REQUEST_METHOD"],
        quote(_latin_1(path), safe=PATH_SAFE).encode("ascii"),
        _latin_1(environ.get("QUERY_STRING", "")),
        headers,
        environ.get("REMOTE_ADDR") or None,
    )


def _latin_1(text: str) -> bytes:
    return text.encode("latin-1", "replace")


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Unknown"

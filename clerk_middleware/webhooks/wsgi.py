"""``webhooks.wsgi``: a receiver as a WSGI application (PEP 3333)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..answers import Answer
from ..wsgi_environ import headers_of, send_answer
from .bodies import declared, read_body, refusal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from .receiver import WebhookReceiver


class WSGIWebhooks:
    """Handles deliveries in the threads that a server calls it in."""

    def __init__(self, receiver: WebhookReceiver) -> None:
        self._receiver = receiver

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = self.answer(environ)
        if answer.status != 204:
            return send_answer(environ, start_response, answer)
        start_response("204 No Content", list(answer.headers))  # no length of no content (RFC 9110, 8.6)
        return []

    def body(self, environ: WSGIEnvironment) -> bytes | Answer:
        """The body of a request that nobody has read, or the answer to one that is refused."""
        receiver, length = self._receiver, environ.get("CONTENT_LENGTH")
        refused = refusal(environ["REQUEST_METHOD"], length, receiver.max_body_size)
        if refused is not None:
            return receiver.refuse(refused)
        body = read_body(
            _reader(environ["wsgi.input"]),
            _length(environ),
            receiver.max_body_size,
            receiver.body_timeout_in_seconds,
        )
        return receiver.refuse(body) if isinstance(body, Answer) else body

    def answer(self, environ: WSGIEnvironment) -> Answer:
        """The answer to a request whose body nobody has read."""
        body = self.body(environ)
        if isinstance(body, Answer):
            return body
        return self._receiver.handle(body, headers_of(environ))


def _length(environ: WSGIEnvironment) -> int | None:
    """How many bytes to read. Without a length, only some servers say where a body ends."""
    length = declared(environ.get("CONTENT_LENGTH"))
    return 0 if length is None and not environ.get("wsgi.input_terminated") else length


def _reader(stream: Any) -> Any:
    # read() waits until all that it is asked for has come, and for longer than a body may take.
    return getattr(stream, "read1", stream.read)

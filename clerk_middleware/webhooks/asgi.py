"""``webhooks.asgi``: a receiver as an ASGI application, to be routed to or mounted.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..answers import Answer
from ..asgi_scope import send_answer
from .answers import TOO_LARGE, TOO_SLOW
from .bodies import receive_body, refusal

if TYPE_CHECKING:
    from ..asgi_scope import Receive, Scope, Send
    from .receiver import WebhookReceiver


class ASGIWebhooks:
    """An object and no function, since Starlette takes functions for views."""

    def __init__(self, receiver: WebhookReceiver) -> None:
        self._receiver = receiver

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            answer = await self.answer(scope, receive)
            if answer is not None:
                await _send(send, answer, scope)

    async def answer(self, scope: Scope, receive: Receive) -> Answer | None:
        """The answer to an HTTP request, whose body nobody has read; `None` if its client is gone."""
        receiver, headers = self._receiver, scope["headers"]
        length = next((value.decode("latin-1") for name, value in headers if name == b"content-length"), None)
        body: bytes | Answer | None = refusal(scope["method"], length, receiver.max_body_size)
        if body is None:
            body = await receive_body(receive, receiver.max_body_size, receiver.body_timeout_in_seconds)
        if isinstance(body, Answer):
            answer = receiver.refuse(body)
            if body in (TOO_LARGE, TOO_SLOW) and scope.get("http_version", "1.1").startswith("1"):
                # The server would take the rest of the body, and throw it away.
                answer.headers.append(("connection", "close"))
            return answer
        return await receiver.ahandle(body, headers) if body is not None else None


async def _send(send: Send, answer: Answer, scope: Scope) -> None:
    if answer.status != 204:
        if scope["method"] == "HEAD":
            answer = answer._replace(body=b"")
        await send_answer(send, answer)
        return
    # It has no content, and no length of it (RFC 9110, 8.6).
    headers = [(name.encode(), value.encode()) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _live(receive: Receive, send: Send) -> None:
    """Take part in a server's life, as one application of its own; there is nothing to prepare."""
    for event in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{event}.complete"})

"""The ASGI middleware around the SDK's application, for answers that the SDK does not give.

The SDK answers a token that it can't verify with 401, and a tool's refusal with 200. But while Clerk can't
be asked, a client must not throw its token away: 503. And one whose token lacks a scope learns of it by 403.
"""

from __future__ import annotations

import json
import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from mcp import ErrorData

from clerk_middleware.answers import Answer
from clerk_middleware.asgi_scope import send_answer
from clerk_middleware.challenges import bearer_challenge

if TYPE_CHECKING:
    from clerk_middleware.asgi_scope import ASGIApp, Message, Receive, Scope, Send

    from .verifier import ClerkTokenVerifier

_INTERNAL_ERROR: Final = -32603  # JSON-RPC's
# A message in JSON, or in the first event of a stream.
_MESSAGE: Final = re.compile(rb"^(?:data: ?)?(\{.*)", re.MULTILINE)

#: That of the request that runs. The SDK runs a tool in the context of the request that called it.
current_exchange: Final[ContextVar[Exchange | None]] = ContextVar("clerk_mcp_exchange", default=None)


class ClerkMCPMiddleware:
    """Answers 503 with ``Retry-After`` while Clerk can't be asked, and 403 where `require_scope` refuses.

    `http_app` adds it; to another application of the SDK's, such as that of ``mcp.sse_app()``, add it with
    ``app.add_middleware(ClerkMCPMiddleware, verifier=verifier)``.

    :param verifier: the server's. It is closed when the application stops; one that is mounted into another
        is not told, so close the verifier yourself there.
    """

    def __init__(self, app: ASGIApp, verifier: ClerkTokenVerifier) -> None:
        self.app = app
        self.verifier = verifier

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            exchange = Exchange(
                send,
                holds_head=scope["method"] == "POST",  # by GET clients listen, for as long as they like
                resource_metadata_url=self.verifier.resource_metadata_url,
            )
            token = current_exchange.set(exchange)
            try:
                await self.app(scope, receive, exchange.send)
            finally:
                current_exchange.reset(token)
            return
        try:
            await self.app(scope, receive, send)
        finally:
            if scope["type"] == "lifespan":
                await self.verifier.aclose()


class Exchange:
    """One request's way of answering, of which something inside may find that it needs another answer.

    :param holds_head: whether an answer's head is kept back until its first message, so that it can still
        become another.
    :param resource_metadata_url: for the challenge (RFC 9728, 5.1).
    """

    def __init__(self, send: Send, *, holds_head: bool, resource_metadata_url: str) -> None:
        self._send = send
        self._holds_head = holds_head
        self._resource_metadata_url = resource_metadata_url
        self._head: Message | None = None
        self._unavailable: Answer | None = None
        # What `require_scope` raised, and the answer where the call ends with it.
        self._refusals: list[tuple[dict[str, Any], Answer]] = []
        self._is_replaced = False

    def report_outage(self, retry_after: int) -> None:
        """Clerk could not be asked about the token: if the SDK refuses it, the answer is 503."""
        message = (
            f"Clerk can't be asked about the access token right now: try again in {retry_after} seconds."
        )
        error = ErrorData(code=_INTERNAL_ERROR, message=message)
        self._unavailable = Answer.json(503, _rpc(error), [("retry-after", str(retry_after))])

    def forbid(self, error: ErrorData, scope: str) -> None:
        """The token lacks a scope: if the call ends with *error*, before its answer has begun, that is 403.

        A tool may also handle the error, and answer something else.

        :param scope: the scopes that a token should have, with spaces between them.
        """
        challenge = (
            f"{bearer_challenge(None, 'oauth_token', 'insufficient_scope', scope.split())}, "
            f'error_description="{error.message}", resource_metadata="{self._resource_metadata_url}"'
        )
        answer = Answer.json(403, _rpc(error), [("www-authenticate", challenge)])
        self._refusals.append((_dumped(error), answer))

    async def send(self, message: Message) -> None:
        """In the place of the server's: sends what the application does, or the other answer."""
        if self._is_replaced:
            return
        instead: Answer | None = None
        if message["type"] == "http.response.start":
            if message["status"] == 401:
                instead = self._unavailable
            if instead is None and self._holds_head:
                self._head = message
                return
        elif self._head is not None:
            head, self._head = self._head, None
            instead = self._refused(bytes(message.get("body", b"")))
            if instead is None:
                await self._send(head)
        if instead is None:
            await self._send(message)
            return
        self._is_replaced = True
        await send_answer(self._send, instead)

    def _refused(self, content: bytes) -> Answer | None:
        """What to answer in the place of *content*, if that is the error of a refusal."""
        found = _MESSAGE.search(content) if self._refusals else None
        if found is None:
            return None
        try:
            error = json.loads(found[1]).get("error")
        except ValueError:  # a part of something long, which is none
            return None
        return next((answer for refusal, answer in self._refusals if refusal == error), None)


def _rpc(error: ErrorData) -> dict[str, Any]:
    """The body: a JSON-RPC error of the whole request, as the SDK's own answers at this level have."""
    return {"jsonrpc": "2.0", "id": None, "error": _dumped(error)}


def _dumped(error: ErrorData) -> dict[str, Any]:
    return error.model_dump(mode="json", by_alias=True, exclude_none=True)

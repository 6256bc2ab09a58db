"""`ClerkMCPMiddleware`: which answers it replaces, and that it leaves all others as they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp import ErrorData

from clerk_middleware_mcp import ClerkMCPMiddleware, ClerkTokenVerifier
from clerk_middleware_mcp.middleware import current_exchange

pytestmark = pytest.mark.anyio

STREAM = [(b"content-type", b"text/event-stream; charset=utf-8")]
FORBIDDEN = ErrorData(code=-32003, message="This needs more.", data={"error": "insufficient_scope"})
REFUSAL = b'{"jsonrpc":"2.0","id":1,"error":%s}' % FORBIDDEN.model_dump_json().encode()


def start(status: int = 200, headers: Any = ()) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(content: bytes = b"", *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": content, "more_body": more}


@pytest.fixture
def answers(verifier: ClerkTokenVerifier) -> Any:
    """What a client gets of an application that sends messages, and calls functions between them."""

    async def run(*steps: Any, method: str = "POST") -> list[Any]:
        sent: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            for step in steps:
                if callable(step):
                    step(current_exchange.get())
                else:
                    await send(step)

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": method, "path": "/mcp", "headers": []}
        await ClerkMCPMiddleware(app, verifier)(scope, None, send)  # type: ignore[arg-type]
        assert current_exchange.get() is None
        return sent

    return run


def forbid(exchange: Any) -> None:
    exchange.forbid(FORBIDDEN, "profile read:loads")


def report_outage(exchange: Any) -> None:
    exchange.report_outage(7)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("status", [200, 202, 401, 403, 404, 500])
async def test_other_answers_pass(answers: Any, method: str, status: int) -> None:
    messages = [start(status), body(b"a", more=True), body(b"b")]
    assert await answers(*messages, method=method) == messages


async def test_streams_pass(answers: Any) -> None:
    messages = [start(200, STREAM), body(b"a", more=True), body(b"b", more=True), body()]
    assert await answers(*messages) == messages


async def test_a_stream_by_get_begins_at_once(answers: Any) -> None:
    """A client that listens would else wait for the first event, to learn that it may."""
    assert await answers(start(200, STREAM), method="GET") == [start(200, STREAM)]


async def test_an_outage_is_503(answers: Any) -> None:
    head, content = await answers(report_outage, start(401), body(b"{}"))
    assert head["status"] == 503
    headers = dict(head["headers"])
    assert headers[b"retry-after"] == b"7"
    assert headers[b"cache-control"] == b"no-store"
    assert b"www-authenticate" not in headers
    assert json.loads(content["body"]) == {
        "jsonrpc": "2.0",
        "id": None,
        "error": {
            "code": -32603,
            "message": "Clerk can't be asked about the access token right now: try again in 7 seconds.",
        },
    }


async def test_an_outage_closes_nothing_that_is_open(answers: Any) -> None:
    """Metadata is for everybody, also for who sends a token along."""
    assert await answers(report_outage, start(200), body(b"{}")) == [start(200), body(b"{}")]


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize(
    ("status", "headers", "first"),
    [
        (200, (), REFUSAL),
        (400, (), REFUSAL),
        (200, STREAM, b"event: message\r\ndata: " + REFUSAL + b"\r\n\r\n"),
        (200, STREAM, b"id: 1\ndata:" + REFUSAL + b"\n\n"),
    ],
)
async def test_a_missing_scope_is_403(
    answers: Any, status: int, headers: Any, first: bytes, is_late: bool
) -> None:
    steps: list[Any] = [start(status, headers), body(first, more=True), body(b"b")]
    steps.insert(int(is_late), forbid)
    head, content = await answers(*steps)
    assert head["status"] == 403
    assert dict(head["headers"])[b"www-authenticate"] == (
        b'Bearer error="insufficient_scope", scope="profile read:loads", '
        b'error_description="This needs more.", resource_metadata="https://fleet.example.com/.well-known/oauth-protected-resource/mcp"'
    )
    assert json.loads(content["body"])["error"] == FORBIDDEN.model_dump()
    assert content["more_body"] is False


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"a",
        b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"This needs more."}]}}',
        b'{"jsonrpc":"2.0","id":1,"error":{"code":-32003,"message":"This needs more."}}',
        b'{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error"}}',
        REFUSAL[:-9],
        b"data: " + REFUSAL[:-1],
        b": ping\r\n\r\n",
        b'x: {"error": 1}',
    ],
)
async def test_a_missing_scope_that_the_tool_made_do_without_is_none(answers: Any, first: bytes) -> None:
    for headers in ((), STREAM):
        messages = [start(200, headers), body(first, more=True), body(b"b")]
        assert await answers(forbid, *messages) == messages


async def test_of_several_refusals_the_last_word_counts(answers: Any) -> None:
    def forbid_another(exchange: Any) -> None:
        exchange.forbid(ErrorData(code=-32003, message="This needs other things."), "write:loads")

    head, _ = await answers(forbid_another, forbid, forbid_another, start(), body(REFUSAL))
    assert b'scope="profile read:loads"' in dict(head["headers"])[b"www-authenticate"]


async def test_the_error_alone_is_no_refusal(answers: Any) -> None:
    """It may be another server's, which a tool has called."""
    messages = [start(), body(REFUSAL)]
    assert await answers(*messages) == messages


async def test_what_has_begun_goes_on(answers: Any) -> None:
    messages = [start(200, STREAM), body(b"a", more=True), body(b"data: " + REFUSAL)]
    assert await answers(*messages[:2], forbid, messages[2]) == messages
    assert await answers(forbid, *messages, method="GET") == messages


async def test_an_application_that_fails_fails(verifier: ClerkTokenVerifier) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start(200, STREAM))
        raise RuntimeError("broken")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/mcp", "headers": []}
    with pytest.raises(RuntimeError, match="broken"):
        await ClerkMCPMiddleware(app, verifier)(scope, None, send)  # type: ignore[arg-type]
    assert sent == []  # so that the server can answer 500
    assert current_exchange.get() is None


async def test_the_verifier_is_closed_when_the_application_stops(
    verifier: ClerkTokenVerifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []

    async def close() -> None:
        closed.append("closed")

    monkeypatch.setattr(verifier, "aclose", close)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert closed == []
        assert current_exchange.get() is None

    middleware = ClerkMCPMiddleware(app, verifier)
    await middleware({"type": "websocket"}, None, None)  # type: ignore[arg-type]
    assert closed == []
    await middleware({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert closed == ["closed"]

"""What the demo makes of a WSGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest

from clerk_middleware.cli.wsgi_application import as_asgi


class Body:
    """An answer of one part, which is as long as it was said to be."""

    def __init__(self) -> None:
        self.times_closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield b"fine"

    def close(self) -> None:
        self.times_closed += 1


def asked(body: Iterable[bytes], headers: list[Any] | None = None) -> tuple[int, bytes]:
    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", headers or [])
        return body

    async def ask() -> tuple[int, bytes]:
        transport = httpx.ASGITransport(as_asgi(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.get("/")
        return answer.status_code, answer.content

    return asyncio.run(ask())


@pytest.mark.parametrize("headers", [[], [("content-length", "4")]], ids=["", "length"])
def test_an_answer_is_closed(headers: list[Any]) -> None:
    """asgiref reads none further than its length, and closes none."""
    body = Body()
    assert asked(body, headers) == (200, b"fine")
    assert body.times_closed == 1


def test_an_answer_may_have_nothing_to_close() -> None:
    assert asked([b"fi", b"ne"]) == (200, b"fine")

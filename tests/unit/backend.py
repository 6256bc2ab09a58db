"""Clerk's Backend API with canned answers, for `httpx.MockTransport`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

Answer = httpx.Response | Exception | dict[str, Any] | Callable[[httpx.Request], httpx.Response]


class CannedBackend:
    """Answers by method and path, and notes every request.

    An answer is a `dict` (200 and JSON), a response, an exception to raise, or a function of the request.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[httpx.Request] = []

    def on(self, route: str, answer: Answer) -> CannedBackend:
        """Answer *route*, such as ``GET /v1/jwks``."""
        self.answers[route] = answer
        return self

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.get(f"{request.method} {request.url.path}")
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, dict):
            return httpx.Response(200, json=answer)
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        if answer is not None:
            return answer(request)
        return httpx.Response(404, json={"errors": [{"code": "resource_not_found", "message": "not found"}]})

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self)

    @property
    def asked(self) -> list[str]:
        """Every call, as ``GET /v1/jwks``."""
        return [f"{request.method} {request.url.path}" for request in self.requests]

    def body(self, index: int = -1) -> Any:
        return json.loads(self.requests[index].content)


def error(status: int, code: str) -> httpx.Response:
    """An error as Clerk answers it."""
    return httpx.Response(status, json={"errors": [{"code": code, "message": "refused"}]})

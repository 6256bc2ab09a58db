"""What is said of an answer of the Backend API, whoever asked."""

from __future__ import annotations

from typing import Any

import httpx

from clerk_middleware.local import LocalClerk

__all__ = ["error_of", "events_of", "ids"]


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error, whose form is Clerk's."""
    assert answer.headers["content-type"] == "application/json"
    (error,) = answer.json()["errors"]
    assert set(error) == {"code", "message", "long_message", "meta"}
    assert answer.json()["clerk_trace_id"]
    return answer.status_code, error["code"]


def ids(objects: list[Any]) -> list[str]:
    """The ids of the client's objects, or of an answer's."""
    return [each["id"] if isinstance(each, dict) else each.id for each in objects]


def events_of(clerk: LocalClerk) -> list[str]:
    """The types of the events until now."""
    return [message.type for message in clerk.webhook_messages]

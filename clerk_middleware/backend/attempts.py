"""How a Backend API call is made, whoever waits for it: what is sent, how often, and for how long."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ..version import __version__
from .calls import API_VERSION, BackendAnswer
from .connections import ENCODING

if TYPE_CHECKING:
    import httpx

    from .calls import BackendCall

DEADLINE: Final = 5.0
_ATTEMPT_TIMEOUT: Final = 3.0
_BACKOFF: Final = 0.1
MAX_ANSWER_BYTES: Final = 1024 * 1024
#: Seconds: what asks for a longer pause is asked again sooner.
_LONGEST_WAIT: Final = 60
_RETRIED: Final = frozenset({None, 429, 500, 502, 503, 504})


class Attempts:
    """How a call is tried: so many times, with growing pauses, until the deadline.

    :param seconds: for all attempts together. Default: what is short enough for a request to wait for.
    """

    def __init__(self, count: int, seconds: float | None = None) -> None:
        self._left = count
        self._pause = _BACKOFF
        self._longest = _ATTEMPT_TIMEOUT if seconds is None else seconds * (0.6 if count > 1 else 1)
        self._deadline = time.monotonic() + (DEADLINE if seconds is None else seconds)

    def remaining(self) -> float:
        """Seconds that this attempt may take."""
        return max(0.001, min(self._longest, self._deadline - time.monotonic()))

    def pause_after(self, answer: BackendAnswer) -> float | None:
        """Seconds to wait before another attempt, `None` where *answer* is final."""
        self._left -= 1
        if self._left <= 0 or answer.status not in _RETRIED or answer.retry_after is not None:
            return None
        import random

        pause = self._pause * random.uniform(0.5, 1.0)  # noqa: S311  # spreads load, protects nothing
        self._pause *= 4
        return pause if time.monotonic() + pause < self._deadline else None


def answer_of(response: httpx.Response) -> BackendAnswer:
    """What the engine takes from an answer, whose body is there."""
    from json import loads

    answer = without_body(response.status_code, response.headers.get("retry-after"))
    with suppress(ValueError, RecursionError):
        answer.json = loads(response.content)
    return answer


def without_body(status: int, retry_after: str | None) -> BackendAnswer:
    """:param retry_after: the header of this name."""
    return BackendAnswer(status, retry_after=_seconds(retry_after) if status in (429, 503) else None)


def _seconds(retry_after: str | None) -> int | None:
    """``Retry-After`` (RFC 9110, 10.2.3), of which Clerk sends the number of seconds; at most a minute."""
    text = (retry_after or "").strip()
    if not (text.isascii() and text.isdecimal()):
        return None
    return max(1, min(int(text[:9]), _LONGEST_WAIT))


def request_of(call: BackendCall) -> httpx.Request:
    """:raises httpx.InvalidURL: if that of the call is none."""
    import httpx

    headers = {
        "accept": "application/json",
        "clerk-api-version": API_VERSION,
        "user-agent": f"clerk-middleware/{__version__}",
        **ENCODING,
    }
    if call.bearer is not None:
        headers["authorization"] = f"Bearer {call.bearer}"
    return httpx.Request(call.method, call.url, headers=headers, json=call.body)


def no_answer(error: Exception) -> BackendAnswer:
    return BackendAnswer(None, problem=f"{type(error).__name__} {error}"[:200].strip())

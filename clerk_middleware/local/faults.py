"""Failing, rate limiting and answering slowly, on demand: so that a test sees what its application does."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import anyio
from starlette.types import ASGIApp, Receive, Scope, Send

from .errors import error_response
from .requested_paths import matches, requested_path, without_version

__all__ = ["Faults", "FaultsMiddleware"]


@dataclass(slots=True)
class _Fault:
    path: str
    status: int | None = None
    retry_after: int | None = None
    seconds: float = 0.0
    remaining: int | None = None


class Faults:
    """What was asked to go wrong, by path."""

    def __init__(self) -> None:
        self._faults: dict[tuple[str, bool], _Fault] = {}
        self._lock = Lock()

    def fail(self, path: str, *, status: int, times: int | None, retry_after: int | None) -> None:
        """Answer requests for `path` with `status`."""
        path = without_version(path)
        with self._lock:
            self._faults[path, True] = _Fault(path, status=status, remaining=times, retry_after=retry_after)

    def delay(self, path: str, seconds: float, *, times: int | None) -> None:
        """Answer requests for `path` after `seconds`."""
        path = without_version(path)
        with self._lock:
            self._faults[path, False] = _Fault(path, seconds=seconds, remaining=times)

    def clear(self) -> None:
        """Let everything go well again."""
        with self._lock:
            self._faults.clear()

    def matching(self, path: str) -> list[_Fault]:
        """The faults that hit a request for `path`, which uses up one time of each."""
        with self._lock:
            hit = [fault for fault in self._faults.values() if matches(path, fault.path)]
            for fault in hit:
                if fault.remaining is not None:
                    fault.remaining -= 1
            self._faults = {key: fault for key, fault in self._faults.items() if fault.remaining != 0}
        return hit


class FaultsMiddleware:
    """ASGI middleware that does what `Faults` says."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, fail, or pass the request on."""
        app = self._app
        if scope["type"] == "http":
            for fault in self._faults.matching(requested_path(scope)):
                await anyio.sleep(fault.seconds)
                if fault.status is not None:
                    app = _failure(fault.status, fault.retry_after)
        await app(scope, receive, send)


def _failure(status: int, retry_after: int | None) -> ASGIApp:
    code = "too_many_requests" if status == 429 else "unexpected_error"
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return error_response(status, code, "LocalClerk was asked to fail here.", headers=headers)

"""Which requests a pattern such as ``/sessions/*/refresh`` means, and how many of them came."""

from __future__ import annotations

from fnmatch import fnmatchcase
from threading import Lock

from starlette.types import ASGIApp, Receive, Scope, Send

from .bounded import BoundedStore

__all__ = ["RequestCounts", "RequestCountsMiddleware", "matches", "requested_path", "without_version"]

#: Characters of a path that are looked at.
_MAXIMUM_PATH = 500


def requested_path(scope: Scope, *, maximum: int | None = _MAXIMUM_PATH) -> str:
    """The path of a request, as seen from where LocalClerk is mounted: its first `maximum` characters."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))[:maximum]


def matches(path: str, pattern: str) -> bool:
    """Whether `pattern`, which may hold ``*`` and may leave out ``/v1``, means `path`."""
    return fnmatchcase(without_version(path), without_version(pattern))


def without_version(path: str) -> str:
    """`path` without the ``/v1`` that a pattern may leave out."""
    return path.removeprefix("/v1")


class RequestCounts:
    """How many requests came, by path."""

    def __init__(self) -> None:
        self._counts: BoundedStore[int] = BoundedStore(1000)
        self._lock = Lock()

    def count(self, path: str) -> None:
        """One request more."""
        with self._lock:
            self._counts.put(path, (self._counts.get(path) or 0) + 1)

    def of(self, pattern: str) -> int:
        """How many there were of the paths that `pattern` means."""
        return sum(count for path, count in self._counts.items() if matches(path, pattern))


class RequestCountsMiddleware:
    """ASGI middleware that counts, whatever is answered then."""

    def __init__(self, app: ASGIApp, counts: RequestCounts) -> None:
        self._app = app
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the request, and pass it on."""
        if scope["type"] == "http":
            self._counts.count(requested_path(scope))
        await self._app(scope, receive, send)

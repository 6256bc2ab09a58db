"""What `LocalClerk` tells of the requests that it gets, and how it fails them on purpose."""

from __future__ import annotations

from .faults import Faults
from .proxied_requests import ProxiedRequest, ProxiedRequests
from .requested_paths import RequestCounts

__all__ = ["TrafficAccess"]


class TrafficAccess:
    """Counts and shows requests, answers them late or with an error."""

    def __init__(self) -> None:
        self._faults = Faults()
        self._counts = RequestCounts()
        self._proxied = ProxiedRequests()

    @property
    def proxied_requests(self) -> tuple[ProxiedRequest, ...]:
        """The last thousand requests that came by an application's Frontend API proxy, the newest last."""
        return self._proxied.all()

    def fail(
        self, path: str, status: int = 500, times: int | None = 1, retry_after: int | None = None
    ) -> None:
        """Answer requests for `path` with an error: 429 with `retry_after` (seconds) is a rate limit.

        `path` may hold ``*`` and may leave out ``/v1``: ``/jwks``, ``/sessions/*/refresh``. `times`
        is how often; `None` is until `recover`.
        """
        self._faults.fail(path, status=status, times=times, retry_after=retry_after)

    def delay(self, path: str, seconds: float, times: int | None = None) -> None:
        """Answer requests for `path` after `seconds`; `path` and `times` as for `fail`."""
        self._faults.delay(path, seconds, times=times)

    def recover(self) -> None:
        """Undo every `fail` and `delay`."""
        self._faults.clear()

    def calls(self, path: str) -> int:
        """How many requests for `path`, written as for `fail`, have come so far, failed ones too."""
        return self._counts.of(path)

"""The metadata of authorization servers (RFC 8414), as they were fetched from Clerk.

The cache: its key is the URL of the Frontend API, as configured; an entry dies after five minutes, a
failure's after five seconds.
"""

from __future__ import annotations

from typing import Any, Final

from .generations import Generations

LIFETIME: Final = 5 * 60.0
FAILURE_LIFETIME: Final = 5.0
_MAX_SERVERS: Final = 1024


class ServerMetadata:
    """The authorization servers' documents that one authenticator has fetched."""

    def __init__(self) -> None:
        self._known: Generations[str, tuple[dict[str, Any] | None, float]] = Generations(_MAX_SERVERS)

    def find(self, url: str, now: float) -> tuple[dict[str, Any] | None, float] | None:
        """The document, `None` in its place where it could not be had just now, and when it was fetched."""
        known = self._known.get(url)
        if known is None:
            return None
        lifetime = LIFETIME if known[0] is not None else FAILURE_LIFETIME
        return known if 0 <= now - known[1] < lifetime else None

    def store(self, url: str, document: dict[str, Any] | None, now: float) -> None:
        self._known.add(url, (document, now))

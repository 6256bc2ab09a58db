"""Who got no local user a moment ago, and is not to have Clerk asked about them at each request."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict


class TurnedAway:
    """Clerk users for whom there was no local user, or of whom Clerk did not say who they are.

    Keyed by instance and user id. An entry dies after *seconds*, or when *size* newer ones have come.
    """

    def __init__(self, seconds: float = 10.0, size: int = 1024) -> None:
        self._seconds = seconds
        self._size = size
        self._until: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, user: tuple[str, str]) -> None:
        with self._lock:
            self._until[user] = time.monotonic() + self._seconds
            self._until.move_to_end(user)
            if len(self._until) > self._size:
                self._until.popitem(last=False)

    def __contains__(self, user: tuple[str, str]) -> bool:
        return self._until.get(user, 0.0) > time.monotonic()

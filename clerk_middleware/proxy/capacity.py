"""How many requests are passed on at once, and whose. It counts only: waiting is for `asgi.py` and `wsgi.py`.

httpx bounds its connections, too, but goes through all that wait for one whenever one of them comes or goes,
which takes an event loop minutes where thousands do.
"""

from __future__ import annotations

from collections import Counter
from ipaddress import ip_address
from threading import Lock
from typing import TYPE_CHECKING, Final

from .refusals import busy

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

#: In each process or event loop. Apart from the Backend API's connections, which clients can't use up so.
MOST: Final = 100
#: Of these, with a body that is passed on as it arrives: its client decides how long that takes.
MOST_UPLOADS: Final = 50
#: From one address, which many may share.
MOST_OF_CLIENT: Final = 25
UPLOADS_OF_CLIENT: Final = 5
#: Beyond all that, who waits for others to end.
MOST_WAITING: Final = 100
WAITING_OF_CLIENT: Final = 50


class Place:
    """A request's right to be passed on, or its wait for it."""

    __slots__ = ("bounds", "client", "is_taken", "wake")

    def __init__(self, client: str | None, is_upload: bool, wake: Callable[[], object]) -> None:
        self.client = _network(client)
        self.wake = wake
        self.is_taken = False
        #: What it counts for, and how many may at once.
        self.bounds: list[tuple[Hashable, int]] = [("all", MOST)]
        if is_upload:
            self.bounds.append(("uploads", MOST_UPLOADS))
        if self.client is not None:
            self.bounds.append((("of", self.client), MOST_OF_CLIENT))
            if is_upload:
                self.bounds.append((("uploads of", self.client), UPLOADS_OF_CLIENT))


class Capacity:
    """The places of one process or event loop."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._taken: Counter[Hashable] = Counter()
        self._waiting: dict[Place, None] = {}

    def ask(self, client: str | None, is_upload: bool, wake: Callable[[], object]) -> Place:
        """A place that is taken, or that will be when *wake* is called. It is to be left in either case.

        :param client: the client's address.
        :param is_upload: whether the body is passed on as it arrives.
        :raises Refused: if too many wait.
        """
        place = Place(client, is_upload, wake)
        with self._lock:
            if self._has_room(place):
                self._take(place)
            elif len(self._waiting) < MOST_WAITING and self._waiting_of(place.client) < WAITING_OF_CLIENT:
                self._waiting[place] = None
            else:
                raise busy("too many wait already")
        return place

    def leave(self, place: Place) -> None:
        """Give *place* to whoever has waited for it longest; a second time does nothing."""
        with self._lock:
            self._waiting.pop(place, None)
            if not place.is_taken:
                return
            place.is_taken = False
            self._taken -= Counter(key for key, _ in place.bounds)  # which drops what is 0
            for other in [*self._waiting]:
                if self._has_room(other):
                    del self._waiting[other]
                    self._take(other)
                    other.wake()

    def _has_room(self, place: Place) -> bool:
        return all(self._taken[key] < most for key, most in place.bounds)

    def _take(self, place: Place) -> None:
        place.is_taken = True
        self._taken.update(key for key, _ in place.bounds)

    def _waiting_of(self, client: str | None) -> int:
        return sum(other.client == client for other in self._waiting) if client is not None else 0


def _network(client: str | None) -> str | None:
    """What one client has for itself: an IPv4 address, or 64 bits of IPv6."""
    if client is None or ":" not in client:
        return client
    return ip_address(client).exploded[:19]

"""Wrong passwords and codes, counted, so that nobody can guess for long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .bounded import BoundedStore

__all__ = ["Failures"]

_MAXIMUM = 5
#: Seconds after which what had too many of them may have as many again, unless it is over then.
_PAUSE = 600.0


@dataclass(frozen=True, slots=True)
class _Count:
    number: int
    last_at: float


class Failures:
    """Those of an instance, by the id of what they were given in: a sign-in, a session, an e-mail address."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._counts: BoundedStore[_Count] = BoundedStore(10_000)

    def are_too_many(self, id: str) -> bool:
        """Whether there were so many that no answer is looked at for now."""
        count = self._counts.get(id)
        return count is not None and count.number >= _MAXIMUM and self._clock() - count.last_at < _PAUSE

    def note(self, id: str) -> bool:
        """Note one more; answers whether they are too many now."""
        count = self._counts.get(id)
        is_first = count is None or (count.number >= _MAXIMUM and not self.are_too_many(id))
        number = 1 if count is None or is_first else count.number + 1
        self._counts.put(id, _Count(number, self._clock()))
        return number >= _MAXIMUM

    def forget(self, id: str) -> None:
        """Begin anew, after an answer that was right."""
        self._counts.pop(id)

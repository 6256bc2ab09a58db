"""How long a client is waited for."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bytes a second. Whoever is slower for long has a connection to Clerk from others who need one.
SLOWEST: Final = 2_000
#: Seconds of waiting for one client, however fast it is: for 10 MB, which is Clerk's most for a picture, at
#: 140 kbit/s.
LONGEST: Final = 600.0


class Patience:
    """So many seconds in all, which are got back while the client sends or takes bytes.

    A limit for each single wait would let a client that gives one byte a minute go on for ever.

    :param longest: seconds that are not got back.
    """

    def __init__(self, seconds: float, longest: float = LONGEST) -> None:
        self._most = self._left = seconds
        self._longest = max(seconds, longest)

    @property
    def left(self) -> float:
        """Seconds for which the client may still be waited for."""
        return min(self._left, self._longest)

    def spend(self, seconds: float) -> None:
        """Count *seconds* of waiting."""
        self._left -= seconds
        self._longest -= seconds

    def regain(self, size: int) -> None:
        """Count *size* bytes that the client sent or took."""
        self._left = min(self._left + size / SLOWEST, self._most)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around a wait for the client, on asyncio or trio.

        :raises TimeoutError: if there is no time left.
        """
        from anyio import current_time, fail_after

        began = current_time()
        with fail_after(self.left):
            yield
        self.spend(current_time() - began)

"""What holds connections belongs to one process, and where they are asynchronous to one event loop.

A parent's lock or connection can hang a child, or mix up answers.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_MAX_EVENT_LOOPS: Final = 16


class PerProcess(Generic[T]):
    """One of a thing in each process, made when it is first asked for."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._process = os.getpid()
        self._made = make()

    def current(self) -> T:
        """This process's."""
        if self._process != os.getpid():
            self._process, self._made = os.getpid(), self._make()
        return self._made

    def renew(self) -> T:
        """Put a new one in its place, and return the old one, to be closed."""
        old = self.current()
        self._made = self._make()
        return old


class PerEventLoop(Generic[T]):
    """One of a thing for each event loop of this process, of which the latest few are kept."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._process = os.getpid()
        self._made: dict[object, T] = {}
        self._lock = Lock()

    def current(self) -> T:
        """That of the event loop, of asyncio or trio, that runs now."""
        from anyio.lowlevel import current_token

        if self._process != os.getpid():
            self._process, self._made, self._lock = os.getpid(), {}, Lock()
        event_loop = current_token()
        made = self._made.get(event_loop)
        if made is None:
            with self._lock:  # of several event loops, each in a thread of its own
                while len(self._made) >= _MAX_EVENT_LOOPS:
                    del self._made[next(iter(self._made))]
                made = self._made[event_loop] = self._make()
        return made

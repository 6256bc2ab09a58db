"""A value that is fetched at most once, whoever asks for it."""

from __future__ import annotations

from copy import copy
from threading import Lock
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from .errors import BackendAPIError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

#: Seconds after which a task looks again whether who fetches the value is done. Threads, tasks and event
#: loops have no other way to wait for each other that can't stop one of them for good.
_PAUSE: Final = 0.005


class Once(Generic[T]):
    """Fetched by who asks first; threads and tasks that ask meanwhile wait for that.

    What it failed with is raised to those who waited, too. Who asks later has it fetched anew.
    """

    __slots__ = ("_failed", "_failures", "_found", "_lock")

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: tuple[T] | None = None
        self._failed: BackendAPIError | None = None
        self._failures = 0

    def get(self, fetch: Callable[[], T]) -> T:
        """The value; waits in this thread, which must not be that of an event loop whose task fetches it."""
        failures = self._failures
        with self._lock:
            found = self._fetched_since(failures)
            if found is None:
                try:
                    found = self._found = (fetch(),)
                except BackendAPIError as error:
                    self._fail(error)
                    raise
        return found[0]

    async def aget(self, fetch: Callable[[], Awaitable[T]]) -> T:
        """The same in a task. If it is cancelled while it fetches, another one takes its place."""
        from anyio import sleep

        failures = self._failures
        while not self._lock.acquire(blocking=False):  # noqa: ASYNC110  # a thread sets no event
            await sleep(_PAUSE)
        try:
            found = self._fetched_since(failures)
            if found is None:
                try:
                    found = self._found = (await fetch(),)
                except BackendAPIError as error:
                    self._fail(error)
                    raise
        finally:
            self._lock.release()
        return found[0]

    def _fetched_since(self, failures: int) -> tuple[T] | None:
        """:raises BackendAPIError: if it failed, after somebody had seen so many failures."""
        if self._found is None and self._failed is not None and self._failures > failures:
            raise copy(self._failed)
        return self._found

    def _fail(self, error: BackendAPIError) -> None:
        self._failed = copy(error)  # without the traceback, which holds what others had in hand
        self._failures += 1

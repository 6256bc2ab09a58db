"""Which messages were handled: the record that has each of them handled once."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Literal, Protocol

from ..errors import ClerkError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeAlias

#: What `WebhookStore.begin` found: nobody handled the message, somebody is at it, or it is done.
WebhookState: TypeAlias = 'Literal["begun", "running", "handled"]'

_DAY = 24 * 60 * 60.0


class WebhookStore(Protocol):
    """Knows which messages are being handled and which were, by their ids.

    An id is 1 to 128 letters, digits, ``_`` and ``-``, and only comes here after its signature was verified.
    A method may be a coroutine function, for `WebhookReceiver.asgi`; any other may block: it is called in a
    thread of its own. One that raises has the message answered with 500, and delivered again.
    """

    def begin(self, message_id: str, /) -> WebhookState | Awaitable[WebhookState]:
        """Say how it is with a message, and in the same moment, where that is ``begun``, that it is running.

        ``begun`` goes to one caller alone, until that one calls `abandon`.
        """
        ...

    def finish(self, message_id: str, /) -> Awaitable[None] | None:
        """A message that was begun is handled: from now on `begin` says so."""

    def abandon(self, message_id: str, /) -> Awaitable[None] | None:
        """A message that was begun is not handled: the next `begin` begins it."""


class MemoryWebhookStore:
    """The record in this process's memory, for any number of threads and event loops.

    Other processes have their own, and a new start forgets it: with several workers a message that Clerk
    delivers twice can be handled twice. The key is the message's id. What is handled is forgotten after
    *lifetime_in_seconds*, or earlier, the oldest first, where there are more than *size*. What is running is
    not forgotten: a handler that never ends keeps its message from running again.

    :param lifetime_in_seconds: Clerk delivers a message again for about 28 hours.
    :param size: how many messages there are at most; while so many are running, another is refused.
    :param clock: tells seconds, and is never set back.
    :raises ConfigurationError: if either is not positive.
    """

    def __init__(
        self,
        lifetime_in_seconds: float = 3 * _DAY,
        size: int = 10_000,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        for name, value in (("lifetime_in_seconds", lifetime_in_seconds), ("size", size)):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
                raise ConfigurationError(
                    f"MemoryWebhookStore: {name} must be a positive number, but is {value!r}"
                )
        #: For how long a handled message is remembered.
        self.lifetime_in_seconds = lifetime_in_seconds
        self._size = size
        self._clock = clock
        self._lock = threading.Lock()
        self._running: set[str] = set()
        #: When each was finished, the oldest first.
        self._handled: OrderedDict[str, float] = OrderedDict()

    def begin(self, message_id: str, /) -> WebhookState:
        with self._lock:
            self._forget()
            if message_id in self._handled:
                return "handled"
            if message_id in self._running:
                return "running"
            if len(self._running) >= self._size:
                raise ClerkError(
                    f"{len(self._running)} webhooks are being handled at once, and no more can be"
                )
            self._running.add(message_id)
            return "begun"

    def finish(self, message_id: str, /) -> None:
        with self._lock:
            self._running.discard(message_id)
            self._handled[message_id] = self._clock()
            self._handled.move_to_end(message_id)
            self._forget()

    def abandon(self, message_id: str, /) -> None:
        with self._lock:
            self._running.discard(message_id)

    def _forget(self) -> None:
        """Drop what is too old or too much: at most a few entries at a time."""
        oldest_kept = self._clock() - self.lifetime_in_seconds
        while self._handled:
            message_id, finished_at = next(iter(self._handled.items()))
            if finished_at > oldest_kept and len(self._handled) <= self._size:
                return
            del self._handled[message_id]

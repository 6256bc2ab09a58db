"""What becomes of a message whose signature was verified: each is handled once.

A generator without I/O: it yields what to call, and drivers call it, waiting in their thread or not.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..errors import ClerkError
from ..logging import logger
from .answers import HANDLED, HANDLED_BEFORE, HANDLER_FAILED, STILL_RUNNING, STORE_FAILED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import Semaphore
    from typing import TypeAlias

    from ..answers import Answer
    from .events import WebhookEvent
    from .stores import WebhookStore

#: How long to wait before asking the store again, the first time and at most.
_FIRST_PAUSE: Final = 0.02
_MAX_PAUSE: Final = 0.5


class Call:
    """A function to call, which may be a coroutine function.

    :param is_record: whether it is one of the store's, which is not given up half-way.
    """

    __slots__ = ("argument", "function", "is_record", "outcome")

    def __init__(self, function: Callable[[Any], Any], argument: object, *, is_record: bool = False) -> None:
        self.function = function
        self.argument = argument
        self.is_record = is_record
        #: What it returned, also where whoever waits for it was cancelled in the meantime.
        self.outcome: Any = None


class Pause:
    """A while to wait, in seconds."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


T = TypeVar("T")
Steps: TypeAlias = "Generator[Call | Pause, Any, T]"


def deliver(
    event: WebhookEvent,
    handlers: Sequence[Callable[[Any], object]],
    store: WebhookStore,
    waiting: Semaphore,
    wait_in_seconds: float,
) -> Steps[Answer]:
    """Have the handlers handle *event*, unless another delivery of it is, or was.

    :param waiting: places for deliveries that wait for another one.
    """
    if not handlers:
        return HANDLED
    try:
        answer = yield from _turn(event.id, store, waiting, wait_in_seconds)
    except Exception:
        logger.exception("Clerk: the store failed, so the webhook %s is not handled", event.id)
        return STORE_FAILED
    if answer is not None:
        return answer
    try:
        for handler in handlers:
            yield Call(handler, event)
    except Exception:
        logger.exception("Clerk: a handler of the webhook %s failed (%s)", event.id, event.type)
        yield from _abandon(event.id, store)
        return HANDLER_FAILED
    except BaseException:  # such as that the request was cancelled
        yield from _abandon(event.id, store)
        raise
    try:
        yield Call(store.finish, event.id, is_record=True)
    except Exception:
        # Delivered again, it might run again: all that is missing is the record.
        logger.exception("Clerk: the store failed after the webhook %s was handled", event.id)
    return HANDLED


def _turn(
    message_id: str, store: WebhookStore, waiting: Semaphore, wait_in_seconds: float
) -> Steps[Answer | None]:
    """Wait until the message is this delivery's to handle, or return the answer."""
    if (state := (yield from _begin(message_id, store))) != "running":
        return _answer_in(state)
    if not waiting.acquire(blocking=False):
        return STILL_RUNNING
    try:
        until, pause = time.monotonic() + wait_in_seconds, _FIRST_PAUSE
        while (remaining := until - time.monotonic()) > 0:
            yield Pause(min(pause, remaining))
            if (state := (yield from _begin(message_id, store))) != "running":
                return _answer_in(state)
            pause = min(pause * 2, _MAX_PAUSE)
        return STILL_RUNNING
    finally:
        waiting.release()


def _answer_in(state: object) -> Answer | None:
    if state == "begun":
        return None
    if state == "handled":
        return HANDLED_BEFORE
    raise ClerkError(f"WebhookStore.begin() returned {state!r}, neither 'begun', 'running' nor 'handled'")


def _begin(message_id: str, store: WebhookStore) -> Steps[object]:
    begin = Call(store.begin, message_id, is_record=True)
    try:
        return (yield begin)
    except BaseException:
        if begin.outcome == "begun":  # nobody will handle it
            yield from _abandon(message_id, store)
        raise


def _abandon(message_id: str, store: WebhookStore) -> Steps[None]:
    try:
        yield Call(store.abandon, message_id, is_record=True)
    except Exception:
        logger.exception("Clerk: the store failed, and may not have webhook %s run again", message_id)

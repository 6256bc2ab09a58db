"""The two drivers: they make the calls that a delivery consists of, and differ only in who waits."""

from __future__ import annotations

import inspect
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from .delivery import Pause

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .delivery import Call, Steps

T = TypeVar("T")

#: In seconds, for a store that is asked on an event loop.
_RECORD_TIMEOUT: Final = 10.0


class Hooks(Protocol):
    """How to call what is not of the driver's kind."""

    def call_async(self, function: Callable[[], Awaitable[T]], /) -> T: ...

    async def call_sync(self, function: Callable[[], T], /) -> T: ...


def run(steps: Steps[T], hooks: Hooks) -> T:
    """Make the calls in this thread."""
    try:
        step = next(steps)
        while True:
            try:
                result = _perform(step, hooks)
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def _perform(step: Call | Pause, hooks: Hooks) -> Any:
    if isinstance(step, Pause):
        time.sleep(step.seconds)
        return None
    result = step.function(step.argument)
    if inspect.isawaitable(result):
        result = _awaited(result, hooks)
    step.outcome = result
    return result


def _awaited(awaitable: Awaitable[T], hooks: Hooks) -> T:
    async def wait() -> T:
        return await awaitable

    try:
        return hooks.call_async(wait)
    finally:
        if inspect.iscoroutine(awaitable):  # which warns if it was not awaited
            awaitable.close()


async def arun(steps: Steps[T], hooks: Hooks) -> T:
    """Make the calls without blocking the event loop: what is no coroutine function in another thread."""
    try:
        step = next(steps)
        while True:
            try:
                result = await _aperform(step, hooks)
            except BaseException as error:
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


async def _aperform(step: Call | Pause, hooks: Hooks) -> Any:
    from anyio import sleep

    if isinstance(step, Pause):
        await sleep(step.seconds)
        return None
    if step.is_record:
        await _to_its_end(step, hooks)
    else:
        await _call(step, hooks)
    return step.outcome


async def _to_its_end(step: Call, hooks: Hooks) -> None:
    """Make a call that is not given up half-way, whoever is cancelled meanwhile."""
    import asyncio

    from anyio import CancelScope

    with CancelScope(shield=True):
        try:
            asyncio.get_running_loop()
        except RuntimeError:  # trio cancels nothing but scopes
            await _call(step, hooks)
            return
        # asyncio cancels tasks, whatever scope they are in.
        task, cancelled = asyncio.ensure_future(_call(step, hooks)), False
        try:
            while not task.done():
                try:
                    await asyncio.wait([task])
                except asyncio.CancelledError:
                    cancelled = True
            if cancelled:
                task.exception()  # asked for, or asyncio complains
                raise asyncio.CancelledError
            task.result()
        finally:
            del task  # its exception refers to this frame


async def _call(step: Call, hooks: Hooks) -> None:
    from anyio import fail_after

    if inspect.iscoroutinefunction(step.function):
        step.outcome = step.function(step.argument)
    else:
        await _in_thread(step, hooks)
    if inspect.isawaitable(step.outcome):
        awaitable, step.outcome = step.outcome, None
        with fail_after(_RECORD_TIMEOUT if step.is_record else None):
            step.outcome = await awaitable


async def _in_thread(step: Call, hooks: Hooks) -> None:
    work = _Work(step)
    try:
        await hooks.call_sync(work)
    except BaseException:
        await work.wait_until_over()
        raise


class _Work:
    """A call that another thread makes.

    A task of asyncio can be cancelled while its thread goes on. As long as it does, the call is not over, and
    the message must not run again.
    """

    def __init__(self, step: Call) -> None:
        self._step = step
        self._lock = threading.Lock()
        self._is_running = self._is_given_up = False

    def __call__(self) -> None:
        with self._lock:
            if self._is_given_up:
                return
            self._is_running = True
        try:
            self._step.outcome = self._step.function(self._step.argument)
        finally:
            self._is_running = False

    async def wait_until_over(self) -> None:
        """Wait for the thread, or see to it that it does not begin."""
        from anyio import CancelScope, get_cancelled_exc_class, sleep

        with self._lock:
            self._is_given_up = True
        while self._is_running:
            try:
                with CancelScope(shield=True):
                    await sleep(0.01)
            except get_cancelled_exc_class():
                pass  # another time: whoever waits here raises the first one

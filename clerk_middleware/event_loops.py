"""How synchronous code waits for what an event loop does."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from .errors import ClerkError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


def expect_no_event_loop(refused: str) -> None:
    """:raises ClerkError: saying *refused*, in the thread of an event loop, which must not wait."""
    from anyio.lowlevel import current_token

    try:
        current_token()
    except RuntimeError:  # there is none in this thread, as it should be
        return
    raise ClerkError(refused)


def is_asyncio() -> bool:
    """Whether this thread's event loop is one of asyncio."""
    from asyncio import get_running_loop

    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True


def wait_on_event_loop(
    call: Callable[[], Awaitable[T]], *, in_thread: Callable[[], T] | None, refused: str
) -> T:
    """Have the event loop do it for which this worker thread works, and wait.

    :param in_thread: does the same in this thread, for the threads of other libraries than anyio.
    :raises ClerkError: saying *refused* on the event loop itself; and in a thread that works for none.
    """
    from anyio.from_thread import run

    expect_no_event_loop(refused)
    if in_thread is not None:
        return in_thread()
    has_begun = False

    async def begin() -> T:
        nonlocal has_begun
        has_begun = True
        return await call()

    try:
        return run(begin)
    except RuntimeError:
        if has_begun:
            raise
    raise ClerkError(
        "an AsyncAuthenticator is asked by asynchronous code, and by the threads that Starlette and "
        "anyio.to_thread run: in any other thread use an Authenticator, or give it one: "
        "AsyncAuthenticator(…, in_threads=Authenticator(…))"
    )

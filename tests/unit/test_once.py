"""`Once`: a value that threads and tasks have fetched once for all of them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import anyio
import pytest

from clerk_middleware import BackendAPIError
from clerk_middleware.once import Once

CALLERS = 20
BACKENDS = [
    "asyncio",
    pytest.param("trio", marks=pytest.mark.skipif(find_spec("trio") is None, reason="needs trio")),
]


class WatchedLock:
    """A lock that tells who has come to it: threads, which wait there, and tasks, which look again later."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.threads: list[int] = []
        self.tasks: set[int] = set()

    def __enter__(self) -> None:
        self.threads.append(threading.get_ident())
        assert self._lock.acquire(timeout=10)

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def acquire(self, *, blocking: bool) -> bool:
        assert not blocking
        self.tasks.add(anyio.get_current_task().id)
        return self._lock.acquire(blocking=False)

    def release(self) -> None:
        self._lock.release()

    def come(self) -> int:
        return len(self.threads) + len(self.tasks)

    def wait_for(self, callers: int) -> None:
        until = time.monotonic() + 10
        while self.come() < callers:
            assert time.monotonic() < until
            time.sleep(0.001)

    async def await_for(self, callers: int) -> None:
        with anyio.fail_after(10):
            while self.come() < callers:  # noqa: ASYNC110  # threads come, too
                await anyio.sleep(0.001)


class Fetches:
    """Counts how often it is asked, and answers when it is let."""

    def __init__(self, *failures: Exception) -> None:
        self.asked = 0
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self._failures = list(failures)

    def __call__(self) -> str | None:
        self.asked += 1
        self.begun.set()
        assert self.go_on.wait(10)
        if self._failures:
            raise self._failures.pop(0)
        return None  # which is a value, too

    async def soon(self) -> str | None:
        self.asked += 1
        self.begun.set()
        with anyio.fail_after(10):
            while not self.go_on.is_set():  # noqa: ASYNC110  # set by threads, too
                await anyio.sleep(0.001)
        if self._failures:
            raise self._failures.pop(0)
        return None


@pytest.fixture
def lock() -> WatchedLock:
    return WatchedLock()


@pytest.fixture
def once(lock: WatchedLock) -> Once[str | None]:
    once: Once[str | None] = Once()
    once._lock = lock  # type: ignore[assignment]
    return once


def outcome(call: Callable[[], str | None]) -> str | None:
    try:
        return call()
    except BackendAPIError as error:
        return str(error)


def waiting_threads(once: Once[str | None], lock: WatchedLock, fetches: Fetches) -> list[str | None]:
    with ThreadPoolExecutor(CALLERS) as threads:
        asked = [threads.submit(outcome, lambda: once.get(fetches)) for _ in range(CALLERS)]
        lock.wait_for(CALLERS)
        fetches.go_on.set()
        return [each.result(10) for each in asked]


def test_threads_have_it_fetched_once(once: Once[str | None], lock: WatchedLock) -> None:
    fetches = Fetches()
    assert waiting_threads(once, lock, fetches) == [None] * CALLERS
    assert once.get(fetches) is None
    assert fetches.asked == 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_tasks_have_it_fetched_once(once: Once[str | None], lock: WatchedLock, backend: str) -> None:
    fetches, found = Fetches(), []

    async def ask() -> None:
        found.append(await once.aget(fetches.soon))

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(CALLERS):
                tasks.start_soon(ask)
            await lock.await_for(CALLERS)
            fetches.go_on.set()

    anyio.run(main, backend=backend)
    assert found == [None] * CALLERS
    assert fetches.asked == 1


@pytest.mark.parametrize("first", ["thread", "task"])
def test_a_thread_and_a_task_have_it_fetched_once(
    once: Once[str | None], lock: WatchedLock, first: str
) -> None:
    fetches = Fetches()

    async def main() -> None:
        async def in_thread() -> str | None:
            return await asyncio.to_thread(once.get, fetches)

        async def in_task() -> str | None:
            return await once.aget(fetches.soon)

        order = [in_thread, in_task] if first == "thread" else [in_task, in_thread]
        begun = asyncio.create_task(order[0]())
        assert await asyncio.to_thread(fetches.begun.wait, 10)
        other = asyncio.create_task(order[1]())
        await lock.await_for(2)
        fetches.go_on.set()
        assert await asyncio.wait_for(asyncio.gather(begun, other), 10) == [None, None]

    asyncio.run(main())
    assert fetches.asked == 1


def test_who_waited_learns_of_the_failure_and_who_comes_later_asks_anew(
    once: Once[str | None], lock: WatchedLock
) -> None:
    """So that a page that asks often waits once for a Clerk that does not answer."""
    fetches = Fetches(BackendAPIError("down", status=503, code="unavailable"))
    assert waiting_threads(once, lock, fetches) == ["down"] * CALLERS
    assert fetches.asked == 1
    assert once.get(fetches) is None
    assert fetches.asked == 2


def test_tasks_that_waited_learn_of_it_too(once: Once[str | None], lock: WatchedLock) -> None:
    fetches = Fetches(BackendAPIError("down", status=503, code="unavailable"))

    async def main() -> list[str | BaseException | None]:
        asked = [asyncio.create_task(once.aget(fetches.soon)) for _ in range(CALLERS)]
        await lock.await_for(CALLERS)
        fetches.go_on.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    failures = asyncio.run(main())
    assert [
        (str(each), each.status, each.code) for each in failures if isinstance(each, BackendAPIError)
    ] == [("down", 503, "unavailable")] * CALLERS
    assert len(set(map(id, failures))) == CALLERS  # each has a traceback of its own
    assert fetches.asked == 1
    assert asyncio.run(once.aget(fetches.soon)) is None


def test_another_failure_is_nobody_elses(once: Once[str | None]) -> None:
    fetches = Fetches(ValueError("of the first"))
    fetches.go_on.set()
    with pytest.raises(ValueError, match="of the first"):
        once.get(fetches)
    assert once.get(fetches) is None


def test_the_next_task_takes_the_place_of_one_that_is_cancelled(
    once: Once[str | None], lock: WatchedLock
) -> None:
    fetches = Fetches()

    async def main() -> str | None:
        first = asyncio.create_task(once.aget(fetches.soon))
        await asyncio.to_thread(fetches.begun.wait, 10)
        second = asyncio.create_task(once.aget(fetches.soon))
        await lock.await_for(2)
        first.cancel()
        fetches.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await first
        return await asyncio.wait_for(second, 10)

    assert asyncio.run(main()) is None
    assert fetches.asked == 2

"""Deliveries at once, and such that are broken off: one handler runs, and none is lost."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import anyio
import pytest

from clerk_middleware.webhooks import MemoryWebhookStore, WebhookReceiver, drivers

from ..webhook_messages import SECRET, an_event, signed

BODY = an_event()


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    if request.param == "trio":
        pytest.importorskip("trio")
    name: str = request.param
    return name


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


class Gate:
    """A handler that notes its calls and waits until it is let through; fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.calls = 0
        self.entered = threading.Semaphore(0)
        self.may_leave = threading.Event()
        self._failures = failures

    def __call__(self, event: Any) -> None:
        self.calls += 1
        number = self.calls
        self.entered.release()
        assert self.may_leave.wait(10)
        if number <= self._failures:
            raise ValueError("the database is gone")

    async def asynchronous(self, event: Any) -> None:
        self.calls += 1
        number = self.calls
        self.entered.release()
        assert await anyio.to_thread.run_sync(self.may_leave.wait, 10, abandon_on_cancel=True)
        if number <= self._failures:
            raise ValueError("the database is gone")

    async def is_entered(self) -> None:
        assert await anyio.to_thread.run_sync(partial(self.entered.acquire, timeout=10))


class CountingStore(MemoryWebhookStore):
    """Tells when a delivery came that has to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def begin(self, message_id: str, /) -> Any:
        state = super().begin(message_id)
        self.found.append(state)
        return state

    def wait_for(self, found: str, times: int = 1) -> None:
        until = time.monotonic() + 10
        while self.found.count(found) < times:
            assert time.monotonic() < until
            time.sleep(0.001)


@pytest.fixture
def store() -> CountingStore:
    return CountingStore()


@pytest.fixture
def webhooks(store: CountingStore) -> WebhookReceiver:
    return WebhookReceiver(SECRET, store=store)


class TestDeliveriesInThreads:
    def test_at_once_run_one_handler(
        self, webhooks: WebhookReceiver, store: CountingStore, pool: ThreadPoolExecutor
    ) -> None:
        webhooks.on("*")(gate := Gate())
        headers = signed(BODY)
        answers = [pool.submit(webhooks.handle, BODY, headers) for _ in range(8)]
        store.wait_for("running", 7)
        gate.may_leave.set()
        assert sorted(answer.result(10).status for answer in answers) == [200] * 7 + [204]
        assert gate.calls == 1

    def test_that_waited_for_one_that_failed_run_themselves(
        self, webhooks: WebhookReceiver, store: CountingStore, pool: ThreadPoolExecutor
    ) -> None:
        webhooks.on("*")(gate := Gate(failures=1))
        headers = signed(BODY)
        first = pool.submit(webhooks.handle, BODY, headers)
        assert gate.entered.acquire(timeout=10)
        others = [pool.submit(webhooks.handle, BODY, headers) for _ in range(4)]
        store.wait_for("running", 4)
        gate.may_leave.set()
        assert first.result(10).status == 500
        assert sorted(answer.result(10).status for answer in others) == [200, 200, 200, 204]
        assert gate.calls == 2

    def test_of_different_messages_do_not_wait(
        self, webhooks: WebhookReceiver, pool: ThreadPoolExecutor
    ) -> None:
        webhooks.on("*")(gate := Gate())
        answers = [pool.submit(webhooks.handle, BODY, signed(BODY)) for _ in range(10)]
        for _ in range(10):
            assert gate.entered.acquire(timeout=10)
        gate.may_leave.set()
        assert {answer.result(10).status for answer in answers} == {204}

    def test_wait_for_a_while(self, store: CountingStore, pool: ThreadPoolExecutor) -> None:
        webhooks = WebhookReceiver(SECRET, store=store, wait_in_seconds=0.2)
        webhooks.on("*")(gate := Gate())
        headers = signed(BODY)
        first = pool.submit(webhooks.handle, BODY, headers)
        assert gate.entered.acquire(timeout=10)
        began = time.monotonic()
        answer = webhooks.handle(BODY, headers)
        assert 0.2 <= time.monotonic() - began < 5
        assert answer.status == 503
        assert ("retry-after", "5") in answer.headers
        assert b'"still-running"' in answer.body
        gate.may_leave.set()
        assert first.result(10).status == 204
        assert webhooks.handle(BODY, headers).status == 200

    def test_do_not_take_up_every_thread(
        self, webhooks: WebhookReceiver, store: CountingStore, pool: ThreadPoolExecutor
    ) -> None:
        """Somebody who recorded a message might send it as often as it takes."""
        webhooks.on("*")(gate := Gate())
        headers = signed(BODY)
        answers = [pool.submit(webhooks.handle, BODY, headers) for _ in range(9)]
        store.wait_for("running", 8)
        began = time.monotonic()
        assert [webhooks.handle(BODY, headers).status for _ in range(5)] == [503] * 5
        assert time.monotonic() - began < 5
        gate.may_leave.set()
        assert sorted(answer.result(10).status for answer in answers) == [200] * 8 + [204]
        # Their places are free again.
        assert webhooks._waiting._value == 8  # type: ignore[attr-defined]


class TestDeliveriesOnAnEventLoop:
    @pytest.mark.parametrize("kind", ["sync", "async"])
    def test_at_once_run_one_handler(
        self, kind: str, backend: str, webhooks: WebhookReceiver, store: CountingStore
    ) -> None:
        gate = Gate()
        webhooks.on("*")(gate if kind == "sync" else gate.asynchronous)
        headers, statuses = signed(BODY), []

        async def deliver() -> None:
            statuses.append((await webhooks.ahandle(BODY, headers)).status)

        async def main() -> None:
            async with anyio.create_task_group() as tasks:
                for _ in range(8):
                    tasks.start_soon(deliver)
                await anyio.to_thread.run_sync(store.wait_for, "running", 7)
                gate.may_leave.set()

        anyio.run(main, backend=backend)
        assert sorted(statuses) == [200] * 7 + [204]
        assert gate.calls == 1

    def test_that_waited_for_one_that_failed_run_themselves(
        self, backend: str, webhooks: WebhookReceiver, store: CountingStore
    ) -> None:
        gate = Gate(failures=1)
        webhooks.on("*")(gate.asynchronous)
        headers, statuses = signed(BODY), []

        async def deliver() -> None:
            statuses.append((await webhooks.ahandle(BODY, headers)).status)

        async def main() -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(deliver)
                await gate.is_entered()
                for _ in range(3):
                    tasks.start_soon(deliver)
                await anyio.to_thread.run_sync(store.wait_for, "running", 3)
                gate.may_leave.set()

        anyio.run(main, backend=backend)
        assert sorted(statuses) == [200, 200, 204, 500]
        assert gate.calls == 2

    def test_wait_for_a_while_without_blocking_it(self, backend: str, store: CountingStore) -> None:
        webhooks = WebhookReceiver(SECRET, store=store, wait_in_seconds=0.1)
        webhooks.on("*")((gate := Gate()).asynchronous)
        headers = signed(BODY)

        async def main() -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(webhooks.ahandle, BODY, headers)
                await gate.is_entered()
                assert (await webhooks.ahandle(BODY, headers)).status == 503
                gate.may_leave.set()

        anyio.run(main, backend=backend)


class TestADeliveryThatIsCancelled:
    @pytest.mark.parametrize("kind", ["sync", "async"])
    def test_is_handled_at_the_next(
        self, kind: str, backend: str, webhooks: WebhookReceiver, store: CountingStore
    ) -> None:
        gate = Gate()
        webhooks.on("*")(gate if kind == "sync" else gate.asynchronous)
        webhooks.on("*")(after := Gate())
        after.may_leave.set()
        headers = signed(BODY)

        async def main() -> int:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(webhooks.ahandle, BODY, headers)
                await gate.is_entered()
                tasks.cancel_scope.cancel()
                gate.may_leave.set() if kind == "sync" else None
            assert after.calls == 0
            gate.may_leave.set()
            return (await webhooks.ahandle(BODY, headers)).status

        assert anyio.run(main, backend=backend) == 204
        assert (gate.calls, after.calls) == (2, 1)
        assert store.found == ["begun", "begun"]

    def test_gives_up_its_place_among_those_that_wait(
        self, backend: str, webhooks: WebhookReceiver, store: CountingStore
    ) -> None:
        webhooks.on("*")((gate := Gate()).asynchronous)
        headers = signed(BODY)

        async def main() -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(webhooks.ahandle, BODY, headers)
                await gate.is_entered()
                async with anyio.create_task_group() as others:
                    for _ in range(8):
                        others.start_soon(webhooks.ahandle, BODY, headers)
                    await anyio.to_thread.run_sync(store.wait_for, "running", 8)
                    others.cancel_scope.cancel()
                assert webhooks._waiting._value == 8  # type: ignore[attr-defined]
                gate.may_leave.set()
            assert (await webhooks.ahandle(BODY, headers)).status == 200

        anyio.run(main, backend=backend)
        assert gate.calls == 1

    def test_by_asyncio_waits_for_the_thread_of_its_handler(
        self, webhooks: WebhookReceiver, store: CountingStore
    ) -> None:
        """Otherwise the redelivery would run the handler beside the one that is still running."""
        webhooks.on("*")(gate := Gate())
        headers = signed(BODY)

        async def main() -> None:
            task = asyncio.create_task(webhooks.ahandle(BODY, headers))
            await gate.is_entered()
            for _ in range(3):
                task.cancel()
                await asyncio.sleep(0.03)
                assert not task.done()
                assert store.begin(headers["svix-id"]) == "running"
            gate.may_leave.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await webhooks.ahandle(BODY, headers)).status == 204

        asyncio.run(main())
        assert gate.calls == 2

    def test_whose_handler_ends_well_all_the_same_is_handled(
        self, backend: str, webhooks: WebhookReceiver
    ) -> None:
        webhooks.on("*")(gate := Gate())
        headers = signed(BODY)

        async def main() -> int:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(webhooks.ahandle, BODY, headers)
                await gate.is_entered()
                tasks.cancel_scope.cancel()
                gate.may_leave.set()
            return (await webhooks.ahandle(BODY, headers)).status

        assert anyio.run(main, backend=backend) == 200
        assert gate.calls == 1

    @pytest.mark.parametrize("found", ["begun", "running"])
    def test_by_asyncio_while_it_begins_leaves_the_message_as_it_was(self, found: str) -> None:
        began, may_end = threading.Event(), threading.Event()

        class SlowStore(MemoryWebhookStore):
            def begin(self, message_id: str, /) -> Any:
                state = super().begin(message_id)
                began.set()
                assert may_end.wait(10)
                return state

        store = SlowStore()
        webhooks = WebhookReceiver(SECRET, store=store)
        webhooks.on("*")(handler := Gate())
        headers = signed(BODY)
        if found == "running":  # by somebody else
            assert MemoryWebhookStore.begin(store, headers["svix-id"]) == "begun"

        async def main() -> None:
            task = asyncio.create_task(webhooks.ahandle(BODY, headers))
            assert await anyio.to_thread.run_sync(began.wait, 10)
            task.cancel()
            await asyncio.sleep(0.01)
            may_end.set()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert handler.calls == 0
        assert store.begin(headers["svix-id"]) == found

    def test_before_its_thread_begins_runs_nothing(self) -> None:
        given: list[Callable[[], object]] = []

        class Adapter(WebhookReceiver):
            async def call_sync(self, function: Any, /) -> Any:
                given.append(function)
                raise asyncio.CancelledError

        store = MemoryWebhookStore()
        webhooks = Adapter(SECRET, store=store)
        webhooks.on("*")(pytest.fail)
        headers = signed(BODY)
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(webhooks.ahandle(BODY, headers))
        given[0]()  # when there is a thread for it, at last
        assert store.begin(headers["svix-id"]) == "begun"

    def test_has_its_record_written_all_the_same(self, backend: str) -> None:
        """By a store of coroutine functions, which a cancellation would break off."""

        class Store:
            def __init__(self) -> None:
                self.called: list[str] = []

            async def begin(self, message_id: str, /) -> Any:
                return await self._note("begun")

            async def finish(self, message_id: str, /) -> None:
                await self._note("finished")

            async def abandon(self, message_id: str, /) -> None:
                await self._note("abandoned")

            async def _note(self, what: str) -> str:
                for _ in range(5):
                    await anyio.sleep(0.001)
                self.called.append(what)
                return what

        store = Store()
        webhooks = WebhookReceiver(SECRET, store=store)
        webhooks.on("*")((gate := Gate()).asynchronous)

        async def main() -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(webhooks.ahandle, BODY, signed(BODY))
                await gate.is_entered()
                tasks.cancel_scope.cancel()
            assert store.called == ["begun", "abandoned"]
            with anyio.CancelScope() as scope:
                scope.cancel()
                await webhooks.ahandle(BODY, signed(BODY))
            assert store.called[2:] == ["begun", "abandoned"]

        anyio.run(main, backend=backend)


class NotingStore:
    """A store of coroutine functions that take a while; notes what is begun, and what is over."""

    def __init__(self) -> None:
        self.kept = MemoryWebhookStore()
        self.over: list[str] = []
        self._begun = {method: asyncio.Event() for method in ("begin", "finish", "abandon")}

    async def is_at(self, method: str) -> None:
        async with asyncio.timeout(10):
            await self._begun[method].wait()

    async def begin(self, message_id: str, /) -> Any:
        return await self._do("begin", message_id)

    async def finish(self, message_id: str, /) -> None:
        await self._do("finish", message_id)

    async def abandon(self, message_id: str, /) -> None:
        await self._do("abandon", message_id)

    async def _do(self, method: str, message_id: str) -> Any:
        self._begun[method].set()
        state = getattr(self.kept, method)(message_id)
        for _ in range(5):
            await asyncio.sleep(0.002)
        self.over.append(method)
        return state


class TestATaskThatAsyncioCancels:
    """Such as by `asyncio.timeout`, or by a server, which no scope of anyio's keeps off."""

    @pytest.mark.parametrize(
        ("method", "ends", "state"),
        [
            ("begin", ["begin", "abandon"], "begun"),
            ("finish", ["begin", "finish"], "handled"),
            ("abandon", ["begin", "abandon"], "begun"),
        ],
    )
    @pytest.mark.parametrize("times", [1, 3])
    def test_has_its_record_written(self, method: str, ends: list[str], state: str, times: int) -> None:
        store, ran = NotingStore(), []
        webhooks = WebhookReceiver(SECRET, store=store)

        @webhooks.on("*")
        def handler(event: Any) -> None:
            ran.append(1)
            if method == "abandon":
                raise ValueError("the database is gone")

        async def main() -> None:
            task = asyncio.create_task(webhooks.ahandle(BODY, signed(BODY, "msg_a")))
            await store.is_at(method)
            for _ in range(times):
                task.cancel()
                await asyncio.sleep(0)
            with pytest.raises(asyncio.CancelledError):
                await task
            assert store.over == ends

        asyncio.run(main())
        assert store.kept.begin("msg_a") == state
        assert len(ran) == (0 if method == "begin" else 1)

    def test_whose_record_fails_is_cancelled_nevertheless(self) -> None:
        class Store(NotingStore):
            async def _do(self, method: str, message_id: str) -> Any:
                await super()._do(method, message_id)
                raise OSError("no connection to the store")

        store = Store()
        webhooks = WebhookReceiver(SECRET, store=store)
        webhooks.on("*")(pytest.fail)

        async def main() -> None:
            task = asyncio.create_task(webhooks.ahandle(BODY, signed(BODY)))
            await store.is_at("begin")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert store.over == ["begin"]


def test_a_store_that_does_not_answer_is_not_waited_for(
    backend: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(drivers, "_RECORD_TIMEOUT", 0.02)

    class Store(MemoryWebhookStore):
        async def begin(self, message_id: str, /) -> Any:  # type: ignore[override]
            await anyio.sleep_forever()

    webhooks = WebhookReceiver(SECRET, store=Store())
    webhooks.on("*")(pytest.fail)
    with caplog.at_level(logging.ERROR):
        assert anyio.run(webhooks.ahandle, BODY, signed(BODY), backend=backend).status == 500
    assert "the store failed, so the webhook" in caplog.text

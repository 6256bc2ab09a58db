"""`MemoryWebhookStore`: each message is begun by one, and remembered for a while."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from clerk_middleware import ClerkError, ConfigurationError
from clerk_middleware.webhooks import MemoryWebhookStore, WebhookReceiver

from ..webhook_messages import SECRET
from .machines import Clock

DAY = 24 * 60 * 60


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> MemoryWebhookStore:
    return MemoryWebhookStore(clock=clock)


def handle(store: MemoryWebhookStore, *ids: str) -> None:
    for message_id in ids:
        assert store.begin(message_id) == "begun"
        store.finish(message_id)


class TestAMessage:
    def test_is_begun_then_running_then_handled(self, store: MemoryWebhookStore) -> None:
        assert [store.begin("msg_1"), store.begin("msg_1"), store.begin("msg_2")] == [
            "begun",
            "running",
            "begun",
        ]
        store.finish("msg_1")
        assert [store.begin("msg_1"), store.begin("msg_2")] == ["handled", "running"]

    def test_that_is_abandoned_is_begun_again(self, store: MemoryWebhookStore) -> None:
        store.begin("msg_1")
        store.abandon("msg_1")
        assert [store.begin("msg_1"), store.begin("msg_1")] == ["begun", "running"]

    def test_that_nobody_began_can_be_abandoned(self, store: MemoryWebhookStore) -> None:
        store.abandon("msg_1")
        assert store.begin("msg_1") == "begun"

    def test_that_is_handled_stays_so(self, store: MemoryWebhookStore) -> None:
        handle(store, "msg_1")
        store.abandon("msg_1")
        assert store.begin("msg_1") == "handled"


class TestARecord:
    def test_lasts_three_days(self, store: MemoryWebhookStore, clock: Clock) -> None:
        handle(store, "msg_1")
        clock.now += 3 * DAY - 1
        assert store.begin("msg_1") == "handled"
        clock.now += 1
        assert store.begin("msg_1") == "begun"

    def test_lasts_from_when_it_was_handled_last(self, store: MemoryWebhookStore, clock: Clock) -> None:
        handle(store, "msg_1", "msg_2")
        clock.now += 2 * DAY
        store.finish("msg_1")
        clock.now += 2 * DAY
        assert [store.begin("msg_1"), store.begin("msg_2")] == ["handled", "begun"]

    def test_of_what_is_running_lasts(self, store: MemoryWebhookStore, clock: Clock) -> None:
        store.begin("msg_1")
        clock.now += 30 * DAY
        assert store.begin("msg_1") == "running"

    def test_gives_way_where_there_are_too_many(self, clock: Clock) -> None:
        store = MemoryWebhookStore(size=3, clock=clock)
        assert store.begin("msg_0") == "begun"
        handle(store, *[f"msg_{number}" for number in range(1, 101)])
        assert len(store._handled) == 3
        assert [store.begin(f"msg_{number}") for number in (98, 99, 100, 0)] == [*["handled"] * 3, "running"]
        assert store.begin("msg_97") == "begun"

    def test_is_refused_where_too_many_run(self, clock: Clock) -> None:
        store = MemoryWebhookStore(size=2, clock=clock)
        store.begin("msg_1")
        store.begin("msg_2")
        with pytest.raises(ClerkError, match="2 webhooks are being handled at once"):
            store.begin("msg_3")
        assert store.begin("msg_1") == "running"
        store.abandon("msg_1")
        assert store.begin("msg_3") == "begun"


class Pausing(set[str]):
    """Lets other threads come in between a look and what follows from it."""

    def __contains__(self, item: object) -> bool:
        found = super().__contains__(item)
        time.sleep(0.0001)
        return found


def test_one_thread_of_many_begins_a_message() -> None:
    store = MemoryWebhookStore()
    store._running = Pausing()

    def begin(number: int) -> tuple[int, str]:
        return number // 20, store.begin(f"msg_{number // 20}")

    with ThreadPoolExecutor(16) as threads:
        found = Counter(threads.map(begin, range(1000)))
    assert all(found[number, "begun"] == 1 for number in range(50))
    assert sum(found.values()) == 1000


@pytest.mark.parametrize("value", [0, -1, float("nan"), "5", None, True])
@pytest.mark.parametrize("name", ["lifetime_in_seconds", "size"])
def test_lifetime_and_size_are_positive(name: str, value: Any) -> None:
    options: dict[str, Any] = {name: value}
    with pytest.raises(ConfigurationError, match=f"{name} must be a positive number"):
        MemoryWebhookStore(**options)


def test_a_receiver_wants_messages_remembered_for_as_long_as_they_are_accepted() -> None:
    WebhookReceiver(SECRET, store=MemoryWebhookStore(601))
    with pytest.raises(ConfigurationError, match="must be more than twice the tolerance of 300"):
        WebhookReceiver(SECRET, store=MemoryWebhookStore(600))

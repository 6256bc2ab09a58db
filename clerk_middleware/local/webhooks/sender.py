"""Delivering webhooks in the background, and again on a schedule until they are taken.

The thread that does it lives from the first delivery until none is pending, so that nothing has to
be closed where nothing waits for a retry.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from .courier import Courier, Delivery
from .endpoints import WebhookEndpoint

__all__ = ["RETRIES", "WebhookSender"]

#: Seconds from a failed attempt to the next: https://docs.svix.com/retries
RETRIES = (5.0, 5 * 60.0, 30 * 60.0, 2 * 3600.0, 5 * 3600.0, 10 * 3600.0, 10 * 3600.0)

#: Deliveries that may be pending at once.
_MAXIMUM_PENDING = 1000
#: Seconds for stopping: many times what it takes.
_PATIENCE = 20.0


class WebhookSender:
    """Sends what it is handed, from a thread of its own; `clock` gives Unix seconds."""

    def __init__(
        self,
        retries: Sequence[float] = RETRIES,
        *,
        clock: Callable[[], float] = time.time,
        time_out: float = 15.0,
        maximum: int = _MAXIMUM_PENDING,
    ) -> None:
        self._retries = tuple(retries)
        self._clock = clock
        self._time_out = time_out
        self._maximum = maximum
        self._changed = threading.Condition()
        #: There is one while something is pending.
        self._courier: Courier | None = None
        #: In the order in which they were sent, each with the courier that has it.
        self._pending: dict[Delivery, Courier] = {}
        self._threads: list[threading.Thread] = []

    def send(self, delivery: Delivery) -> None:
        """Deliver it as soon as possible, from any thread.

        Where too much is pending already, what has waited longest for a retry makes room, and where
        nothing waits, this one fails.
        """
        with self._changed:
            if len(self._pending) >= self._maximum and not self._make_room():
                delivery.give_up(f"{self._maximum} others are pending")
                return
            if self._courier is None:
                self._courier = self._new_courier()
            self._pending[delivery] = self._courier
            self._courier.hand(delivery)

    def wait(self, timeout: float) -> list[Delivery]:
        """Wait until nothing is pending, and answer what still is after `timeout` seconds."""
        give_up = time.monotonic() + timeout
        with self._changed:
            self._changed.wait_for(lambda: not self._pending, timeout)
            pending = list(self._pending)
            threads = [] if pending else list(self._threads)
        for thread in threads:
            thread.join(max(0.0, give_up - time.monotonic()))
        return pending

    def give_up(self, endpoint: WebhookEndpoint) -> None:
        """Deliver nothing more to an endpoint."""
        with self._changed:
            for delivery in list(self._pending):
                if delivery.endpoint is endpoint:
                    self._drop(delivery)

    def stop(self) -> None:
        """Give up what is pending, also what is under way. What is sent later is delivered again."""
        with self._changed:
            for delivery in list(self._pending):
                self._drop(delivery)
            threads = list(self._threads)
        for thread in threads:
            thread.join(_PATIENCE)

    def _new_courier(self) -> Courier:
        courier = Courier(self._retries, self._clock, self._time_out, self._done)
        thread = threading.Thread(target=courier.run, name="LocalClerk webhooks", daemon=True)
        self._threads = [other for other in self._threads if other.is_alive()] + [thread]
        thread.start()
        return courier

    def _make_room(self) -> bool:
        waiting = next((delivery for delivery in self._pending if delivery.awaits_retry), None)
        if waiting is not None:
            self._drop(waiting)
        return waiting is not None

    def _drop(self, delivery: Delivery) -> None:
        self._pending[delivery].drop(delivery)
        self._done(delivery)

    def _done(self, delivery: Delivery) -> None:
        """Note that a delivery is over, in whichever way. Of one that was dropped it is known already."""
        with self._changed:
            courier = self._pending.pop(delivery, None)
            if courier is not None and not self._pending:
                courier.dismiss()
                self._courier = None
                self._changed.notify_all()

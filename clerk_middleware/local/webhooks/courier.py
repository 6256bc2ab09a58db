"""The event loop that delivers webhooks: one thread's work, for as long as something is pending."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from clerk_middleware.testing.webhook_signing import signed_headers

from .destinations import destination_of, redirect_of
from .endpoints import WebhookEndpoint
from .messages import WebhookAttempt, WebhookMessage

__all__ = ["Courier", "Delivery"]

logger = logging.getLogger("clerk_middleware.local")

#: Requests at once.
_MAXIMUM_REQUESTS = 16
#: Bytes of an answer that are read, and characters of it that are kept.
_MAXIMUM_ANSWER = 64 * 1024
_KEPT_ANSWER = 500


@dataclass(eq=False, slots=True)
class Delivery:
    """A message on its way to one endpoint."""

    message: WebhookMessage
    endpoint: WebhookEndpoint
    #: Whether it was asked for by hand: then it waits for no other.
    is_redelivery: bool = False
    awaits_retry: bool = False

    def __post_init__(self) -> None:
        self.message.begin(self.endpoint.id)

    def __str__(self) -> str:
        return f"webhook {self.message.id} ({self.message.type}) to {self.endpoint.address}"

    def give_up(self, reason: str) -> None:
        """Deliver it no more."""
        self.message.end(self.endpoint.id, "failed")
        logger.warning("%s is given up: %s", self, reason)


class Courier:
    """Delivers what it is handed. All but `run` may be called from any thread, before it runs, too.

    To an endpoint go the first attempts one by one, in the order of the events. Clerk promises no
    order, but tests that get them in a different one each time teach little. What is tried or sent
    again overtakes them.
    """

    def __init__(
        self,
        retries: Sequence[float],
        clock: Callable[[], float],
        time_out: float,
        done: Callable[[Delivery], None],
    ) -> None:
        self._retries = retries
        self._clock = clock
        self._time_out = time_out
        self._done = done
        self._loop = asyncio.new_event_loop()
        self._dismissed = asyncio.Event()
        self._requests = asyncio.Semaphore(_MAXIMUM_REQUESTS)
        self._lines: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: dict[Delivery, asyncio.Task[None]] = {}
        self._clients: dict[str, httpx.AsyncClient] = {}

    def hand(self, delivery: Delivery) -> None:
        """Deliver it."""
        self._loop.call_soon_threadsafe(self._begin, delivery)

    def drop(self, delivery: Delivery) -> None:
        """Deliver it no more, even if that is under way."""
        self._loop.call_soon_threadsafe(self._cancel, delivery)

    def dismiss(self) -> None:
        """Let `run` end."""
        self._loop.call_soon_threadsafe(self._dismissed.set)

    def run(self) -> None:
        """Deliver until it is dismissed."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._live())

    async def _live(self) -> None:
        try:
            await self._dismissed.wait()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        finally:
            for client in self._clients.values():
                await client.aclose()

    def _begin(self, delivery: Delivery) -> None:
        task = self._loop.create_task(self._deliver(delivery))
        self._tasks[delivery] = task
        task.add_done_callback(lambda _: self._ended(delivery))

    def _cancel(self, delivery: Delivery) -> None:
        task = self._tasks.get(delivery)
        if task is not None and task.cancel():
            delivery.give_up("it is sent no more")

    def _ended(self, delivery: Delivery) -> None:
        del self._tasks[delivery]
        self._done(delivery)

    async def _deliver(self, delivery: Delivery) -> None:
        line = asyncio.Lock() if delivery.is_redelivery else self._lines[delivery.endpoint.id]
        async with line:
            is_delivered = await self._attempt(delivery, next_in=next(iter(self._retries), None))
        for number, pause in enumerate(self._retries, start=1):
            if is_delivered:
                break
            delivery.awaits_retry = True
            await asyncio.sleep(pause)
            delivery.awaits_retry = False
            is_delivered = await self._attempt(delivery, next_in=next(iter(self._retries[number:]), None))
        delivery.message.end(delivery.endpoint.id, "delivered" if is_delivered else "failed")

    async def _attempt(self, delivery: Delivery, *, next_in: float | None) -> bool:
        """Send it once, and note what came of it."""
        async with self._requests:
            attempt = await self._request(delivery)
        delivery.message.note(attempt)
        if not attempt.is_delivered:
            then = "it is tried no more" if next_in is None else f"tried again in {next_in:g} s"
            logger.warning("%s %s; %s", delivery, attempt.outcome, then)
        return attempt.is_delivered

    async def _request(self, delivery: Delivery) -> WebhookAttempt:
        message, endpoint = delivery.message, delivery.endpoint
        now, begun = self._clock(), time.perf_counter()
        to = destination_of(endpoint.url)
        headers = {
            "host": to.host_header,
            "content-type": "application/json",
            "user-agent": "LocalClerk-Webhooks",
            "accept-encoding": "identity",
            "connection": "close",
            **signed_headers(
                endpoint.signing_secrets(now), message_id=message.id, timestamp=int(now), body=message.body
            ),
        }
        status, error, answer, redirect = None, None, b"", None
        try:
            async with (
                asyncio.timeout(self._time_out),
                self._client(endpoint.url).stream(
                    "POST",
                    to.url,
                    content=message.body,
                    headers=headers,
                    extensions={"sni_hostname": to.certificate_of},
                ) as response,
            ):
                async for chunk in response.aiter_raw():
                    answer += chunk
                    if len(answer) > _MAXIMUM_ANSWER:
                        break
                status, redirect = response.status_code, redirect_of(response, endpoint.url)
        except TimeoutError:
            error = f"no answer within {self._time_out:g} seconds"
        except Exception as caught:  # whatever it is, it is this endpoint's, and the others wait
            error = f"{type(caught).__name__}: {caught}"
        return WebhookAttempt(
            endpoint_id=endpoint.id,
            url=endpoint.address,
            timestamp=int(now),
            duration=time.perf_counter() - begun,
            status_code=status,
            error=error,
            answer=answer.decode(errors="replace")[:_KEPT_ANSWER],
            redirects_to=redirect,
        )

    def _client(self, url: str) -> httpx.AsyncClient:
        scheme = url.partition(":")[0]
        if scheme not in self._clients:
            # Reading the trusted certificates takes longer than many a delivery. Not those of certifi:
            # a developer's own authority is among the system's.
            is_plain = scheme == "http"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if is_plain else ssl.create_default_context()
            self._clients[scheme] = httpx.AsyncClient(
                verify=context,
                trust_env=False,  # no proxy stands between two programs of one machine
                timeout=httpx.Timeout(None),  # there is one for all of an attempt
                # A kept connection that the application closes meanwhile would fail an attempt.
                limits=httpx.Limits(max_keepalive_connections=0),
            )
        return self._clients[scheme]

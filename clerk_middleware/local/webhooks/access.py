"""What `LocalClerk` does with webhooks."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from threading import Lock
from types import MappingProxyType
from typing import Any

from clerk_middleware.errors import ConfigurationError
from clerk_middleware.testing.webhook_signing import event_body, new_message_id

from ..instance import Instance
from .courier import Delivery
from .endpoints import ALL_EVENTS, WebhookEndpoint, check_endpoint, new_endpoint
from .http_request import current_http_request
from .messages import WebhookMessage
from .sender import WebhookSender

__all__ = ["WebhookAccess"]

#: Messages that are kept, to look at and to send again.
_MAXIMUM_MESSAGES = 1000


class WebhookAccess:
    """Sends webhooks to the endpoints that applications have for them."""

    def __init__(self, instance: Instance, retries: Sequence[float]) -> None:
        self._instance = instance
        self._sender = WebhookSender(retries)
        self._endpoints: dict[str, WebhookEndpoint] = {}
        self._messages: deque[WebhookMessage] = deque(maxlen=_MAXIMUM_MESSAGES)
        self._webhooks_lock = Lock()
        for seed in instance.seed.webhooks:
            endpoint = new_endpoint(seed.url, seed.events, seed.signing_secret)
            self._endpoints[endpoint.id] = endpoint
        instance.announce = self.send_webhook

    @property
    def webhook_endpoints(self) -> Mapping[str, WebhookEndpoint]:
        """The endpoints by id, with their signing secrets."""
        with self._webhooks_lock:
            return MappingProxyType(dict(self._endpoints))

    @property
    def webhook_messages(self) -> tuple[WebhookMessage, ...]:
        """The last thousand messages, the newest last, whether or not any endpoint subscribes to them."""
        with self._webhooks_lock:
            return tuple(self._messages)

    def add_webhook_endpoint(
        self,
        url: str,
        events: Iterable[str] | None = None,
        signing_secret: str | None = None,
        *,
        allow_remote: bool = False,
    ) -> WebhookEndpoint:
        """Send webhooks to `url` from now on, those of all events, or of `events`: ``user.*``, say.

        Its `signing_secret` (``whsec_…``) is a random one unless it is given. Raises
        `ConfigurationError` for a secret of another form, and for a URL that is not http or https, or
        not on loopback, unless `allow_remote` is set.
        """
        events = ALL_EVENTS if events is None else events
        events = events if isinstance(events, str) else tuple(events)
        if problem := check_endpoint(url, events, signing_secret, allow_remote=allow_remote):
            option, text = problem
            raise ConfigurationError(f"{option} of a webhook endpoint {text}", option=option)
        endpoint = new_endpoint(url, events, signing_secret)
        with self._webhooks_lock:
            self._endpoints[endpoint.id] = endpoint
        return endpoint

    def rotate_webhook_secret(self, endpoint: WebhookEndpoint, *, keep_previous: bool = True) -> str:
        """Give an endpoint a new signing secret, and answer it.

        For 24 hours webhooks are signed with the previous one as well, so that an application which
        knows either goes on; without `keep_previous` it is worthless at once. Raises `LookupError`.
        """
        self._expect(endpoint)
        endpoint.rotate_secret(time.time(), keep_previous=keep_previous)
        return endpoint.signing_secret

    def remove_webhook_endpoint(self, endpoint: WebhookEndpoint) -> None:
        """Send nothing more there, not even what waits for a retry. Raises `LookupError`."""
        self._expect(endpoint)
        with self._webhooks_lock:
            self._endpoints.pop(endpoint.id, None)
        self._sender.give_up(endpoint)

    def send_webhook(
        self, type: str, data: Mapping[str, Any], attributes: Mapping[str, Any] | None = None
    ) -> WebhookMessage:
        """Send an event, in the background, to every endpoint that subscribes to its type.

        `data` is what the event is about; `attributes` are its ``event_attributes``, by default the
        address and program of who asked LocalClerk for what has happened. Raises `TypeError` or
        `ValueError` for what JSON cannot say.
        """
        if attributes is None:
            attributes = {"http_request": current_http_request()}
        instance = self._instance
        body = event_body(type, data, attributes, instance_id=instance.id, now=instance.clock())
        message = WebhookMessage(new_message_id(), type, body)
        with self._webhooks_lock:
            self._messages.append(message)
        self._deliver(message)
        return message

    def redeliver(self, message: WebhookMessage) -> None:
        """Send a message again, with the same id and a new timestamp, to all who subscribe to it now.

        It waits for no other delivery, so that two calls are two requests at once. Raises `LookupError`
        where nobody subscribes.
        """
        if not self._deliver(message, again=True):
            raise LookupError(f"no webhook endpoint subscribes to {message.type!r}")

    def wait_for_webhooks(self, timeout: float = 10) -> None:
        """Wait until every webhook is delivered or given up, at most `timeout` seconds.

        Raises `TimeoutError`, which says what is not, and why.
        """
        pending = self._sender.wait(timeout)
        if pending:
            some = "; ".join(_why_pending(delivery) for delivery in pending[:5])
            raise TimeoutError(
                f"{len(pending)} webhooks are not delivered after {timeout:g} seconds: {some}. What fails is "
                "tried again for a day; in tests LocalClerk(webhook_retries=()) tries once, and "
                "webhook_retries=(0.05, 0.1) three times"
            )

    def _stop_webhooks(self) -> None:
        self._sender.stop()

    def _deliver(self, message: WebhookMessage, *, again: bool = False) -> bool:
        subscribed = [
            endpoint for endpoint in self.webhook_endpoints.values() if endpoint.subscribes_to(message.type)
        ]
        for endpoint in subscribed:
            self._sender.send(Delivery(message, endpoint, is_redelivery=again))
        return bool(subscribed)

    def _expect(self, endpoint: WebhookEndpoint) -> None:
        if self.webhook_endpoints.get(endpoint.id) is not endpoint:
            raise LookupError(f"no webhook endpoint {endpoint.id!r} at this LocalClerk")


def _why_pending(delivery: Delivery) -> str:
    attempts = [
        attempt for attempt in delivery.message.attempts if attempt.endpoint_id == delivery.endpoint.id
    ]
    return f"{delivery} " + (attempts[-1].outcome if attempts else "has no answer yet")

"""The webhooks that were sent, and what became of each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal

__all__ = ["DeliveryStatus", "MessageStatus", "WebhookAttempt", "WebhookMessage"]

#: ``failed`` is what nobody tries again.
DeliveryStatus = Literal["pending", "delivered", "failed"]
#: ``unsent``: no endpoint subscribes to it.
MessageStatus = Literal["pending", "delivered", "failed", "unsent"]


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookAttempt:
    """One request with a webhook. It was delivered if the answer's status is 2xx."""

    endpoint_id: str
    #: Without its query.
    url: str
    #: Unix seconds, which are also in ``svix-timestamp``.
    timestamp: int
    #: Seconds until the answer.
    duration: float
    #: The status of the answer; `None` where there was none.
    status_code: int | None
    #: What happened in place of an answer.
    error: str | None = None
    #: How the answer's body begins.
    answer: str = field(default="", repr=False)
    #: Where the answer redirected to, without its query, and without its host if that is the endpoint's.
    redirects_to: str | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether it was taken; else it is tried again, as long as there are retries."""
        return self.status_code is not None and 200 <= self.status_code < 300

    @property
    def status(self) -> DeliveryStatus:
        """``delivered`` or ``failed``."""
        return "delivered" if self.is_delivered else "failed"

    @property
    def outcome(self) -> str:
        """What happened, for people."""
        if self.status_code is None:
            return f"failed: {self.error}"
        if self.redirects_to is not None:
            return f"answered {self.status_code} to {self.redirects_to}: Clerk follows no redirect"
        reason = None if self.is_delivered else _reason(self.answer)
        return f"answered {self.status_code}" + ("" if reason is None else f" ({reason})")


class WebhookMessage:
    """An event as it is sent to endpoints: always the same body under the same id."""

    def __init__(self, id: str, type: str, body: bytes) -> None:
        #: The ``svix-id``, by which a receiver knows a message that it has handled.
        self.id = id
        #: Such as ``user.created``.
        self.type = type
        #: What is sent and signed, byte for byte.
        self.body = body
        self._lock = Lock()
        self._attempts: list[WebhookAttempt] = []
        self._deliveries: dict[str, DeliveryStatus] = {}

    def __repr__(self) -> str:
        return f"WebhookMessage({self.id!r}, {self.type!r}, {self.status!r}, attempts={len(self._attempts)})"

    @property
    def payload(self) -> Mapping[str, Any]:
        """The whole event: ``data``, ``type``, ``timestamp`` (milliseconds) and the like."""
        payload: dict[str, Any] = json.loads(self.body)
        return payload

    @property
    def data(self) -> Mapping[str, Any]:
        """What the event is about."""
        data: dict[str, Any] = self.payload["data"]
        return data

    @property
    def attempts(self) -> tuple[WebhookAttempt, ...]:
        """The requests that were made with it so far, to all endpoints, the newest last."""
        with self._lock:
            return tuple(self._attempts)

    @property
    def status(self) -> MessageStatus:
        """``pending`` while an endpoint awaits it, ``failed`` where one did not take it."""
        with self._lock:
            states = set(self._deliveries.values())
        if not states:
            return "unsent"
        return next(state for state in ("pending", "failed", "delivered") if state in states)

    def begin(self, endpoint_id: str) -> None:
        """Note that it is about to be sent to an endpoint."""
        with self._lock:
            self._deliveries[endpoint_id] = "pending"

    def note(self, attempt: WebhookAttempt) -> None:
        """Note a request that was made with it."""
        with self._lock:
            self._attempts.append(attempt)

    def end(self, endpoint_id: str, status: DeliveryStatus) -> None:
        """Note what became of it at an endpoint."""
        with self._lock:
            self._deliveries[endpoint_id] = status


def _reason(answer: str) -> str | None:
    """Why a webhook was refused, in a word, as far as the application says so in the form of our own."""
    try:
        reason = json.loads(answer)["clerk_error"]["reason"]
    except (ValueError, LookupError, TypeError):
        return None
    # It gets into the log, and the application's answer may be anybody's.
    return reason if isinstance(reason, str) and re.fullmatch(r"[a-z][a-z-]{0,39}", reason) else None

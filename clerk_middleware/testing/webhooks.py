"""A webhook to post to an application by its framework's test client."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from clerk_middleware.errors import ConfigurationError

from .webhook_signing import event_body, is_signing_secret, new_message_id, signed_headers

__all__ = ["SignedWebhook", "signed_webhook"]

_VARIABLE = "CLERK_WEBHOOK_SIGNING_SECRET"


class SignedWebhook(NamedTuple):
    """The body and the headers of a request that delivers a webhook."""

    body: bytes
    headers: dict[str, str]


def signed_webhook(
    type: str,
    data: Mapping[str, Any],
    *,
    signing_secret: str | None = None,
    attributes: Mapping[str, Any] | None = None,
    message_id: str | None = None,
    timestamp: float | None = None,
) -> SignedWebhook:
    """A webhook as Clerk would send it, with no Clerk and no network::

        body, headers = signed_webhook("user.created", {"id": "user_1"})
        assert client.post("/webhooks/clerk", content=body, headers=headers).status_code == 204

    `signing_secret` is by default the first one in ``CLERK_WEBHOOK_SIGNING_SECRET``. The same `message_id`
    twice is what a redelivery is; a `timestamp` (Unix seconds, by default now) more than five minutes ago
    is a replay, and refused. `attributes` are the ``event_attributes``. Raises `ConfigurationError` where
    there is no signing secret, or it is none.
    """
    secret = (
        os.environ.get(_VARIABLE, "").partition(",")[0].strip() if signing_secret is None else signing_secret
    )
    if not is_signing_secret(secret):
        raise ConfigurationError(
            "a signing secret is whsec_ and 24 to 64 bytes in base64, and without signing_secret it is the "
            f"first in the environment variable {_VARIABLE}: give the one that the application verifies with",
            option="signing_secret",
        )
    now = time.time() if timestamp is None else timestamp
    if attributes is None:
        attributes = {"http_request": {"client_ip": "127.0.0.1", "user_agent": "clerk-middleware"}}
    body = event_body(type, data, attributes, instance_id="ins_test", now=now)
    signed = signed_headers(
        [secret], message_id=message_id or new_message_id(), timestamp=int(now), body=body
    )
    return SignedWebhook(body, {"content-type": "application/json", **signed})

"""Webhooks as Clerk sends them, signed by the package of the service that Clerk sends them with."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime
from itertools import count
from typing import Any

from svix.webhooks import Webhook


def a_secret(seed: bytes = b"this-endpoint", size: int = 24) -> str:
    return "whsec_" + base64.b64encode((seed * size)[:size]).decode()


SECRET = a_secret()
STRANGERS = a_secret(b"another-endpoint")
USER = {"id": "user_29w83sxmDNGwOuEthce5gg56FcC", "object": "user", "first_name": "Dev", "last_name": None}

_numbers = count(1)


def an_event(event_type: str = "user.created", **members: Any) -> str:
    """A message's body; a member of `...` is left out."""
    event = {
        "type": event_type,
        "object": "event",
        "data": USER,
        "timestamp": 1654012591835,
        "instance_id": "ins_1",
        "event_attributes": {"http_request": {"client_ip": "192.0.2.7", "user_agent": "a browser"}},
    } | members
    return json.dumps({name: value for name, value in event.items() if value is not ...})


def new_id() -> str:
    return f"msg_{next(_numbers)}"


def signed(
    body: str,
    message_id: str | None = None,
    *,
    secrets: Any = (SECRET,),
    at: float | None = None,
    family: str = "svix",
) -> dict[str, str]:
    """The headers of a delivery of *body*."""
    message_id, now = message_id or new_id(), int(time.time() if at is None else at)
    signatures = [
        Webhook(secret).sign(message_id, datetime.fromtimestamp(now, UTC), body) for secret in secrets
    ]
    return {
        f"{family}-id": message_id,
        f"{family}-timestamp": str(now),
        f"{family}-signature": " ".join(signatures),
    }

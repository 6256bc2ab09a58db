"""Webhooks as Clerk sends them: the events, signed by Standard Webhooks under Svix's header names.

It is not what an application verifies them with, so that a mistake in one is not hidden by the other.

https://docs.svix.com/receiving/verifying-payloads/how-manual
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["event_body", "is_signing_secret", "new_message_id", "new_signing_secret", "signed_headers"]

_PREFIX = "whsec_"
#: Bytes of a key, by Standard Webhooks.
_MINIMUM_KEY, _MAXIMUM_KEY = 24, 64


def new_signing_secret() -> str:
    """A random signing secret, as the dashboard shows one."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_MINIMUM_KEY)).decode()


def is_signing_secret(text: str) -> bool:
    """Whether `text` is ``whsec_`` and 24 to 64 bytes in base64."""
    try:
        return text.startswith(_PREFIX) and _MINIMUM_KEY <= len(_key_of(text)) <= _MAXIMUM_KEY
    except (binascii.Error, ValueError):
        return False


def new_message_id() -> str:
    """A ``svix-id``."""
    return f"msg_{secrets.token_hex(12)}"


def event_body(
    type: str, data: Mapping[str, Any], attributes: Mapping[str, Any], *, instance_id: str, now: float
) -> bytes:
    """What is sent and signed; `now` is Unix seconds. Raises what JSON raises for what it cannot say."""
    payload = {
        "data": data,
        "event_attributes": attributes,
        "instance_id": instance_id,
        "object": "event",
        "timestamp": int(now * 1000),
        "type": type,
    }
    return json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def signed_headers(
    signing_secrets: Iterable[str], *, message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """The ``svix-…`` headers of `body`, with a signature by each secret; `timestamp` is Unix seconds."""
    content = f"{message_id}.{timestamp}.".encode() + body
    digests = (hmac.digest(_key_of(secret), content, hashlib.sha256) for secret in signing_secrets)
    return {
        "svix-id": message_id,
        "svix-timestamp": str(timestamp),
        "svix-signature": " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests),
    }


def _key_of(signing_secret: str) -> bytes:
    return base64.b64decode(signing_secret.removeprefix(_PREFIX), validate=True)

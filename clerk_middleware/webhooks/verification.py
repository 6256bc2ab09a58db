"""`verify_webhook`: whether a message is Clerk's, and new.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from ..errors import ConfigurationError, WebhookVerificationError
from .events import EventAttributes, WebhookEvent
from .secrets import keys_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from .events import ClerkEvent

    HeaderPairs: TypeAlias = Iterable[tuple[str | bytes, str | bytes]]
    WebhookHeaders: TypeAlias = Mapping[str, str] | HeaderPairs

_FAMILIES: Final = ("svix", "webhook")
_NAMES: Final = ("id", "timestamp", "signature")
_READ: Final = frozenset(f"{family}-{name}" for family in _FAMILIES for name in _NAMES)

# No full stop: what is signed is "id.timestamp.body", and can be taken apart in one way only.
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_MAX_HEADER: Final = 4096
_MAX_SIGNATURES: Final = 16
_MAX_TOLERANCE: Final = 24 * 60 * 60


def verify_webhook(
    body: bytes | str,
    headers: WebhookHeaders,
    *,
    signing_secret: str | Sequence[str] | None = None,
    tolerance_in_seconds: int = 300,
    clock: Callable[[], float] = time.time,
) -> ClerkEvent:
    """The event in a message of Clerk's, once its signature and its age are found good.

    Whoever records a message for later can send it again while it is not stale: act on each
    `WebhookEvent.id` once. `WebhookReceiver` does.

    :param body: of the request, byte for byte. One that was parsed and serialized again does not verify.
    :param headers: of the request: a mapping, or pairs, names in any case.
    :param signing_secret: ``whsec_…`` of the endpoint; several while it is rotated. Default: the environment
        variable ``CLERK_WEBHOOK_SIGNING_SECRET``, in which commas separate several.
    :param tolerance_in_seconds: how old a delivery may be, and how far ahead its clock.
    :param clock: tells Unix seconds; for tests.
    :raises WebhookVerificationError: with its `reason`; answer the request with 400.
    :raises ConfigurationError: if the application is wrong, such as without any secret.

    https://clerk.com/docs/reference/backend/verify-webhook
    """
    check_tolerance(tolerance_in_seconds)
    return verified(as_received(body), headers, keys_of(signing_secret), tolerance_in_seconds, clock())


def check_tolerance(seconds: object) -> None:
    """:raises ConfigurationError: if messages would be refused, or accepted, for ever."""
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 1 <= seconds <= _MAX_TOLERANCE:
        raise ConfigurationError(
            f"tolerance_in_seconds must be a whole number from 1 to {_MAX_TOLERANCE}, but is {seconds!r}: "
            "whoever has recorded a message can send it again for so long"
        )


def verified(
    content: bytes, headers: WebhookHeaders, keys: Sequence[bytes], tolerance: int, now: float
) -> ClerkEvent:
    """`verify_webhook`, with everything that is looked up."""
    signed = _signed_headers(headers)
    if not _is_signed(content, signed, keys):
        if not content:
            raise WebhookVerificationError(
                "invalid-signature", "The body is empty: has middleware, or a hook, read it before?"
            )
        raise WebhookVerificationError(
            "invalid-signature",
            "No signature is that of a signing secret for this body. Is the secret this endpoint's, and is "
            "the body what was received, byte for byte, not parsed and serialized again?",
        )
    age = now - int(signed.timestamp)
    if age > tolerance:
        raise WebhookVerificationError(
            "stale-timestamp",
            f"The message was sent {age:.0f} seconds ago, and more than {tolerance} are refused. Is it sent "
            "again by somebody else than Clerk, or is this machine's clock wrong?",
        )
    if not age >= -tolerance:
        raise WebhookVerificationError(
            "future-timestamp",
            f"The message was sent {-age:.0f} seconds from now, by this machine's clock, which seems to be "
            f"wrong: more than {tolerance} are refused.",
        )
    return _event(signed.id, content)


class _SignedHeaders(NamedTuple):
    id: str
    timestamp: str
    signature: str


def as_received(body: object) -> bytes:
    """:raises ConfigurationError: if it is not what came over the network."""
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    if isinstance(body, str):
        # What is no Unicode can't have been signed; it gets as far as the signature.
        return body.encode("utf-8", "surrogatepass")
    raise ConfigurationError(
        f"a webhook's body must be bytes or text, as it was received, but is of type {type(body).__name__}: "
        "the signature is that of the very bytes, so pass the raw body (await request.body(), request.body, "
        "request.get_data()), not what a framework parsed"
    )


def _signed_headers(headers: WebhookHeaders) -> _SignedHeaders:
    """The three headers, of one family.

    :raises WebhookVerificationError: if one is missing, there twice, or malformed.
    """
    found: dict[str, str] = {}
    for raw_name, value in _pairs(headers):
        name = _text(raw_name).lower()
        if name not in _READ:
            continue
        if name in found:
            raise WebhookVerificationError("invalid-headers", f"The header {name} is there twice.")
        found[name] = _text(value).strip(" \t")
    # Svix's own names go first, as a whole: no header of the one family completes the other.
    family = next(
        (name for name in _FAMILIES if any(header.startswith(f"{name}-") for header in found)), "svix"
    )
    values = [found.get(f"{family}-{name}", "") for name in _NAMES]
    missing = [f"{family}-{name}" for name, value in zip(_NAMES, values, strict=True) if not value]
    if missing:
        raise WebhookVerificationError(
            "missing-headers",
            f"The request has no {' and no '.join(missing)}: it is none of Clerk's, or what was passed are "
            "not its headers (request.headers, neither the request nor request.META).",
        )
    signed = _SignedHeaders(*values)
    malformed = (
        ("id", _ID.fullmatch(signed.id)),
        ("timestamp", _TIMESTAMP.fullmatch(signed.timestamp)),
        ("signature", signed.signature.isascii() and len(signed.signature) <= _MAX_HEADER),
        ("signature", len(signed.signature.split()) <= _MAX_SIGNATURES),
    )
    for name, is_good in malformed:
        if not is_good:
            raise WebhookVerificationError("invalid-headers", f"The header {family}-{name} is malformed.")
    return signed


def _pairs(headers: Any) -> Iterable[tuple[object, object]]:
    items = getattr(headers, "items", None)
    return items() if callable(items) else headers  # type: ignore[no-any-return]


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, str):
        return value
    raise ConfigurationError(
        "the headers of a webhook must be a mapping of texts, or pairs of texts, but one is of type "
        f"{type(value).__name__}"
    )


def _is_signed(content: bytes, signed: _SignedHeaders, keys: Sequence[bytes]) -> bool:
    """Whether any signature is right; how long it takes does not tell which, or how much of it."""
    pairs = (item.partition(",") for item in signed.signature.split())
    signatures = [text.encode("ascii") for version, _, text in pairs if version == "v1"]
    prefix = f"{signed.id}.{signed.timestamp}.".encode("ascii")
    is_signed = False
    for key in keys:
        digest = hmac.new(key, prefix, hashlib.sha256)
        digest.update(content)
        expected = b64encode(digest.digest())
        for signature in signatures:
            is_signed |= hmac.compare_digest(expected, signature)
    return is_signed


def _event(message_id: str, content: bytes) -> ClerkEvent:
    """:raises WebhookVerificationError: if it is none, which a message of Clerk's never is."""
    try:
        payload = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):  # the cause would show the body
        payload = None
    if not isinstance(payload, dict):
        raise WebhookVerificationError("invalid-payload", "The body is no JSON object.")
    event_type, data = payload.get("type"), payload.get("data")
    if not isinstance(event_type, str) or not event_type or not isinstance(data, dict):
        raise WebhookVerificationError(
            "invalid-payload", "The body is no event: it has no text 'type' and no object 'data'."
        )
    attributes, timestamp = payload.get("event_attributes"), payload.get("timestamp")
    instance_id = payload.get("instance_id")
    event: WebhookEvent[str, Any] = WebhookEvent(
        type=event_type,
        data=data,
        id=message_id,
        event_attributes=cast("EventAttributes", attributes if isinstance(attributes, dict) else {}),
        timestamp=timestamp if isinstance(timestamp, int) and not isinstance(timestamp, bool) else None,
        instance_id=instance_id if isinstance(instance_id, str) else None,
    )
    return cast("ClerkEvent", event)

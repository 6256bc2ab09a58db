"""Signing secrets: ``whsec_`` and the key in base64 (Standard Webhooks, "Signature scheme")."""

from __future__ import annotations

import binascii
import os
from base64 import b64decode
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from typing import TypeAlias

SigningSecret: TypeAlias = str | Sequence[str] | None
#: What a receiver takes: secrets, or a function that returns them.
SecretSource: TypeAlias = SigningSecret | Callable[[], SigningSecret]

VARIABLE: Final = "CLERK_WEBHOOK_SIGNING_SECRET"
_OPTION: Final = "webhook_signing_secret"
_PREFIX: Final = "whsec_"
#: The least that Standard Webhooks allows.
_MIN_BYTES: Final = 24

_COPY: Final = (
    "Copy the endpoint's 'Signing Secret' from 'Webhooks' in the Clerk Dashboard: it starts with 'whsec_'."
)
_LOOKS: Final = {
    "sk_": "the secret key of the Backend API",
    "pk_": "the publishable key",
    "ak_": "an API key, or a machine's secret key",
    "whpk_": "the public key of a signature (v1a) that Clerk does not use",
    "whsk_": "the private key of a signature (v1a) that Clerk does not use",
}


def keys_of(signing_secret: SigningSecret) -> tuple[bytes, ...]:
    """The keys of what was given as *signing_secret*, `None` for the environment's.

    :raises ConfigurationError: if there is none, or one is malformed.
    """
    source = "signing_secret"
    if signing_secret is None:
        source, signing_secret = f"the environment variable {VARIABLE}", secrets_of_environment()
        if not signing_secret:
            raise ConfigurationError(
                f"there is no signing secret: set the environment variable {VARIABLE}, or pass "
                f"signing_secret. {_COPY}",
                option=_OPTION,
            )
    if isinstance(signing_secret, str):
        signing_secret = [signing_secret]
    return signing_keys(signing_secret, source)


def secrets_of_environment() -> list[str]:
    """Those in ``CLERK_WEBHOOK_SIGNING_SECRET``, separated by commas; empty where it is not set."""
    return [item.strip() for item in os.environ.get(VARIABLE, "").split(",") if item.strip()]


def signing_keys(secrets: Sequence[str], source: str) -> tuple[bytes, ...]:
    """The keys in *secrets*.

    :param source: how a message says where they were set.
    :raises ConfigurationError: if there is none, or one is malformed; the message does not show it.
    """
    if isinstance(secrets, (str, bytes)) or not isinstance(secrets, Sequence):
        raise _wrong(f"must be text or a list of texts, but is of type {type(secrets).__name__}.", source)
    if not secrets:
        raise _wrong(f"is empty, so nothing can be verified. {_COPY}", source)
    return tuple(_key(secret, source) for secret in secrets)


def _key(secret: object, source: str) -> bytes:
    if not isinstance(secret, str):
        raise _wrong(f"must be text, but is of type {type(secret).__name__}.", source)
    if not secret.strip():
        raise _wrong(f"is empty, so nothing can be verified. {_COPY}", source)
    if secret[0] in "\"'":
        raise _wrong("begins with a quotation mark, which is none of it: take them out.", source)
    if not secret.startswith(_PREFIX):
        looks = next(
            (f" This looks like {what}." for start, what in _LOOKS.items() if secret.startswith(start)), ""
        )
        raise _wrong(f"does not start with 'whsec_'.{looks} {_COPY}", source)
    text = secret.removeprefix(_PREFIX)
    if "," in text:
        raise _wrong("has a comma in it: pass several secrets as a list, one text each.", source)
    try:
        key = b64decode(text.rstrip("=").encode("ascii") + b"=" * (-len(text.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):  # the cause would show it
        key = None
    if key is None:
        raise _wrong(
            f"is not base64 after 'whsec_': is a part of it, or more than it, copied? {_COPY}", source
        )
    if len(key) < _MIN_BYTES:
        raise _wrong(
            f"is too short: after 'whsec_' there are at least {_MIN_BYTES} bytes in base64, 32 characters. "
            f"Is only a part of it copied? {_COPY}",
            source,
        )
    return key


def _wrong(problem: str, source: str) -> ConfigurationError:
    return ConfigurationError(problem, option=_OPTION, source=source)

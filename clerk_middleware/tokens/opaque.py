"""What the Backend API said of opaque tokens lately, so that it need not be asked for each request.

The cache: its key is a SHA-256 over the instance (API URL, API version, the key that it is asked with), the
type and the whole token, so that nothing here is a secret, and no answer serves another instance or type. A
verified token's entry is good for the configured time and never past the token's expiry, a refused one's for
five seconds; it dies when newer entries need its place, and those of refused tokens, which anybody can make
up, never take the place of a verified one. What depends on the configuration is checked again at each hit.
"""

from __future__ import annotations

from hashlib import sha256
from math import ceil
from typing import TYPE_CHECKING, Final, NamedTuple

from ..generations import Generations

if TYPE_CHECKING:
    from ..config import ClerkConfig
    from ..machine_auth import MachineAuth
    from .classes import MachineTokenType

REFUSED_FOR: Final = 5.0
_MAX_REFUSED: Final = 4096
_MAX_CALLERS: Final = 1024
# Seconds. A longer wait than Clerk is granted comes of a clock that has been set back.
_LONGEST_WAIT: Final = 60

#: API URL, API version and key.
Caller = tuple[str, str, str | None]


class VerifiedOpaqueToken(NamedTuple):
    """A token that Clerk vouched for. Times are Unix seconds."""

    machine: MachineAuth
    verified_at: float
    expires_at: float

    def is_fresh(self, now: float, ttl: float) -> bool:
        """:param ttl: for how many seconds Clerk's word is taken."""
        return self.verified_at <= now < min(self.verified_at + ttl, self.expires_at)


class RefusedOpaqueToken(NamedTuple):
    """A token that Clerk does not know, or no longer."""

    message: str
    refused_at: float


class OpaqueTokens:
    """The memory of one authenticator."""

    def __init__(self, size: int) -> None:
        self._verified: Generations[bytes, VerifiedOpaqueToken] = Generations(size)
        self._refused: Generations[bytes, RefusedOpaqueToken] = Generations(_MAX_REFUSED)
        self._busy_until: Generations[Caller, float] = Generations(_MAX_CALLERS)

    def verified(self, key: bytes) -> VerifiedOpaqueToken | None:
        """What is known of a token, even if it is too old to go by."""
        return self._verified.get(key)

    def refused(self, key: bytes, now: float) -> RefusedOpaqueToken | None:
        known = self._refused.get(key)
        return known if known is not None and 0 <= now - known.refused_at < REFUSED_FOR else None

    def store(self, key: bytes, token: VerifiedOpaqueToken) -> None:
        self._verified.add(key, token)

    def refuse(self, key: bytes, token: RefusedOpaqueToken) -> None:
        self._verified.remove(key)
        self._refused.add(key, token)

    def wait(self, caller: Caller, now: float) -> int | None:
        """For how many more seconds the Backend API asked not to be called, if it did."""
        left = (self._busy_until.get(caller) or now) - now
        return ceil(left) if 0 < left <= _LONGEST_WAIT else None

    def store_wait(self, caller: Caller, until: float) -> None:
        self._busy_until.add(caller, until)


def key_of(config: ClerkConfig, token_type: MachineTokenType, token: str) -> bytes:
    """The key of a token's entry."""
    parts = (*caller_of(config, token_type), token_type, token)
    return sha256("\0".join(part or "" for part in parts).encode()).digest()


def caller_of(config: ClerkConfig, token_type: MachineTokenType) -> Caller:
    """Which instance is asked, and by whom."""
    key = config.m2m_key if token_type == "m2m_token" else config.secret_key
    return (config.api_url, config.api_version, key)

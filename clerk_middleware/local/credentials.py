"""What machines and programs prove themselves with: secret keys, API keys and M2M tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["APIKey", "Credential", "M2MToken", "Machine"]


@dataclass(kw_only=True, slots=True)
class Machine:
    """A program that calls others, or is called, with M2M tokens. Times are Unix seconds."""

    id: str
    name: str
    #: With which it makes its tokens, and verifies those of others.
    secret_key: str = field(repr=False)
    #: The one before it, and until when that is good, too.
    previous_secret_key: str = field(default="", repr=False)
    previous_until: float = 0.0
    #: The ids of the machines that it may call.
    scopes: tuple[str, ...] = ()
    #: Seconds for which its tokens are good when their maker does not say; `None` is for ever.
    default_token_lifetime: int | None = None
    created_at: float
    updated_at: float


@dataclass(kw_only=True, slots=True)
class Credential:
    """A token, from when it was made until it expires or is revoked. Times are Unix seconds."""

    id: str
    #: The token itself.
    token: str = field(repr=False)
    #: Whom it stands for: a user, an organization or a machine.
    subject: str
    scopes: tuple[str, ...] = ()
    created_at: float
    updated_at: float
    expires_at: float | None = None
    revoked: bool = False
    revocation_reason: str | None = None

    @property
    def is_revoked(self) -> bool:
        """Whether it was made worthless."""
        return self.revoked

    def is_expired(self, now: float) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now

    def registered_claims(self, issuer: str) -> dict[str, Any]:
        """What it says of itself as a JWT, whatever kind of token it is."""
        return {
            "iss": issuer,
            "sub": self.subject,
            "iat": int(self.created_at),
            "nbf": int(self.created_at),
            **({} if self.expires_at is None else {"exp": int(self.expires_at)}),
            "jti": self.id,
        }

    def revoke(self, now: float, reason: str | None = None) -> None:
        """Make it worthless; the first reason stays."""
        if not self.revoked:
            self.revoked, self.revocation_reason, self.updated_at = True, reason, now


@dataclass(kw_only=True, slots=True)
class APIKey(Credential):
    """An API key of a user or of an organization."""

    name: str
    claims: Mapping[str, Any] | None = None
    description: str | None = None
    created_by: str | None = None
    last_used_at: float | None = None

    @property
    def secret(self) -> str:
        """What a program sends: the token."""
        return self.token


@dataclass(kw_only=True, slots=True)
class M2MToken(Credential):
    """A token of a machine, opaque or a JWT; its scopes are the machines that it may call."""

    claims: Mapping[str, Any] | None = None

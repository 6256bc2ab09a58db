"""Opaque tokens of a test, as the Backend API shows them to who verifies one.

https://clerk.com/docs/guides/development/machine-auth/overview
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from clerk_middleware.tokens.classes import MachineTokenType

from .grants import text
from .machine_grants import called_machines, custom_claims, granted_scopes, subject_of

__all__ = ["OpaqueToken", "new_api_key", "new_m2m_token", "new_oauth_token"]


@dataclass(slots=True, kw_only=True)
class OpaqueToken:
    """A token of which only the Backend API can tell anything. Times are Unix seconds."""

    token_type: MachineTokenType
    #: What is sent.
    token: str = field(repr=False)
    #: What the Backend API tells of it, whatever the time.
    members: Mapping[str, Any]
    created_at: float
    #: `None` is for ever.
    expires_at: float | None
    is_revoked: bool = False

    def shown(self, now: float) -> dict[str, Any]:
        """The Backend API's answer to who verifies it; times are in milliseconds there."""
        return {
            **self.members,
            "revoked": self.is_revoked,
            "revocation_reason": None,
            "expired": self.expires_at is not None and self.expires_at <= now,
            "expiration": None if self.expires_at is None else int(self.expires_at * 1000),
            "created_at": int(self.created_at * 1000),
            "updated_at": int(self.created_at * 1000),
        }


def new_api_key(
    subject: str,
    *,
    name: str,
    scopes: Iterable[str],
    claims: Mapping[str, Any] | None,
    now: float,
    lifetime: float | None,
) -> OpaqueToken:
    """An API key of a user or an organization."""
    owner = subject_of("api_key", subject, source="subject")
    return OpaqueToken(
        token_type="api_key",
        token=_secret("ak_"),
        members={
            "object": "api_key",
            "id": _id("ak_"),
            "type": "api_key",
            "name": text("name", name, "Dispatch board"),
            "subject": owner,
            "scopes": granted_scopes(scopes),
            "claims": custom_claims(claims),
            "created_by": owner if owner.startswith("user_") else None,
            "description": None,
            "last_used_at": None,
        },
        created_at=now,
        expires_at=_end(now, lifetime),
    )


def new_m2m_token(
    machine_id: str,
    *,
    scopes: Iterable[str],
    claims: Mapping[str, Any] | None,
    now: float,
    lifetime: float | None,
) -> OpaqueToken:
    """A token of a machine."""
    return OpaqueToken(
        token_type="m2m_token",
        token=_secret("mt_"),
        members={
            "object": "machine_to_machine_token",
            "id": _id("mt_"),
            "subject": subject_of("m2m_token", machine_id, source="machine_id"),
            "scopes": called_machines(scopes),
            "claims": custom_claims(claims),
        },
        created_at=now,
        expires_at=_end(now, lifetime),
    )


def new_oauth_token(
    user_id: str, *, scopes: Iterable[str], client_id: str, now: float, lifetime: float | None
) -> OpaqueToken:
    """An access token with which an application acts for a user."""
    return OpaqueToken(
        token_type="oauth_token",
        token=_secret("oat_"),
        members={
            "object": "clerk_idp_oauth_access_token",
            "id": _id("oat_"),
            "client_id": text("client_id", client_id, "client_test"),
            "type": "oauth:access_token",
            "name": "test",
            "subject": subject_of("oauth_token", user_id, source="user_id"),
            "scopes": granted_scopes(scopes),
        },
        created_at=now,
        expires_at=_end(now, lifetime),
    )


def _id(prefix: str) -> str:
    return f"{prefix}{secrets.token_hex(16)}"


def _secret(prefix: str) -> str:
    return f"{prefix}{secrets.token_urlsafe(32)}"


def _end(now: float, lifetime: float | None) -> float | None:
    return None if lifetime is None else now + lifetime

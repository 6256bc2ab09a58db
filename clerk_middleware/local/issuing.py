"""Making API keys and M2M tokens, for the Backend API and for tests."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from .credentials import APIKey, M2MToken, Machine
from .instance import Instance
from .machine_seed import TokenFormat

__all__ = ["RESERVED_M2M_CLAIMS", "CredentialIssuer"]

#: What Clerk sets itself in a JWT of a machine.
RESERVED_M2M_CLAIMS = frozenset(("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scopes"))

#: The ``cat`` of the header: the class of token, for one key signs them all.
_M2M_TOKEN = "cl_B7d4PD333AAA"
#: Seconds: what a JWT gets where nobody says; it has to end, since nobody is asked about it.
_DEFAULT_JWT_LIFETIME = 3600


class CredentialIssuer:
    """Makes tokens, and keeps what is known of them in the instance."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        for seed in instance.seed.api_keys:
            self.api_key(
                seed.subject,
                id=seed.id,
                secret=seed.secret,
                name=seed.name,
                scopes=seed.scopes,
                claims=seed.claims,
                description=seed.description,
            )

    def api_key(
        self,
        subject: str,
        *,
        name: str,
        scopes: Iterable[str] = (),
        claims: Mapping[str, Any] | None = None,
        description: str | None = None,
        created_by: str | None = None,
        lifetime: float | None = None,
        id: str | None = None,
        secret: str | None = None,
    ) -> APIKey:
        """A new API key of a user or an organization; `lifetime` in seconds, `None` for ever."""
        now = self._instance.clock()
        api_key = APIKey(
            id=id or f"ak_{secrets.token_hex(16)}",
            token=secret or f"ak_{secrets.token_urlsafe(32)}",
            name=name,
            subject=subject,
            scopes=tuple(scopes),
            claims=_copy(claims),
            description=description,
            created_by=created_by,
            created_at=now,
            updated_at=now,
            expires_at=None if lifetime is None else now + lifetime,
        )
        return self._instance.api_keys.add(api_key)

    def m2m_token(
        self,
        machine: Machine,
        *,
        lifetime: float | None,
        claims: Mapping[str, Any] | None,
        token_format: TokenFormat,
    ) -> M2MToken:
        """A new token of `machine`, for the machines that it may call now.

        `lifetime` is in seconds; without it an opaque token is good for ever, and a JWT for an hour.
        Raises `ValueError` for a claim in a JWT that Clerk sets itself.
        """
        now = self._instance.clock()
        if lifetime is None and token_format == "jwt":
            lifetime = _DEFAULT_JWT_LIFETIME
        token = M2MToken(
            id=f"mt_{secrets.token_hex(16)}",
            token=f"mt_{secrets.token_urlsafe(32)}",
            subject=machine.id,
            scopes=machine.scopes,
            claims=_copy(claims),
            created_at=now,
            updated_at=now,
            expires_at=None if lifetime is None else now + lifetime,
        )
        if token_format == "jwt":
            token.token = self._m2m_jwt(token)
        return self._instance.m2m_tokens.add(token)

    def _m2m_jwt(self, token: M2MToken) -> str:
        custom = token.claims or {}
        if reserved := RESERVED_M2M_CLAIMS.intersection(custom):
            names = ", ".join(sorted(reserved))
            raise ValueError(f"claims must not hold {names}, which Clerk sets itself; choose another name")
        payload = {
            **custom,
            **token.registered_claims(self._instance.issuer),
            "aud": list(token.scopes),
            "scopes": " ".join(token.scopes),
        }
        return self._instance.keys.sign(payload, {"cat": _M2M_TOKEN})


def _copy(claims: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """`claims` as JSON says them, which nobody else can change."""
    if claims is None:
        return None
    copied: dict[str, Any] = json.loads(json.dumps(claims, allow_nan=False))
    return copied

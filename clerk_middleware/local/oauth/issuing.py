"""Making OAuth access tokens and ID tokens, for the authorization server and for tests."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from ..instance import Instance
from ..machine_seed import TokenFormat
from .grants import Grant, OAuthAccessToken

__all__ = ["OAuthTokenIssuer"]

#: The class of token in the header: any but a session token's, so that no application takes it for one.
_ID_TOKEN = "cl_B7d4PD444AAA"
#: Seconds.
_ID_TOKEN_LIFETIME = 24 * 60 * 60


class OAuthTokenIssuer:
    """Makes tokens, and keeps what is known of them in the instance."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def access_token(
        self,
        user_id: str,
        *,
        client_id: str,
        name: str,
        scopes: Iterable[str],
        resources: Iterable[str] = (),
        token_format: TokenFormat | None = None,
        lifetime: float | None = None,
        issuer: str | None = None,
        grant: Grant | None = None,
    ) -> OAuthAccessToken:
        """A new access token; format and lifetime (seconds) are the seed's where they aren't given.

        `issuer` is the URL by which the client knows LocalClerk.
        """
        settings, now = self._instance.seed.oauth, self._instance.clock()
        lifetime = settings.access_token_lifetime if lifetime is None else lifetime
        token = OAuthAccessToken(
            id=f"oat_{secrets.token_hex(16)}",
            token=f"oat_{secrets.token_urlsafe(32)}",
            subject=user_id,
            client_id=client_id,
            name=name,
            scopes=tuple(scopes),
            created_at=now,
            updated_at=now,
            expires_at=now + lifetime,
            grant=grant,
        )
        if (token_format or settings.token_format) == "jwt":
            audience = list(resources)
            payload = token.registered_claims(issuer or self._instance.issuer) | {
                "client_id": client_id,
                "scope": " ".join(token.scopes),
                **({"aud": audience if len(audience) > 1 else audience[0]} if audience else {}),
            }
            token.token = self._instance.keys.sign(payload, {"typ": "at+jwt"})
        return self._instance.oauth_tokens.add(token)

    def id_token(self, grant: Grant, claims: Mapping[str, Any], *, issuer: str) -> str:
        """The ID token of OpenID Connect: who signed in, for the client to read; `claims` are of the user."""
        now = int(self._instance.clock())
        payload = {
            **claims,
            "iss": issuer,
            "sub": grant.user_id,
            "aud": grant.application.client_id,
            "iat": now,
            "exp": now + _ID_TOKEN_LIFETIME,
            "auth_time": int(grant.signed_in_at),
            **({"nonce": grant.nonce} if grant.nonce else {}),
        }
        return self._instance.keys.sign(payload, {"cat": _ID_TOKEN})

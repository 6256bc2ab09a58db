"""A user's accounts at other providers, such as Google, and their tokens, as the Backend API shows them.

https://clerk.com/docs/guides/configure/auth-strategies/social-connections/overview
"""

from __future__ import annotations

import hashlib
from typing import Any

from .seed import User

__all__ = ["external_account_object", "social_token_object"]


def external_account_object(user: User, provider: str, created_at: float) -> dict[str, Any]:
    """The account of `user` at `provider`, connected at `created_at` (Unix seconds)."""
    milliseconds = int(created_at * 1000)
    digest = _digest(user, provider)
    return {
        "object": "google_account" if provider == "google" else "external_account",
        "id": f"eac_{digest}",
        "provider": f"oauth_{provider}",
        "identification_id": f"idn_{digest}",
        "provider_user_id": _provider_user_id(user, provider),
        "approved_scopes": " ".join(user.oauth_access_tokens[provider].scopes),
        "email_address": user.email,
        "email_address_verified": user.email_verified,
        "first_name": user.first_name or "",
        "last_name": user.last_name or "",
        "avatar_url": "",
        "image_url": "",
        "username": user.username,
        "phone_number": None,
        "label": None,
        "public_metadata": {},
        "verification": {
            "object": "verification_oauth",
            "status": "verified",
            "strategy": f"oauth_{provider}",
            "attempts": None,
            "expire_at": milliseconds + 10 * 60 * 1000,
        },
        "created_at": milliseconds,
        "updated_at": milliseconds,
    }


def social_token_object(user: User, provider: str) -> dict[str, Any]:
    """What ``GET /users/ID/oauth_access_tokens/PROVIDER`` answers of the user's account at `provider`."""
    token = user.oauth_access_tokens[provider]
    return {
        "object": "oauth_access_token",
        "external_account_id": f"eac_{_digest(user, provider)}",
        "provider_user_id": _provider_user_id(user, provider),
        "token": token.token,
        "expires_at": None,
        "provider": f"oauth_{provider}",
        "public_metadata": {},
        "label": None,
        "scopes": list(token.scopes),
    }


def _digest(user: User, provider: str) -> str:
    return hashlib.sha256(f"{user.id} {provider}".encode()).hexdigest()[:24]


def _provider_user_id(user: User, provider: str) -> str:
    """Some number, as Google has them: the same one at each start."""
    return str(int(_digest(user, provider)[:16], 16))

"""A user as the Backend API shows them.

https://clerk.com/docs/reference/backend/types/backend-user
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["user_object"]

#: What Clerk shows where a user has uploaded no picture.
_DEFAULT_IMAGE = "https://img.clerk.com/preview.png"
_NOTHING: Mapping[str, Any] = {}


def user_object(
    user_id: str,
    *,
    email: str | None = None,
    email_verified: bool = True,
    first_name: str | None = None,
    last_name: str | None = None,
    username: str | None = None,
    has_second_factor: bool = False,
    external_id: str | None = None,
    banned: bool = False,
    locked: bool = False,
    public_metadata: Mapping[str, Any] = _NOTHING,
    private_metadata: Mapping[str, Any] = _NOTHING,
    unsafe_metadata: Mapping[str, Any] = _NOTHING,
    created_at: float,
) -> dict[str, Any]:
    """A user who signs in by a password, and was made at *created_at* (Unix seconds)."""
    milliseconds = int(created_at * 1000)
    addresses = []
    if email is not None:
        addresses.append(
            _email_address(f"idn_{user_id.removeprefix('user_')}", email, email_verified, milliseconds)
        )
    return {
        "object": "user",
        "id": user_id,
        "external_id": external_id,
        "username": username,
        "first_name": first_name,
        "last_name": last_name,
        "locale": None,
        "image_url": _DEFAULT_IMAGE,
        "profile_image_url": _DEFAULT_IMAGE,
        "has_image": False,
        "primary_email_address_id": addresses[0]["id"] if addresses else None,
        "primary_phone_number_id": None,
        "primary_web3_wallet_id": None,
        "email_addresses": addresses,
        "phone_numbers": [],
        "web3_wallets": [],
        "passkeys": [],
        "external_accounts": [],
        "saml_accounts": [],
        "enterprise_accounts": [],
        "public_metadata": dict(public_metadata),
        "private_metadata": dict(private_metadata),
        "unsafe_metadata": dict(unsafe_metadata),
        "password_enabled": True,
        "two_factor_enabled": has_second_factor,
        "totp_enabled": has_second_factor,
        "backup_code_enabled": False,
        "mfa_enabled_at": milliseconds if has_second_factor else None,
        "mfa_disabled_at": None,
        "banned": banned,
        "locked": locked,
        "lockout_expires_in_seconds": None,
        "verification_attempts_remaining": 100,
        "delete_self_enabled": True,
        "create_organization_enabled": True,
        "create_organizations_limit": None,
        "last_sign_in_at": None,
        "last_active_at": None,
        "legal_accepted_at": None,
        "created_at": milliseconds,
        "updated_at": milliseconds,
    }


def _email_address(id: str, email: str, is_verified: bool, milliseconds: int) -> dict[str, Any]:
    verification = {
        "object": "verification_otp",
        "status": "verified" if is_verified else "unverified",
        "strategy": "email_code",
        "attempts": 1 if is_verified else None,
        "expire_at": milliseconds + 10 * 60 * 1000,
    }
    return {
        "object": "email_address",
        "id": id,
        "email_address": email,
        "reserved": False,
        "verification": verification,
        "linked_to": [],
        "matches_sso_connection": False,
        "created_at": milliseconds,
        "updated_at": milliseconds,
    }

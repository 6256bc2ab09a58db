"""By what users sign up and sign in, as components have to know.

https://clerk.com/docs/guides/configure/auth-strategies/sign-up-sign-in-options
"""

from __future__ import annotations

from typing import Any

from ..instance import Instance
from ..rules import MAXIMUM_PASSWORD, MINIMUM_PASSWORD

__all__ = ["user_settings"]

#: Strategies that LocalClerk does not have.
_ABSENT = ("phone_number", "web3_wallet", "backup_code", "passkey")

#: The ``password_settings`` of an environment: length is all that counts.
_PASSWORD_SETTINGS: dict[str, Any] = {
    "allowed_special_characters": "",
    "disable_hibp": True,
    "min_length": MINIMUM_PASSWORD,
    "max_length": MAXIMUM_PASSWORD,
    "require_special_char": False,
    "require_numbers": False,
    "require_uppercase": False,
    "require_lowercase": False,
    "show_zxcvbn": False,
    "min_zxcvbn_strength": 0,
    "enforce_hibp_on_sign_in": False,
}


def user_settings(instance: Instance) -> dict[str, Any]:
    """The ``user_settings`` of an environment. Users may have usernames where one in the seed has one."""
    has_usernames = any(user.username for user in instance.seed.users.values())
    attributes = {
        "email_address": _attribute(
            is_enabled=True, is_required=True, first_factors=("email_code",), is_identifier=True
        ),
        "password": _attribute(is_enabled=True, is_required=True),
        "first_name": _attribute(is_enabled=True),
        "last_name": _attribute(is_enabled=True),
        "username": _attribute(is_enabled=has_usernames, is_identifier=has_usernames),
        "authenticator_app": _attribute(is_enabled=True, second_factors=("totp",)),
        **{name: _attribute() for name in _ABSENT},
    }
    return {
        "attributes": attributes,
        "social": {},
        "enterprise_sso": {
            "enabled": False,
            "self_serve_sso": False,
            "self_serve_directory_sync": False,
        },
        "actions": {"delete_self": True, "create_organization": True},
        "sign_in": {"second_factor": {"required": False, "enabled": True}},
        "sign_up": {
            "allowlist_only": False,
            "progressive": True,
            "captcha_enabled": False,
            "mode": "public",
            "legal_consent_enabled": False,
            "mfa": {"required": False},
        },
        "password_settings": _PASSWORD_SETTINGS,
        "passkey_settings": {"allow_autofill": False, "show_sign_in_button": False},
        "username_settings": {"min_length": 4, "max_length": 64},
        "attack_protection": {"enumeration_protection": {"enabled": False}},
    }


def _attribute(
    *,
    is_enabled: bool = False,
    is_required: bool = False,
    is_identifier: bool = False,
    first_factors: tuple[str, ...] = (),
    second_factors: tuple[str, ...] = (),
) -> dict[str, Any]:
    return {
        "enabled": is_enabled,
        "required": is_required,
        "immutable": False,
        "used_for_first_factor": is_identifier,
        "first_factors": list(first_factors),
        "used_for_second_factor": bool(second_factors),
        "second_factors": list(second_factors),
        "verifications": list(first_factors or second_factors),
        "verify_at_sign_up": bool(first_factors),
    }

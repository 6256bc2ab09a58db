"""A sign-up as the Frontend API shows it: what it has, and what it lacks."""

from __future__ import annotations

from typing import Any

from ..records import SignUpAttempt
from ..sign_ups import missing_fields, unverified_fields
from .sign_in_resources import verification_resource

__all__ = ["sign_up_resource"]


def sign_up_resource(attempt: SignUpAttempt) -> dict[str, Any]:
    """A SIGN_UP."""
    return {
        "object": "sign_up",
        "id": attempt.id,
        "status": "complete" if attempt.session_id else "missing_requirements",
        "required_fields": ["email_address", "password"],
        "optional_fields": ["first_name", "last_name", "username"],
        "missing_fields": missing_fields(attempt),
        "unverified_fields": unverified_fields(attempt),
        "username": attempt.username,
        "first_name": attempt.first_name,
        "last_name": attempt.last_name,
        "email_address": attempt.email,
        "phone_number": None,
        "web3_wallet": None,
        "external_account_strategy": None,
        "external_account": None,
        "has_password": attempt.password is not None,
        "unsafe_metadata": dict(attempt.unsafe_metadata),
        "created_session_id": attempt.session_id,
        "created_user_id": attempt.user_id,
        "abandon_at": None,
        "legal_accepted_at": None,
        "locale": None,
        "timezone": None,
        "verifications": {
            "email_address": _address_verification(attempt) if attempt.email else None,
            "phone_number": None,
            "web3_wallet": None,
            "external_account": None,
        },
    }


def _address_verification(attempt: SignUpAttempt) -> dict[str, Any]:
    status = "verified" if attempt.email_verified else "unverified"
    # Components have a code sent unless there is a strategy already.
    strategy = "email_code" if attempt.is_code_sent else None
    next_action = "needs_attempt" if attempt.is_code_sent else "needs_prepare"
    return {
        **verification_resource(status, strategy, at=attempt.created_at),
        "next_action": "" if attempt.email_verified else next_action,
        "supported_strategies": ["email_code"],
    }

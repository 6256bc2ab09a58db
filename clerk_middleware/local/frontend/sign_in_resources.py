"""A sign-in under way, and the factors by which it goes on, as the Frontend API shows them.

https://clerk.com/docs/reference/types/sign-in-factor
"""

from __future__ import annotations

from typing import Any

from ..directory_objects import user_data
from ..factors import first_factors, second_factors
from ..instance import Instance
from ..records import SignInAttempt
from ..seed import User

__all__ = [
    "first_factor_resources",
    "second_factor_resources",
    "sign_in_resource",
    "verification_resource",
]

#: Seconds for which a code can be given.
_CODE_LIFETIME = 600


def sign_in_resource(instance: Instance, attempt: SignInAttempt) -> dict[str, Any]:
    """A SIGN_IN, of a user who is still there."""
    user = instance.users[attempt.user_id]
    identifiers = ["email_address", *(["username"] if user.username else [])]
    first, second = None, None
    if attempt.first_factor_at is not None:
        first = verification_resource("verified", attempt.strategy, at=attempt.first_factor_at)
    elif attempt.strategy is not None:
        first = verification_resource("unverified", attempt.strategy, at=attempt.created_at)
    if attempt.second_factor_at is not None:
        second = verification_resource("verified", "totp", at=attempt.second_factor_at)
    is_second_due = attempt.status == "needs_second_factor"
    return {
        "object": "sign_in",
        "id": attempt.id,
        "status": attempt.status,
        "supported_identifiers": identifiers,
        "identifier": attempt.identifier,
        "user_data": {
            "first_name": user.first_name,
            "last_name": user.last_name,
            "image_url": "",
            "has_image": False,
        },
        "supported_first_factors": first_factor_resources(instance, user),
        "supported_second_factors": second_factor_resources(user) if is_second_due else None,
        "first_factor_verification": first,
        "second_factor_verification": second,
        "created_session_id": attempt.session_id,
        "abandon_at": int((attempt.created_at + _CODE_LIFETIME) * 1000),
        "timezone": None,
    }


def first_factor_resources(instance: Instance, user: User) -> list[dict[str, Any]]:
    """By which factors the user may prove who they are."""
    address = {
        "email_address_id": user_data(instance, user)["primary_email_address_id"],
        "safe_identifier": user.email,
        "primary": True,
    }
    return [
        {"strategy": strategy, **(address if strategy == "email_code" else {})}
        for strategy in first_factors(user)
    ]


def second_factor_resources(user: User) -> list[dict[str, Any]]:
    """By which second factors, none for a user who has none."""
    return [{"strategy": strategy} for strategy in second_factors(user)]


def verification_resource(status: str, strategy: str | None, *, at: float) -> dict[str, Any]:
    """The state of proving something; `at` (Unix seconds) is when it began, or was done."""
    return {
        "object": "verification",
        "status": status,
        "strategy": strategy,
        "attempts": None,
        "expire_at": int((at + _CODE_LIFETIME) * 1000),
    }

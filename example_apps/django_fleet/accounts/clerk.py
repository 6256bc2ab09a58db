"""How a Clerk user becomes a local one: ``CLERK["USER_FIELDS"]``."""

from typing import Any, Final

from clerk_middleware_django.profiles import ClerkProfile

_MAX_NAME_LENGTH: Final = 100


def user_fields(profile: ClerkProfile) -> dict[str, Any]:
    """The fields of a user who is here for the first time, or of whom a webhook tells.

    `None` in place of them would create nobody: where, for instance, only addresses of your own domain are
    welcome. Fields that grant something, as ``is_staff``, never belong here if they came from a user; nor do
    those that you set yourself, because a webhook would set them again.
    """
    # A webhook has no claims, and the whole user in place of them.
    metadata = (profile.backend_user or {}).get("public_metadata", profile.claims.get("publicMetadata"))
    return {
        "username": profile.user_id,  # unique, and never given to anybody else
        "email": profile.email or "",
        "first_name": (profile.first_name or "")[:_MAX_NAME_LENGTH],
        "last_name": (profile.last_name or "")[:_MAX_NAME_LENGTH],
        "onboarded": isinstance(metadata, dict) and metadata.get("onboardingComplete") is True,
    }

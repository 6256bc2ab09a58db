"""How a Clerk user becomes a local one: ``CLERK["USER_FIELDS"]``."""

from typing import Any

from clerk_middleware_django.profiles import ClerkProfile


def user_fields(profile: ClerkProfile) -> dict[str, Any]:
    """The fields of a user who is here for the first time.

    `None` in place of them would create nobody: where, for instance, only addresses of your own domain are
    welcome. Fields that grant something, as ``is_staff``, never belong here if they came from a user.
    """
    metadata = profile.claims.get("publicMetadata")
    return {
        "username": profile.user_id,  # unique, and never given to anybody else
        "email": profile.email or "",
        "first_name": profile.first_name or "",
        "last_name": profile.last_name or "",
        "onboarded": isinstance(metadata, dict) and metadata.get("onboardingComplete") is True,
    }

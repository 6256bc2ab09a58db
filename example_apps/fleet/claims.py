"""What the session token says beyond Clerk's own claims."""

from collections.abc import Iterable
from typing import TypedDict

from clerk_middleware import SessionAuth

#: The custom claims that the applications add to their session tokens (their README.md says where).
FleetClaims = TypedDict(
    "FleetClaims", {"org.name": str | None, "user.organizations": dict[str, str] | None}, total=False
)


def company_name(auth: SessionAuth) -> str | None:
    """The name of the active organization."""
    return auth.claims_as(FleetClaims).get("org.name")


def organization_ids(auth: SessionAuth) -> Iterable[str]:
    """Every organization that the user is a member of, active or not."""
    return auth.claims_as(FleetClaims).get("user.organizations") or {}

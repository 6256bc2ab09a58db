"""What the session token says beyond Clerk's own claims."""

import re
from typing import TypedDict, TypeVar

from clerk_middleware import ClerkError, SessionAuth

# The custom claims that the applications add to their session tokens (their README.md says where).
NameClaim = TypedDict("NameClaim", {"org.name": str | None}, total=False)
MembershipClaim = TypedDict("MembershipClaim", {"user.organizations": dict[str, str] | None}, total=False)

T = TypeVar("T")

_ORGANIZATION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def company_name(auth: SessionAuth) -> str:
    """The name of the active organization, empty if the token does not say."""
    return storable(_claims(auth, NameClaim).get("org.name") or "")


def organization_ids(auth: SessionAuth) -> list[str]:
    """Every organization that the user is a member of, active or not."""
    memberships = _claims(auth, MembershipClaim).get("user.organizations") or {}
    # They become links: what is no id would have none.
    return [org_id for org_id in memberships if _ORGANIZATION_ID.fullmatch(org_id)]


def storable(text: str) -> str:
    """A name that somebody chose, without what PostgreSQL has no room for."""
    return text.replace("\0", "")


def _claims(auth: SessionAuth, shape: type[T]) -> T:
    """The claims as *shape*, which is empty where the Dashboard made something else of them."""
    try:
        return auth.claims_as(shape)
    except ClerkError:
        return shape()

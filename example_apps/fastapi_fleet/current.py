"""Dependencies of this application's own: what of its data belongs to who is signed in."""

from typing import Annotated, TypedDict

from fastapi import Depends, HTTPException
from fastapi.requests import HTTPConnection

from clerk_middleware import SessionAuth
from clerk_middleware_fastapi import require_auth

from .fleet import Company, Fleet

#: Somebody is signed in; everyone else is sent to sign in, or gets 401.
Member = Annotated[SessionAuth, Depends(require_auth)]

#: The custom claims that this application adds to its session tokens (README.md says where).
FleetClaims = TypedDict(
    "FleetClaims", {"org.name": str | None, "user.organizations": dict[str, str] | None}, total=False
)


def company_of(fleet: Fleet, auth: SessionAuth) -> Company | None:
    """The company of the active organization."""
    if auth.org_id is None:
        return None
    slug = auth.org_slug or auth.org_id
    return fleet.company(auth.org_id, slug, auth.claims_as(FleetClaims).get("org.name") or slug)


def memberships_of(fleet: Fleet, auth: SessionAuth) -> dict[str, str]:
    """Names of the user's companies by organization id."""
    organizations = auth.claims_as(FleetClaims).get("user.organizations") or {}
    return {org_id: fleet.name_of_company(org_id) for org_id in organizations}


async def current_company(connection: HTTPConnection, auth: Member) -> Company:
    company = company_of(connection.app.state.fleet, auth)
    if company is None:
        raise HTTPException(404, "Choose a company first: you work in your personal account.")
    return company


CurrentCompany = Annotated[Company, Depends(current_company)]

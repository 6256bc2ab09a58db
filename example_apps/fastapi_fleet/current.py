"""Dependencies of this application's own: what of its data belongs to who is signed in."""

from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.requests import HTTPConnection

from clerk_middleware import SessionAuth
from clerk_middleware_fastapi import require_auth
from example_apps.fleet.claims import company_name, organization_ids, storable

from .fleet import Company, Fleet

#: Somebody is signed in; everyone else is sent to sign in, or gets 401.
Member = Annotated[SessionAuth, Depends(require_auth)]


def company_of(fleet: Fleet, auth: SessionAuth) -> Company | None:
    """The company of the active organization."""
    if auth.org_id is None:
        return None
    slug = storable(auth.org_slug or "") or auth.org_id
    return fleet.company(auth.org_id, slug, company_name(auth) or slug)


def memberships_of(fleet: Fleet, auth: SessionAuth) -> dict[str, str]:
    """Names of the user's companies by organization id."""
    return {org_id: fleet.name_of_company(org_id) for org_id in organization_ids(auth)}


async def current_company(connection: HTTPConnection, auth: Member) -> Company:
    company = company_of(connection.app.state.fleet, auth)
    if company is None:
        raise HTTPException(404, "Choose a company first: you work in your personal account.")
    return company


CurrentCompany = Annotated[Company, Depends(current_company)]

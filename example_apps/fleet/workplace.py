"""Which of the companies in memory belong to who is signed in, or to the owner of a token."""

from typing import Any

from clerk_middleware import Auth, MachineAuth, SessionAuth

from .claims import company_name, organization_ids, storable
from .companies import Company, Fleet, Load


def company_of(fleet: Fleet, auth: SessionAuth) -> Company | None:
    """The company of the active organization."""
    if auth.org_id is None:
        return None
    slug = storable(auth.org_slug or "") or auth.org_id
    return fleet.company(auth.org_id, slug, company_name(auth) or slug)


def loads_for(fleet: Fleet, auth: MachineAuth) -> list[Load]:
    """Of a company's API key, the company's. Who acts for a person sees what that person has to drive."""
    if auth.org_id is not None:
        company = fleet.known_company(auth.org_id)
        return list(company.loads.values()) if company else []
    return fleet.loads_of(auth.user_id or "")


def memberships_of(fleet: Fleet, auth: SessionAuth) -> dict[str, str]:
    """Names of the user's companies by organization id."""
    return {org_id: fleet.name_of_company(org_id) for org_id in organization_ids(auth)}


def in_frame(fleet: Fleet, auth: Auth) -> dict[str, Any]:
    """What the frame of every page shows of them: `templates/frame.html`."""
    if not isinstance(auth, SessionAuth):
        return {"company": None, "memberships": {}}
    return {"company": company_of(fleet, auth), "memberships": memberships_of(fleet, auth)}

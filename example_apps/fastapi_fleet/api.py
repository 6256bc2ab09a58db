"""A JSON API on the same routes' terms. Nothing is redirected here: 401, 403 and 404 say what is wrong."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel

from clerk_middleware import SessionAuth
from clerk_middleware_fastapi import protect, require_auth, require_permission, require_role
from example_apps.fleet.companies import Event, Load
from example_apps.fleet.permissions import may_read_audit_log
from example_apps.fleet.roster import READ_ROSTER

from .company import JUST_VERIFIED
from .current import CurrentCompany, Member
from .loads import Dispatcher, NewLoad, driver_in
from .security import same_origin

router = APIRouter(prefix="/api", tags=["fleet"], dependencies=[Depends(same_origin)])


class Payment(BaseModel):
    driver_id: str


@router.get("/me")
async def me(auth: Annotated[SessionAuth, Depends(require_auth)]) -> dict[str, Any]:
    return {
        "user_id": auth.user_id,
        "organization": auth.org_slug,
        "role": auth.org_role,
        "permissions": auth.org_permissions,
    }


@router.post("/loads", status_code=201)
async def create_load(auth: Dispatcher, company: CurrentCompany, new: NewLoad) -> Load:
    return company.create_load(auth.user_id, new.origin, new.destination, new.cargo, new.tons)


@router.post("/payments", dependencies=[Depends(require_role("org:admin")), Depends(JUST_VERIFIED)])
async def pay(auth: Member, company: CurrentCompany, payment: Payment) -> dict[str, int]:
    return {"paid": company.pay(auth.user_id, driver_in(company, payment.driver_id))}


@router.get("/audit", dependencies=[Depends(protect(may_read_audit_log))])
async def audit(company: CurrentCompany) -> list[Event]:
    return company.events


@router.get("/roster", dependencies=[Depends(require_permission(READ_ROSTER))])
async def roster(request: Request) -> list[dict[str, str]]:
    """Who has an account, as Clerk's webhooks say it: see webhooks.py."""
    people: list[dict[str, str]] = request.app.state.roster.people()
    return people

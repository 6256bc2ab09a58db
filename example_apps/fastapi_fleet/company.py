"""What moves money or destroys things: the password must have been given lately (reverification)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from clerk_middleware import SessionAuth
from clerk_middleware_fastapi import require_reverification, require_role
from example_apps.fleet import permissions

from .current import CurrentCompany
from .fleet import Company
from .loads import driver_in
from .rendering import render
from .security import same_origin

router = APIRouter(dependencies=[Depends(same_origin)], include_in_schema=False)

Admin = Annotated[SessionAuth, Depends(require_role("org:admin"))]

JUST_VERIFIED = require_reverification(permissions.JUST_VERIFIED)


@router.get("/company")
async def settings(request: Request, auth: Admin, company: CurrentCompany) -> Response:
    return render(request, "company.html", drivers=company.drivers.values(), profile=company.profile)


@router.post("/company/drivers/{user_id}/pay", dependencies=[Depends(JUST_VERIFIED)])
async def pay(auth: Admin, company: CurrentCompany, user_id: str) -> Response:
    pay_driver(company, auth, user_id)
    return RedirectResponse("/company", 303)


@router.post("/company/profile/delete", dependencies=[Depends(require_reverification("strict"))])
async def delete_profile(auth: Admin, company: CurrentCompany) -> Response:
    """Clerk's preset "strict": the second factor within ten minutes, the first for who has no second."""
    company.profile = None
    company.log(auth.user_id, "deleted the company's public profile")
    return RedirectResponse("/company", 303)


def pay_driver(company: Company, auth: SessionAuth, user_id: str) -> int:
    """Pay a driver what is owed; returns how much that was."""
    driver = driver_in(company, user_id)
    paid, driver.owed = driver.owed, 0
    company.log(auth.user_id, f"paid ${paid:,} to {driver.name}")
    return paid

"""What moves money or destroys things: the password must have been given lately (reverification)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from clerk_middleware import SessionAuth
from clerk_middleware_fastapi import require_reverification, require_role
from example_apps.fleet import permissions

from .current import CurrentCompany
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
    company.pay(auth.user_id, driver_in(company, user_id))
    return RedirectResponse("/company", 303)


@router.post("/company/profile/delete", dependencies=[Depends(require_reverification("strict"))])
async def delete_profile(auth: Admin, company: CurrentCompany) -> Response:
    """Clerk's preset "strict": the second factor within ten minutes, the first for who has no second."""
    company.delete_profile(auth.user_id)
    return RedirectResponse("/company", 303)

"""The pages that everyone, a role or a plan may read. Each route says by a dependency who may see it."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from clerk_middleware import SessionAuth
from clerk_middleware_fastapi import (
    protect,
    require_feature,
    require_permission,
    require_role,
)
from example_apps.fleet.permissions import may_read_audit_log

from .current import CurrentCompany, Member
from .rendering import render

router = APIRouter(include_in_schema=False)


@router.get("/")
async def landing(request: Request) -> Response:
    """Public: `current_auth`, which every template has, is somebody or nobody, and the page says which."""
    return render(request, "landing.html")


@router.get("/dashboard")
async def dashboard(request: Request, auth: Member) -> Response:
    return render(request, "dashboard.html")


@router.get("/orgs/{slug}")
async def organization(request: Request, slug: str, auth: Member, company: CurrentCompany) -> Response:
    """The middleware has made the organization the active one, unless the user is no member of it."""
    if auth.org_slug != slug:
        raise HTTPException(404)
    return render(request, "organization.html", page_company=company)


@router.get(
    "/compliance", dependencies=[Depends(require_permission("org:compliance:view_compliance_dashboard"))]
)
async def compliance(request: Request, company: CurrentCompany) -> Response:
    return render(request, "compliance.html", drivers=company.drivers.values())


@router.get("/reports", dependencies=[Depends(require_permission("org:admin:access_all_reports"))])
async def reports(request: Request, company: CurrentCompany) -> Response:
    return render(request, "reports.html", loads=company.loads.values(), drivers=company.drivers.values())


@router.get("/audit")
async def audit(
    request: Request, company: CurrentCompany, _: Annotated[SessionAuth, Depends(protect(may_read_audit_log))]
) -> Response:
    """To whom it is not for, this page does not exist: 404 rather than 403."""
    return render(request, "audit.html", events=list(reversed(company.events)))


@router.get(
    "/fuel", dependencies=[Depends(require_role("org:admin")), Depends(require_feature("org:fuel_reports"))]
)
async def fuel(request: Request, company: CurrentCompany) -> Response:
    """Sold with the company's plan, as a feature of it."""
    return render(request, "fuel.html", drivers=company.drivers.values())

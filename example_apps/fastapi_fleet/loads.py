"""Loads: dispatchers create and assign them, drivers say how far they are."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field, StringConstraints

from clerk_middleware import SessionAuth
from clerk_middleware_fastapi import protect, require_permission, require_plan
from example_apps.fleet.companies import Company, Driver, Load, LoadStatus
from example_apps.fleet.export import as_csv
from example_apps.fleet.permissions import may_see_loads

from .current import CurrentCompany
from .rendering import render
from .security import same_origin

router = APIRouter(dependencies=[Depends(same_origin)], include_in_schema=False)

# What a route requires is worth a name where several routes require it. The dependency returns the
# session, so that a route need not ask twice who it is for.
Dispatcher = Annotated[SessionAuth, Depends(require_permission("org:dispatcher:create_edit_loads"))]
Assigner = Annotated[SessionAuth, Depends(require_permission("org:dispatcher:assign_drivers"))]
AssignedDriver = Annotated[SessionAuth, Depends(require_permission("org:driver:view_assigned_loads"))]
ReportingDriver = Annotated[SessionAuth, Depends(require_permission("org:driver:update_load_status"))]

#: What a driver may say of a load.
Report = Literal[LoadStatus.IN_TRANSIT, LoadStatus.DELIVERED]

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]


class NewLoad(BaseModel):
    """A form's fields, or the JSON of the API."""

    origin: Text
    destination: Text
    cargo: Text
    tons: Annotated[float, Field(gt=0, le=60)]


@router.get("/loads", dependencies=[Depends(protect(may_see_loads))])
async def loads(request: Request, company: CurrentCompany) -> Response:
    return render(
        request, "loads.html", loads=list(reversed(company.loads.values())), drivers=company.drivers.values()
    )


@router.get("/loads.csv", dependencies=[Depends(protect(may_see_loads)), Depends(require_plan("user:plus"))])
async def export(company: CurrentCompany) -> Response:
    """Sold to a person rather than to a company: who has the plan has it wherever they work."""
    headers = {"content-disposition": 'attachment; filename="loads.csv"'}
    rows = ((load.number, load.origin, load.destination, load.status) for load in company.loads.values())
    return Response(as_csv(rows), headers=headers, media_type="text/csv")


@router.post("/loads")
async def create(auth: Dispatcher, company: CurrentCompany, new: Annotated[NewLoad, Form()]) -> Response:
    company.create_load(auth.user_id, new.origin, new.destination, new.cargo, new.tons)
    return RedirectResponse("/loads", 303)


@router.post("/loads/{number}/assign")
async def assign(
    auth: Assigner, company: CurrentCompany, number: int, driver_id: Annotated[str, Form()]
) -> Response:
    company.assign(auth.user_id, load_in(company, number), driver_in(company, driver_id))
    return RedirectResponse("/loads", 303)


@router.get("/my-loads")
async def my_loads(request: Request, auth: AssignedDriver, company: CurrentCompany) -> Response:
    return render(request, "my_loads.html", loads=company.loads_of(auth.user_id))


@router.post("/my-loads/{number}/status")
async def update_status(
    auth: ReportingDriver, company: CurrentCompany, number: int, status: Annotated[Report, Form()]
) -> Response:
    load = load_in(company, number)
    # A permission says what a driver may do; which loads are theirs is this application's own business.
    if load.driver_id != auth.user_id:
        raise HTTPException(404)
    company.report(auth.user_id, load, status)
    return RedirectResponse("/my-loads", 303)


def load_in(company: Company, number: int) -> Load:
    """A load of this company: never look one up by a number alone, or it may be a competitor's."""
    try:
        return company.loads[number]
    except KeyError:
        raise HTTPException(404) from None


def driver_in(company: Company, user_id: str) -> Driver:
    try:
        return company.drivers[user_id]
    except KeyError:
        raise HTTPException(404) from None

"""What programs call: partners read loads, the tracking service reports where the trucks are."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, Field

from clerk_middleware import MachineAuth, SessionAuth
from clerk_middleware_fastapi import protect, require_auth
from example_apps.fleet.companies import Load
from example_apps.fleet.machines import READ_LOADS, READERS
from example_apps.fleet.workplace import loads_for

from .current import current_company
from .loads import load_in

router = APIRouter(prefix="/api", tags=["machines"])

#: People need a permission, and programs a scope.
Reader = Annotated[
    SessionAuth | MachineAuth,
    Depends(protect(token=READERS, permission="org:dispatcher:access_dispatch_dashboard", scope=READ_LOADS)),
]


class Position(BaseModel):
    """How far a load is, in percent of its way. Load numbers are a company's own."""

    company: str
    load: int
    percent: Annotated[float, Field(ge=0, le=100)]


@router.get("/loads")
async def list_loads(request: Request, auth: Reader) -> list[Load]:
    if isinstance(auth, SessionAuth):
        return list((await current_company(request, auth)).loads.values())
    return loads_for(request.app.state.fleet, auth)


@router.post("/positions", dependencies=[Depends(require_auth(accepts_token="m2m_token"))])
async def report(request: Request, position: Position) -> dict[str, Any]:
    """For machines alone whose scope in the Clerk Dashboard has this one: that is all they need."""
    company = request.app.state.fleet.known_company(position.company)
    if company is None:
        raise HTTPException(404)
    load = load_in(company, position.load)
    company.locate(load, position.percent)
    return {"load": load.number, "percent": position.percent}

"""Dependencies of this application's own: what of its data belongs to who is signed in."""

from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.requests import HTTPConnection

from clerk_middleware import SessionAuth
from clerk_middleware_fastapi import require_auth
from example_apps.fleet.companies import Company
from example_apps.fleet.workplace import company_of

#: Somebody is signed in; everyone else is sent to sign in, or gets 401.
Member = Annotated[SessionAuth, Depends(require_auth)]


async def current_company(connection: HTTPConnection, auth: Member) -> Company:
    company = company_of(connection.app.state.fleet, auth)
    if company is None:
        raise HTTPException(404, "Choose a company first: you work in your personal account.")
    return company


CurrentCompany = Annotated[Company, Depends(current_company)]

"""Signing out, and changing the company, without any JavaScript of Clerk's."""

import httpx
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from clerk_middleware import ClerkConfig

from .current import Member
from .security import same_origin

router = APIRouter(dependencies=[Depends(same_origin)], include_in_schema=False)


@router.get("/switch/{org_id}")
async def switch(org_id: str, auth: Member) -> Response:
    """ORGANIZATION_PATTERNS has this path, so the middleware has switched before this runs."""
    if auth.org_id != org_id:
        raise HTTPException(404, "You are no member of that company.")
    return RedirectResponse("/dashboard", 303)


@router.get("/personal")
async def personal(auth: Member) -> Response:
    return RedirectResponse("/dashboard", 303)


@router.post("/sign-out")
async def sign_out(request: Request, auth: Member) -> Response:
    """End the session at Clerk, and forget its token.

    The next page has no token and asks Clerk (a handshake), which says by then that nobody is signed in.
    An application that loads Clerk's JavaScript calls ``Clerk.signOut()`` in place of all this.
    """
    config: ClerkConfig = request.app.state.clerk
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {config.secret_key}"}) as backend:
        answer = await backend.post(
            f"{config.api_url}/{config.api_version}/sessions/{auth.session_id}/revoke"
        )
    answer.raise_for_status()
    response = RedirectResponse("/", 303)
    for name in request.cookies:
        if name == "__session" or name.startswith("__session_"):
            response.delete_cookie(name)
    return response

"""Signing in by Clerk's components; signing out, changing the company without any JavaScript of Clerk's."""

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from clerk_middleware import AsyncAuthenticator
from clerk_middleware.asgi import get_state
from clerk_middleware.sign_out import cookies_to_forget

from .current import Member
from .rendering import render
from .security import same_origin

router = APIRouter(dependencies=[Depends(same_origin)], include_in_schema=False)


@router.get("/sign-in")
@router.get("/sign-in/{step:path}")
async def sign_in(request: Request) -> Response:
    """Each step has a path of its own: /sign-in/factor-one; a pending session is sent to /sign-in/tasks."""
    return page_of_component(request, "components/sign_in.html")


@router.get("/sign-up")
@router.get("/sign-up/{step:path}")
async def sign_up(request: Request) -> Response:
    return page_of_component(request, "components/sign_up.html")


def page_of_component(request: Request, template: str) -> Response:
    if request.app.state.components is None:
        raise HTTPException(404)
    return render(request, template)


@router.get("/switch/{org_id}")
async def switch(org_id: str, auth: Member) -> Response:
    """`fleet.paths` has this path, so the middleware has switched before this runs."""
    if auth.org_id != org_id:
        raise HTTPException(404, "You are no member of that company.")
    return RedirectResponse("/dashboard", 303)


@router.get("/personal")
async def personal(auth: Member) -> Response:
    return RedirectResponse("/dashboard", 303)


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session at Clerk, and forget its token; also where that expired, so nobody has to be signed in.

    The next page has no token and asks Clerk (a handshake), which says by then that nobody is signed in.
    An application that loads Clerk's JavaScript calls ``Clerk.signOut()`` in place of all this.
    """
    authenticator: AsyncAuthenticator = request.app.state.clerk
    state = get_state(request.scope)
    await authenticator.sign_out(state)
    response = RedirectResponse("/", 303)
    for name in cookies_to_forget(state.config):
        response.delete_cookie(name)
    return response

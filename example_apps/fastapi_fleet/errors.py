"""Pages for refusals.

The middleware answers all of them by itself, in JSON. An application that would rather show a page
handles the exception, for browsers; what it raises again, the middleware answers.
"""

from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from clerk_middleware import NotAuthenticated, NotAuthorized, ReverificationRequired
from example_apps.fleet import visits

from .rendering import render


def add_error_pages(app: FastAPI) -> None:
    app.exception_handler(NotAuthenticated)(not_authenticated)
    app.exception_handler(NotAuthorized)(not_authorized)
    app.exception_handler(ReverificationRequired)(reverification_required)
    app.exception_handler(HTTPException)(http_error)
    app.exception_handler(RequestValidationError)(invalid_form)


async def not_authenticated(request: Request, error: NotAuthenticated) -> Response:
    """A form whose session token expired while the page was open: only a GET can get a new one."""
    if not is_for_page(request) or request.method == "GET":
        raise error
    return render(request, "expired.html", status=401, back=page_before(request))


async def not_authorized(request: Request, error: NotAuthorized) -> Response:
    if not is_for_page(request):
        raise error
    if error.status_code == 404:  # protect(): what one may not see does not exist
        return render(request, "not_found.html", status=404, text="")
    return render(request, "forbidden.html", status=403, required=error.requirement.asked)


async def reverification_required(request: Request, error: ReverificationRequired) -> Response:
    """Clerk's JavaScript handles the JSON answer in a dialog; without it a page has to ask."""
    if not is_for_page(request):
        raise error
    back = page_before(request)
    link = visits.verification_link(request.app.state.verify_url, back)
    return render(request, "reverify.html", status=403, verify_url=link, back=back)


async def http_error(request: Request, error: HTTPException) -> Response:
    if not is_for_page(request):
        return await http_exception_handler(request, error)
    text = "" if error.detail == "Not Found" else error.detail
    if error.status_code == 404:
        return render(request, "not_found.html", status=404, text=text)
    return render(request, "problem.html", status=error.status_code, text=text)


async def invalid_form(request: Request, error: RequestValidationError) -> Response:
    if not is_for_page(request):
        # As usual, but without what was sent: it may be a number that JSON does not have.
        problems = [{name: each[name] for name in ("type", "loc", "msg")} for each in error.errors()]
        return JSONResponse({"detail": problems}, 422)
    fields = ", ".join(str(problem["loc"][-1]) for problem in error.errors())
    return render(request, "problem.html", status=422, text=f"Please go back and check: {fields}.")


def is_for_page(request: Request) -> bool:
    """Whether a person is going to look at the answer. (A WebSocket comes here, too.)"""
    accept = request.headers.get("accept", "")
    return request.scope["type"] == "http" and visits.is_for_page(request.url.path, accept)


def page_before(request: Request) -> str:
    """The page that a form was on, if it is one of ours."""
    return visits.page_before(request.headers.get("referer", ""), str(request.url))

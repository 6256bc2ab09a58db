"""Pages for refusals.

The extension answers all of them by itself, in JSON. An application that would rather show a page registers
error handlers, for browsers; what they leave to `clerk.answer`, is answered as usual.
"""

from flask import Flask, current_app, json, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError  # type: ignore[import-untyped]
from werkzeug.exceptions import Forbidden, HTTPException

from clerk_middleware import NotAuthenticated, NotAuthorized, ReverificationRequired
from example_apps.fleet import visits

from .extensions import clerk


def add_error_pages(app: Flask) -> None:
    app.register_error_handler(NotAuthenticated, not_authenticated)
    app.register_error_handler(NotAuthorized, not_authorized)
    app.register_error_handler(ReverificationRequired, reverification_required)
    app.register_error_handler(CSRFError, forged)
    app.register_error_handler(HTTPException, http_error)


def not_authenticated(error: NotAuthenticated) -> ResponseReturnValue:
    """A form whose session token expired while the page was open: only a GET can get a new one."""
    if not is_for_page() or request.method == "GET":
        return clerk.answer(error)
    return render_template("expired.html", back=page_before()), 401


def not_authorized(error: NotAuthorized) -> ResponseReturnValue:
    if not is_for_page() or error.status_code == 404:  # protect(): what one may not see does not exist
        return clerk.answer(error)
    return render_template("forbidden.html", required=error.requirement.asked), 403


def reverification_required(error: ReverificationRequired) -> ResponseReturnValue:
    """Clerk's JavaScript handles the JSON answer in a dialog; without it a page has to ask."""
    if not is_for_page():
        return clerk.answer(error)
    back = page_before()
    link = visits.verification_link(current_app.config["FLEET_VERIFY_URL"], back)
    return render_template("reverify.html", verify_url=link, back=back), 403


def forged(error: CSRFError) -> ResponseReturnValue:
    return http_error(Forbidden("This was not sent by a page of ours."))


def http_error(error: HTTPException) -> ResponseReturnValue:
    """Of `abort` and of Flask itself, whose own descriptions say nothing of this application."""
    text = error.description if error.description != type(error).description else None
    response = error.get_response()  # with its headers, such as Allow
    if is_for_page():
        template = "not_found.html" if error.code == 404 else "problem.html"
        response.set_data(render_template(template, text=text or ""))
    else:
        response.set_data(json.dumps({"detail": text or error.name}))
        response.content_type = "application/json"
    return response


def is_for_page() -> bool:
    """Whether a person is going to look at the answer."""
    return visits.is_for_page(request.path, request.headers.get("accept", ""))


def page_before() -> str:
    """The page that a form was on, if it is one of ours."""
    return visits.page_before(request.headers.get("referer", ""), request.url)

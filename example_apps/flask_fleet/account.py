"""Signing in by Clerk's components; signing out, changing the company without any JavaScript of Clerk's."""

from flask import Blueprint, abort, redirect, render_template, url_for
from werkzeug.wrappers import Response as Redirect

from clerk_middleware_flask import get_session, require_auth

from .current import components
from .extensions import clerk

blueprint = Blueprint("account", __name__)


@blueprint.get("/sign-in")
@blueprint.get("/sign-in/<path:step>")
def sign_in(step: str = "") -> str:
    """Each step has a path of its own: /sign-in/factor-one; a pending session is sent to /sign-in/tasks."""
    return page_of_component("components/sign_in.html")


@blueprint.get("/sign-up")
@blueprint.get("/sign-up/<path:step>")
def sign_up(step: str = "") -> str:
    return page_of_component("components/sign_up.html")


def page_of_component(template: str) -> str:
    if components() is None:
        abort(404)
    return render_template(template)


@blueprint.get("/switch/<org_id>")
@require_auth
def switch(org_id: str) -> Redirect:
    """`fleet.paths` has this path, so the organization is the active one already."""
    if get_session().org_id != org_id:
        abort(404, "You are no member of that company.")
    return redirect(url_for("pages.dashboard"), 303)


@blueprint.get("/personal")
@require_auth
def personal() -> Redirect:
    return redirect(url_for("pages.dashboard"), 303)


@blueprint.post("/sign-out")
def sign_out() -> Redirect:
    """Also for who was signed in until the token expired: so nobody has to be.

    It empties Flask's session as well, with the token of the forms.
    """
    return clerk.sign_out()

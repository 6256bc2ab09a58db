"""The pages that everyone may read, or whoever is signed in."""

from flask import Blueprint, abort, render_template

from clerk_middleware_flask import get_session, require_auth

from .current import current_company

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def landing() -> str:
    """Public: `current_auth`, which every template has, is somebody or nobody, and the page says which."""
    return render_template("landing.html")


@blueprint.get("/dashboard")
@require_auth
def dashboard() -> str:
    return render_template("dashboard.html")


@blueprint.get("/orgs/<slug>")
@require_auth
def organization(slug: str) -> str:
    """Clerk has made the organization the active one, unless the user is no member of it."""
    if get_session().org_slug != slug:
        abort(404)
    return render_template("organization.html", page_company=current_company())

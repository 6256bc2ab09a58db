"""What moves money or destroys things: the password must have been given lately (reverification)."""

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response as Redirect

from clerk_middleware_flask import get_session, require_reverification, require_role
from example_apps.fleet.permissions import JUST_VERIFIED

from .current import current_company, driver_in

blueprint = Blueprint("company", __name__, url_prefix="/company")


@blueprint.before_request
@require_role("org:admin")
def administrators_only() -> None:
    """Of every view here."""


@blueprint.get("")
def settings() -> str:
    company = current_company()
    return render_template("company.html", drivers=company.drivers.values(), profile=company.profile)


@blueprint.post("/drivers/<user_id>/pay")
@require_reverification(JUST_VERIFIED)
def pay(user_id: str) -> Redirect:
    company = current_company()
    company.pay(get_session().user_id, driver_in(company, user_id))
    return redirect(url_for(".settings"), 303)


@blueprint.post("/profile/delete")
@require_reverification("strict")
def delete_profile() -> Redirect:
    """Clerk's preset "strict": the second factor within ten minutes, the first for who has no second."""
    current_company().delete_profile(get_session().user_id)
    return redirect(url_for(".settings"), 303)

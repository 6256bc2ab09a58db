"""For drivers: what is theirs to drive, and how far it is."""

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from clerk_middleware_flask import get_session, require_permission
from example_apps.fleet.companies import LoadStatus

from .current import current_company, load_in
from .forms import ReportForm, valid

blueprint = Blueprint("drivers", __name__)


@blueprint.before_request
@require_permission("org:driver:view_assigned_loads")
def drivers_only() -> None:
    """Of every view here: 403 to everyone else. (`clerk.protect_blueprint` says 404: see audit.py.)"""


@blueprint.get("/my-loads")
def my_loads() -> str:
    return render_template("my_loads.html", loads=current_company().loads_of(get_session().user_id))


@blueprint.post("/my-loads/<int:number>/status")
@require_permission("org:driver:update_load_status")
def report(number: int) -> Redirect:
    company, user_id = current_company(), get_session().user_id
    load = load_in(company, number)
    # A permission says what a driver may do; which loads are theirs is this application's own business.
    if load.driver_id != user_id:
        abort(404)
    said = valid(ReportForm(request.form))
    company.report(user_id, load, LoadStatus(said.status.data))
    return redirect(url_for(".my_loads"), 303)

"""For dispatchers: they create loads and assign drivers."""

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.views import MethodView
from werkzeug.wrappers import Response as Redirect

from clerk_middleware_flask import get_session, protect, require_permission, require_plan
from example_apps.fleet.export import as_csv
from example_apps.fleet.permissions import may_see_loads

from .current import current_company, driver_in, load_in
from .forms import DriverForm, LoadForm, valid

blueprint = Blueprint("dispatchers", __name__)


class Loads(MethodView):
    """To read and to create are different permissions, so each method has a decorator of its own."""

    @protect(may_see_loads)
    def get(self) -> str:
        """To whom they are not for, there are no loads: 404 rather than 403."""
        company = current_company()
        loads = list(reversed(company.loads.values()))
        return render_template("loads.html", loads=loads, drivers=company.drivers.values())

    @require_permission("org:dispatcher:create_edit_loads")
    def post(self) -> Redirect:
        new = valid(LoadForm(request.form))
        current_company().create_load(get_session().user_id, **new.data)
        return redirect(url_for(".loads"), 303)


blueprint.add_url_rule("/loads", view_func=Loads.as_view("loads"))


@blueprint.get("/loads.csv")
@protect(may_see_loads)
@require_plan("user:plus")
def export() -> Response:
    """Sold to a person rather than to a company: who has the plan has it wherever they work."""
    loads = current_company().loads.values()
    table = as_csv((load.number, load.origin, load.destination, load.status) for load in loads)
    headers = {"content-disposition": 'attachment; filename="loads.csv"'}
    return Response(table, headers=headers, mimetype="text/csv")


@blueprint.post("/loads/<int:number>/assign")
@require_permission("org:dispatcher:assign_drivers")
def assign(number: int) -> Redirect:
    company = current_company()
    driver = driver_in(company, valid(DriverForm(request.form)).driver_id.data)
    company.assign(get_session().user_id, load_in(company, number), driver)
    return redirect(url_for(".loads"), 303)

"""A JSON API on the same views' terms. Nothing is redirected here: 401, 403 and 404 say what is wrong."""

from typing import Any, ClassVar

from flask import Blueprint, Response, jsonify, request
from flask.views import MethodView

from clerk_middleware_flask import (
    get_session,
    require_auth,
    require_permission,
    require_reverification,
    require_role,
)
from example_apps.fleet.permissions import JUST_VERIFIED
from example_apps.fleet.roster import READ_ROSTER

from .current import current_company, driver_in
from .current import roster as current_roster
from .forms import DriverForm, LoadForm, sent_as_json, valid

blueprint = Blueprint("api", __name__, url_prefix="/api")


@blueprint.get("/me")
@require_auth
def me() -> dict[str, Any]:
    auth = get_session()
    return {
        "user_id": auth.user_id,
        "organization": auth.org_slug,
        "role": auth.org_role,
        "permissions": auth.org_permissions,
    }


@blueprint.post("/loads")
@require_permission("org:dispatcher:create_edit_loads")
def create_load() -> tuple[Response, int]:
    new = valid(LoadForm(sent_as_json(request)))
    return jsonify(current_company().create_load(get_session().user_id, **new.data)), 201


class Payments(MethodView):
    # For each method of the view. The last is the outermost, and asked first: the role, then the password.
    decorators: ClassVar = [require_reverification(JUST_VERIFIED), require_role("org:admin")]

    def post(self) -> dict[str, int]:
        payment, company = valid(DriverForm(sent_as_json(request))), current_company()
        paid = company.pay(get_session().user_id, driver_in(company, payment.driver_id.data))
        return {"paid": paid}


blueprint.add_url_rule("/payments", view_func=Payments.as_view("payments"))


@blueprint.get("/roster")
@require_permission(READ_ROSTER)
def roster() -> Response:
    """Who has an account, as Clerk's webhooks say it: see webhooks.py."""
    return jsonify(current_roster().people())

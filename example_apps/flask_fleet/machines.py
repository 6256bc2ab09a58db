"""What programs call: partners read loads, the tracking service reports where the trucks are."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from clerk_middleware_flask import protect, require_auth
from example_apps.fleet.machines import READ_LOADS, READERS

from .current import company_with_id, load_in, visible_loads
from .forms import PositionForm, sent_as_json, valid

blueprint = Blueprint("machines", __name__, url_prefix="/api")


@blueprint.get("/loads")
@protect(token=READERS, permission="org:dispatcher:access_dispatch_dashboard", scope=READ_LOADS)
def list_loads() -> Response:
    """People need a permission, and programs a scope."""
    return jsonify(visible_loads())


@blueprint.post("/positions")
@require_auth(accepts_token="m2m_token")
def report() -> dict[str, Any]:
    """For machines alone whose scope in the Clerk Dashboard has this one: that is all they need."""
    position = valid(PositionForm(sent_as_json(request))).data
    company = company_with_id(position["company"])
    load = load_in(company, position["load"])
    company.locate(load, position["percent"])
    return {"load": load.number, "percent": position["percent"]}

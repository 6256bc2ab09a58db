"""Live tracking: a page, and what its script asks for once a second."""

from flask import Blueprint, Response, jsonify, render_template

from clerk_middleware_flask import require_feature, require_permission
from example_apps.fleet.tracking import positions

from .current import current_company

blueprint = Blueprint("tracking", __name__)


@blueprint.before_request
@require_permission("org:dispatcher:view_driver_vehicle_status")
@require_feature("org:live_tracking")
def watchers_only() -> None:
    """Of every view here."""


@blueprint.get("/tracking")
def page() -> str:
    return render_template("tracking.html", feed="poll")


@blueprint.get("/live")
def live() -> Response:
    return jsonify(positions(current_company()))

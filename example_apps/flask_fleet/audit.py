"""The audit log, as a page and for programs. To whom it is not for, neither exists: 404 rather than 403."""

from flask import Blueprint, Response, jsonify, render_template

from example_apps.fleet.permissions import may_read_audit_log

from .current import current_company
from .extensions import clerk

blueprint = Blueprint("audit", __name__)
clerk.protect_blueprint(blueprint, may_read_audit_log)


@blueprint.get("/audit")
def page() -> str:
    return render_template("audit.html", events=list(reversed(current_company().events)))


@blueprint.get("/api/audit")
def events() -> Response:
    return jsonify(current_company().events)

"""For the office: what a role or the company's plan has to include. A decorator says who may see a page."""

from flask import Blueprint, render_template

from clerk_middleware_flask import require_feature, require_permission, require_role

from .current import current_company

blueprint = Blueprint("office", __name__)


@blueprint.get("/compliance")
@require_permission("org:compliance:view_compliance_dashboard")
def compliance() -> str:
    return render_template("compliance.html", drivers=current_company().drivers.values())


@blueprint.get("/reports")
@require_permission("org:admin:access_all_reports")
def reports() -> str:
    company = current_company()
    return render_template("reports.html", loads=company.loads.values(), drivers=company.drivers.values())


@blueprint.get("/fuel")
@require_role("org:admin")
@require_feature("org:fuel_reports")
def fuel() -> str:
    """Sold with the company's plan, as a feature of it."""
    return render_template("fuel.html", drivers=current_company().drivers.values())

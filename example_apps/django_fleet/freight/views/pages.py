"""The pages that everyone, a role or a plan may read. A decorator or a mixin says who may see each."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db.models import Count, Q, QuerySet, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.generic import ListView, TemplateView

from clerk_middleware_django import (
    ClerkFeatureRequiredMixin,
    ClerkPermissionRequiredMixin,
    ClerkRoleRequiredMixin,
    get_session,
    protect,
    require_auth,
)
from example_apps.fleet.permissions import may_read_audit_log

from ..current import FleetRequest, company_of, current_company
from ..models import AuditEvent, Driver, Load


@login_not_required
def landing(request: HttpRequest) -> HttpResponse:
    """Public: `clerk_auth` is somebody or nobody, and the page says which."""
    return render(request, "freight/landing.html")


@require_auth
def dashboard(request: FleetRequest) -> HttpResponse:
    company = company_of(request)
    if company is None:
        return render(request, "freight/dashboard.html")
    figures = company.loads.aggregate(
        open=Count("pk", filter=Q(status=Load.Status.OPEN)),
        on_the_road=Count("pk", filter=Q(status=Load.Status.IN_TRANSIT)),
    )
    role = (get_session(request).org_role or "").removeprefix("org:")
    permissions = sorted(get_session(request).org_permissions or ())
    context = {**figures, "drivers": company.drivers.count(), "role": role, "permissions": permissions}
    return render(request, "freight/dashboard.html", context)


@require_auth
def organization(request: FleetRequest, slug: str) -> HttpResponse:
    """The middleware has made the organization the active one, unless the user is no member of it."""
    if request.auth.org_slug != slug:
        raise Http404
    return render(request, "freight/organization.html", {"page_company": current_company(request)})


class DriverList(ListView):
    """The drivers of the active company: a base of pages, and open to nobody by itself."""

    context_object_name = "drivers"

    def get_queryset(self) -> QuerySet[Driver]:
        return current_company(self.request).drivers.all()


class Compliance(ClerkPermissionRequiredMixin, DriverList):
    clerk_permission = "org:compliance:view_compliance_dashboard"
    template_name = "freight/compliance.html"


class Fuel(ClerkRoleRequiredMixin, ClerkFeatureRequiredMixin, DriverList):
    """Sold with the company's plan, as a feature of it. Several mixins require what all of them do."""

    clerk_role = "org:admin"
    clerk_feature = "org:fuel_reports"
    template_name = "freight/fuel.html"


class Reports(ClerkPermissionRequiredMixin, TemplateView):
    clerk_permission = "org:admin:access_all_reports"
    template_name = "freight/reports.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        company = current_company(self.request)
        figures = company.loads.aggregate(tons=Sum("tons", default=0), loads=Count("pk"))
        return super().get_context_data(
            **figures, **company.drivers.aggregate(owed=Sum("owed", default=0)), **kwargs
        )


@method_decorator(protect(may_read_audit_log), name="dispatch")
class AuditLog(ListView):
    """To whom it is not for, this page does not exist: 404 rather than 403."""

    template_name = "freight/audit.html"
    context_object_name = "events"

    def get_queryset(self) -> QuerySet[AuditEvent]:
        return current_company(self.request).events.all()

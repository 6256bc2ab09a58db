"""Loads: dispatchers create and assign them, drivers say how far they are."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST
from django.views.generic import ListView

from clerk_middleware_django import (
    ClerkPermissionRequiredMixin,
    get_session,
    protect,
    require_auth,
    require_permission,
    require_plan,
)
from example_apps.fleet.export import as_csv
from example_apps.fleet.permissions import may_see_loads

from ..current import FleetRequest, current_company
from ..errors import invalid_form
from ..forms import Assignment, NewLoad, StatusReport
from ..models import Load


@method_decorator(require_auth, name="dispatch")
class Loads(ListView):
    """Reading and writing are different permissions, so each method has a decorator of its own as well."""

    template_name = "freight/loads.html"
    context_object_name = "loads"

    def get_queryset(self) -> QuerySet[Load]:
        return current_company(self.request).loads.select_related("driver").order_by("-number")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        drivers = current_company(self.request).drivers.all()
        return super().get_context_data(**{"drivers": drivers, "form": NewLoad(), **kwargs})

    @method_decorator(protect(may_see_loads))
    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().get(request, *args, **kwargs)

    @method_decorator(require_permission("org:dispatcher:create_edit_loads"))
    def post(self, request: FleetRequest) -> HttpResponse:
        company, form = current_company(request), NewLoad(request.POST)
        if not form.is_valid():
            self.object_list = self.get_queryset()
            return self.render_to_response(self.get_context_data(form=form), status=422)
        company.create_load(request.user, form.save(commit=False))
        return redirect("loads")


@protect(may_see_loads)
@require_plan("user:plus")
def export(request: FleetRequest) -> HttpResponse:
    """Sold to a person rather than to a company: who has the plan has it wherever they work."""
    headers = {"content-disposition": 'attachment; filename="loads.csv"'}
    rows = current_company(request).loads.values_list("number", "origin", "destination", "status")
    return HttpResponse(as_csv(rows), "text/csv", headers=headers)


@require_POST
@require_permission("org:dispatcher:assign_drivers")
def assign(request: FleetRequest, number: int) -> HttpResponse:
    company = current_company(request)
    # A load of this company: never look one up by a number alone, or it may be a competitor's.
    load, form = get_object_or_404(company.loads, number=number), Assignment(company, request.POST)
    if not form.is_valid():
        return invalid_form(request, ["driver"])
    load.assign(request.user, form.cleaned_data["driver_id"])
    return redirect("loads")


class MyLoads(ClerkPermissionRequiredMixin, ListView):
    clerk_permission = "org:driver:view_assigned_loads"
    template_name = "freight/my_loads.html"
    context_object_name = "loads"

    def get_queryset(self) -> QuerySet[Load]:
        return current_company(self.request).loads.filter(driver__user_id=get_session(self.request).user_id)


@require_POST
@require_permission("org:driver:update_load_status")
def update_status(request: FleetRequest, number: int) -> HttpResponse:
    company, form = current_company(request), StatusReport(request.POST)
    load = get_object_or_404(company.loads.select_related("driver"), number=number)
    # A permission says what a driver may do; which loads are theirs is this application's own business.
    if load.driver is None or load.driver.user_id != request.auth.user_id:
        raise Http404
    if not form.is_valid():
        return invalid_form(request, ["status"])
    load.report(request.user, form.cleaned_data["status"])
    return redirect("my-loads")

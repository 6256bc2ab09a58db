"""What moves money or destroys things: the password must have been given lately (reverification)."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views import View
from django.views.decorators.http import require_POST

from clerk_middleware_django import (
    ClerkReverificationRequiredMixin,
    ClerkRoleRequiredMixin,
    require_reverification,
    require_role,
)
from example_apps.fleet.permissions import JUST_VERIFIED

from ..current import FleetRequest, current_company
from .pages import DriverList


class Settings(ClerkRoleRequiredMixin, DriverList):
    clerk_role = "org:admin"
    template_name = "freight/company.html"


class Pay(ClerkRoleRequiredMixin, ClerkReverificationRequiredMixin, View):
    clerk_role = "org:admin"
    clerk_reverification = JUST_VERIFIED

    def post(self, request: FleetRequest, user_id: str) -> HttpResponse:
        current_company(request).pay(request.user, user_id)
        return redirect("company")


@require_POST
@require_role("org:admin")
@require_reverification("strict")
def delete_profile(request: FleetRequest) -> HttpResponse:
    """Clerk's preset "strict": the second factor within ten minutes, the first for who has no second."""
    current_company(request).delete_profile(request.user)
    return redirect("company")

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

from ..current import FleetRequest, current_company
from .pages import DriverList

#: To pay, the password must be younger than a minute: so short that you get to see it.
JUST_VERIFIED = {"level": "first_factor", "after_minutes": 1}


class Settings(ClerkRoleRequiredMixin, DriverList):
    clerk_role = "org:admin"
    template_name = "freight/company.html"


class Pay(ClerkRoleRequiredMixin, ClerkReverificationRequiredMixin, View):
    clerk_role = "org:admin"
    clerk_reverification = JUST_VERIFIED

    def post(self, request: FleetRequest, user_id: str) -> HttpResponse:
        company = current_company(request)
        driver, paid = company.pay(user_id)
        company.log(request.user, f"paid ${paid:,} to {driver.name}")
        return redirect("company")


@require_POST
@require_role("org:admin")
@require_reverification("strict")
def delete_profile(request: FleetRequest) -> HttpResponse:
    """Clerk's preset "strict": the second factor within ten minutes, the first for who has no second."""
    company = current_company(request)
    company.profile = ""
    company.save(update_fields=["profile"])
    company.log(request.user, "deleted the company's public profile")
    return redirect("company")

"""Every path."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from clerk_middleware_django import views as clerk

from .accounts import components
from .accounts import views as accounts
from .accounts.webhooks import webhooks
from .freight import api
from .freight.views import company, loads, pages, tracking

urlpatterns = [
    path("", pages.landing, name="landing"),
    path("dashboard", pages.dashboard, name="dashboard"),
    path("orgs/<str:slug>", pages.organization, name="organization"),
    path("compliance", pages.Compliance.as_view(), name="compliance"),
    path("reports", pages.Reports.as_view(), name="reports"),
    path("audit", pages.AuditLog.as_view(), name="audit"),
    path("fuel", pages.Fuel.as_view(), name="fuel"),
    path("loads", loads.Loads.as_view(), name="loads"),
    path("loads.csv", loads.export, name="loads-csv"),
    path("loads/<int:number>/assign", loads.assign, name="assign"),
    path("my-loads", loads.MyLoads.as_view(), name="my-loads"),
    path("my-loads/<int:number>/status", loads.update_status, name="update-status"),
    path("tracking", tracking.page, name="tracking"),
    path("live", tracking.live, name="live"),
    path("company", company.Settings.as_view(), name="company"),
    path("company/drivers/<str:user_id>/pay", company.Pay.as_view(), name="pay"),
    path("company/profile/delete", company.delete_profile, name="delete-profile"),
    path("sign-in", components.sign_in, name="sign-in"),
    path("sign-in/<path:step>", components.sign_in),
    path("sign-up", components.sign_up, name="sign-up"),
    path("sign-up/<path:step>", components.sign_up),
    path("switch/<str:org_id>", accounts.switch, name="switch"),
    path("personal", accounts.personal, name="personal"),
    path("accounts/", include("clerk_middleware_django.urls")),
    path("api/me", api.me),
    path("api/loads", api.Loads.as_view()),
    path("api/positions", api.Positions.as_view()),
    path("api/payments", api.Payments.as_view()),
    path("api/audit", api.AuditLog.as_view()),
    path("api/roster", api.Roster.as_view()),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", api.docs, name="docs"),
    path("webhooks/clerk", webhooks.view),
    # In place of the admin's own pages: nobody has a password here, and to log out is to do so at Clerk.
    path("admin/login/", clerk.sign_in),
    path("admin/logout/", clerk.sign_out),
    path("admin/", admin.site.urls),
]

handler400 = "example_apps.django_fleet.freight.errors.bad_request"
handler403 = "example_apps.django_fleet.freight.errors.permission_denied"
handler404 = "example_apps.django_fleet.freight.errors.not_found"

"""The data in the admin, for staff of the whole application: across companies, unlike every page."""

from django.contrib import admin
from django.http import HttpRequest

from .models import AuditEvent, Company, Driver, Load

admin.site.site_header = admin.site.site_title = "Fleet administration"


@admin.register(Company)
class CompanyAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "org_id")
    search_fields = ("name", "slug", "org_id")
    readonly_fields = ("org_id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # the first visit of an organization makes one


@admin.register(Driver)
class DriverAdmin(admin.ModelAdmin):
    list_display = ("name", "company", "truck", "hours_left", "owed")
    list_filter = ("company",)
    search_fields = ("name", "truck", "user_id")


@admin.register(Load)
class LoadAdmin(admin.ModelAdmin):
    list_display = ("number", "company", "origin", "destination", "cargo", "status", "driver")
    list_filter = ("company", "status")
    list_select_related = ("company", "driver")
    search_fields = ("number", "origin", "destination", "cargo")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # numbers are given by Company.add_load()


@admin.register(AuditEvent)
class AuditEventAdmin(admin.ModelAdmin):
    """Read-only: a log that can be edited is none."""

    list_display = ("at", "company", "who", "what")
    list_filter = ("company",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        return False

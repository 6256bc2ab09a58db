"""Local users in the admin: Clerk has their names and passwords, so only what is Django's can be changed."""

from django.contrib import admin
from django.http import HttpRequest

from .models import User


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    list_display = ("__str__", "email", "is_staff", "onboarded", "date_joined")
    list_filter = ("is_staff", "is_superuser", "onboarded")
    search_fields = ("username", "first_name", "last_name", "email")
    fields = (
        "username",
        "first_name",
        "last_name",
        "email",
        "onboarded",
        "is_active",
        "is_staff",
        "is_superuser",
        "groups",
        "user_permissions",
        "date_joined",
    )
    readonly_fields = ("username", "first_name", "last_name", "email", "date_joined")
    filter_horizontal = ("groups", "user_permissions")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # Clerk signs people up

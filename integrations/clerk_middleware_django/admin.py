"""Clerk identities in Django's admin: to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import CharField, TextField

from .models import ClerkIdentity

if TYPE_CHECKING:
    from django.http import HttpRequest


@admin.register(ClerkIdentity)
class ClerkIdentityAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's own class takes none
    """Read-only: who changes a Clerk user id hands an account to somebody else."""

    list_display = ("clerk_user_id", "user", "instance", "created_at")
    list_select_related = ("user",)

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Clerk's id, and what the project's users are known by."""
        user: Any = get_user_model()
        known_by = {user.USERNAME_FIELD, user.get_email_field_name()}
        texts = [
            column.name for column in user._meta.concrete_fields if isinstance(column, CharField | TextField)
        ]
        return ["clerk_user_id", *(f"user__{name}" for name in texts if name in known_by)]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only along with the user: the pages of users ask this of everything that goes with one."""
        match, own = request.resolver_match, f"{self.opts.app_label}_{self.opts.model_name}_"
        is_own_page = match is None or (match.url_name or "").startswith(own)
        return not is_own_page and super().has_delete_permission(request, obj)

"""The Django application: put ``clerk_middleware_django`` into ``INSTALLED_APPS``."""

from __future__ import annotations

from django.apps import AppConfig, apps


class ClerkMiddlewareConfig(AppConfig):
    name = "clerk_middleware_django"
    verbose_name = "Clerk"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks

        checks.register()
        if apps.is_installed("drf_spectacular"):
            from . import spectacular  # noqa: F401  # which finds its extensions among what is imported

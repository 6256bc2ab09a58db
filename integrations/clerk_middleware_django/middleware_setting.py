"""What ``settings.MIDDLEWARE`` names, a project's own subclasses included."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.utils.module_loading import import_string

CLERK = "clerk_middleware_django.middleware.ClerkMiddleware"
CLERK_USER = "clerk_middleware_django.middleware.ClerkUserMiddleware"
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"


def position(middleware: str) -> int | None:
    """Where in the list the middleware of that dotted path is, or one derived from it; `None`: nowhere."""
    return next(
        (index for index, path in enumerate(settings.MIDDLEWARE) if middleware in lineage(path)), None
    )


def lineage(path: str) -> frozenset[str]:
    """The dotted paths of a class and of what it is derived from."""
    try:
        return _lineage(path)
    except Exception:  # Django says so itself, when it starts
        return frozenset()


@lru_cache(maxsize=256)
def _lineage(path: str) -> frozenset[str]:
    found: object = import_string(path)
    classes = found.__mro__ if isinstance(found, type) else ()
    return frozenset({path, *(f"{base.__module__}.{base.__qualname__}" for base in classes)})

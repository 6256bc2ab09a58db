"""Clerk for Django.

MIDDLEWARE = [..., "clerk_middleware_django.middleware.ClerkMiddleware"]
CLERK = {"AUTHORIZED_PARTIES": ["https://example.com"]}

@require_permission("org:teams:manage")
def teams(request: HttpRequest) -> HttpResponse: ...
"""

from .decorators import (
    protect,
    require_auth,
    require_feature,
    require_permission,
    require_plan,
    require_reverification,
    require_role,
    require_scope,
)
from .mixins import (
    ClerkAuthRequiredMixin,
    ClerkFeatureRequiredMixin,
    ClerkPermissionRequiredMixin,
    ClerkPlanRequiredMixin,
    ClerkReverificationRequiredMixin,
    ClerkRoleRequiredMixin,
    ClerkScopeRequiredMixin,
)
from .profiles import ClerkProfile
from .requests import ClerkHttpRequest, get_auth, get_session
from .settings import ClerkImproperlyConfigured

__all__ = [
    "ClerkAuthRequiredMixin",
    "ClerkFeatureRequiredMixin",
    "ClerkHttpRequest",
    "ClerkImproperlyConfigured",
    "ClerkPermissionRequiredMixin",
    "ClerkPlanRequiredMixin",
    "ClerkProfile",
    "ClerkReverificationRequiredMixin",
    "ClerkRoleRequiredMixin",
    "ClerkScopeRequiredMixin",
    "get_auth",
    "get_session",
    "protect",
    "require_auth",
    "require_feature",
    "require_permission",
    "require_plan",
    "require_reverification",
    "require_role",
    "require_scope",
]

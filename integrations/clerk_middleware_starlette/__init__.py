"""Clerk for Starlette.

app.add_middleware(ClerkMiddleware, config=ClerkConfig.from_env())

@require_permission("org:teams:manage")
async def teams(request: Request) -> Response: ...
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
from .middleware import ClerkMiddleware, ClerkUser, get_auth, get_session

__all__ = [
    "ClerkMiddleware",
    "ClerkUser",
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

"""Clerk for FastAPI.

app.add_middleware(ClerkMiddleware, config=ClerkConfig.from_env())

@app.get("/teams")
async def teams(auth: Annotated[SessionAuth, Depends(require_permission("org:teams:manage"))]): ...
"""

from clerk_middleware.asgi import ClerkMiddleware

from .current import CurrentAuth, current_auth
from .dependencies import (
    ClerkOAuth2,
    protect,
    require_auth,
    require_feature,
    require_permission,
    require_plan,
    require_reverification,
    require_role,
    require_scope,
)

__all__ = [
    "ClerkMiddleware",
    "ClerkOAuth2",
    "CurrentAuth",
    "current_auth",
    "protect",
    "require_auth",
    "require_feature",
    "require_permission",
    "require_plan",
    "require_reverification",
    "require_role",
    "require_scope",
]

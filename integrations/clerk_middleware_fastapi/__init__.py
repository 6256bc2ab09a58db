"""Clerk for FastAPI.

app.add_middleware(ClerkMiddleware, config=ClerkConfig.from_env())

@app.get("/teams")
async def teams(auth: Annotated[SessionAuth, Depends(require_permission("org:teams:manage"))]): ...
"""

from clerk_middleware.asgi import ClerkMiddleware

from .dependencies import (
    CurrentAuth,
    current_auth,
    protect,
    require_auth,
    require_feature,
    require_permission,
    require_plan,
    require_reverification,
    require_role,
)

__all__ = [
    "ClerkMiddleware",
    "CurrentAuth",
    "current_auth",
    "protect",
    "require_auth",
    "require_feature",
    "require_permission",
    "require_plan",
    "require_reverification",
    "require_role",
]

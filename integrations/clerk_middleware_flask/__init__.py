"""Clerk for Flask.

clerk = Clerk(app)  # or Clerk(), and clerk.init_app(app) in an application factory

@app.get("/teams")
@require_permission("org:teams:manage")
def teams() -> str: ...
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
from .extension import Clerk
from .identity import current_auth, get_auth, get_session, get_state
from .redirects import sign_in_url, sign_up_url

__all__ = [
    "Clerk",
    "current_auth",
    "get_auth",
    "get_session",
    "get_state",
    "protect",
    "require_auth",
    "require_feature",
    "require_permission",
    "require_plan",
    "require_reverification",
    "require_role",
    "require_scope",
    "sign_in_url",
    "sign_up_url",
]

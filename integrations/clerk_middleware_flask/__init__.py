"""Clerk for Flask.

clerk = Clerk(app)  # or Clerk(), and clerk.init_app(app) in an application factory

@app.get("/teams")
@require_permission("org:teams:manage")
def teams() -> str: ...
"""

from typing import TYPE_CHECKING

from .content_security import csp_nonce
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

if TYPE_CHECKING:
    from .webhooks import WebhookReceiver
else:

    def __getattr__(name: str) -> object:
        if name == "WebhookReceiver":  # it takes a while to import, and few processes receive webhooks
            from .webhooks import WebhookReceiver

            return WebhookReceiver
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "Clerk",
    "WebhookReceiver",
    "csp_nonce",
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

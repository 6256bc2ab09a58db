"""Clerk for Starlette.

app.add_middleware(ClerkMiddleware, config=ClerkConfig.from_env())

@require_permission("org:teams:manage")
async def teams(request: Request) -> Response: ...
"""

from typing import TYPE_CHECKING

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
from .templates import clerk_context, csp_nonce

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
    "ClerkMiddleware",
    "ClerkUser",
    "WebhookReceiver",
    "clerk_context",
    "csp_nonce",
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

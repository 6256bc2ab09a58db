"""Clerk for FastAPI.

app.add_middleware(ClerkMiddleware, config=ClerkConfig.from_env())

@app.get("/teams")
async def teams(auth: Annotated[SessionAuth, Depends(require_permission("org:teams:manage"))]): ...
"""

from typing import TYPE_CHECKING

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
from .templates import CSPNonce, clerk_context, csp_nonce

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
    "CSPNonce",
    "ClerkMiddleware",
    "ClerkOAuth2",
    "CurrentAuth",
    "WebhookReceiver",
    "clerk_context",
    "csp_nonce",
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

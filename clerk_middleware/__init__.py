"""Clerk authentication for Python web applications.

The engine, and the pure ASGI and WSGI middleware. `clerk_middleware_starlette`, `clerk_middleware_fastapi`,
`clerk_middleware_flask` and `clerk_middleware_django` speak for their frameworks.
"""

from typing import TYPE_CHECKING

from .answers import Answer
from .auth import Auth, SessionAuth, SignedOut
from .authenticator import AsyncAuthenticator, Authenticator
from .config import ClerkConfig
from .csp import CSP
from .errors import (
    BackendAPIError,
    ClerkError,
    ConfigurationError,
    HandshakeError,
    TokenVerificationError,
    WebhookVerificationError,
)
from .machine_auth import APIKeyAuth, M2MAuth, MachineAuth, OAuthAuth
from .oauth_access_token import OAuthAccessToken
from .protection import (
    AuthorizationError,
    InsufficientScope,
    NotAuthenticated,
    NotAuthorized,
    ReverificationRequired,
)
from .proxy import FrontendAPIProxy
from .publishable_key import PublishableKey
from .redirects import AuthRedirects
from .request import ClerkRequest
from .routes import RouteMatcher
from .state import RequestState
from .tokens.classes import AcceptsToken, TokenType
from .version import __version__

if TYPE_CHECKING:
    from .webhooks import (
        MemoryWebhookStore,
        WebhookEvent,
        WebhookReceiver,
        WebhookStore,
        verify_webhook,
    )
else:

    def __getattr__(name: str) -> object:
        # Webhooks take as long to import as all the rest, and few processes receive any.
        if name in _OF_WEBHOOKS:
            from . import webhooks

            return getattr(webhooks, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_OF_WEBHOOKS = ("MemoryWebhookStore", "WebhookEvent", "WebhookReceiver", "WebhookStore", "verify_webhook")

__all__ = [
    "CSP",
    "APIKeyAuth",
    "AcceptsToken",
    "Answer",
    "AsyncAuthenticator",
    "Auth",
    "AuthRedirects",
    "Authenticator",
    "AuthorizationError",
    "BackendAPIError",
    "ClerkConfig",
    "ClerkError",
    "ClerkRequest",
    "ConfigurationError",
    "FrontendAPIProxy",
    "HandshakeError",
    "InsufficientScope",
    "M2MAuth",
    "MachineAuth",
    "MemoryWebhookStore",
    "NotAuthenticated",
    "NotAuthorized",
    "OAuthAccessToken",
    "OAuthAuth",
    "PublishableKey",
    "RequestState",
    "ReverificationRequired",
    "RouteMatcher",
    "SessionAuth",
    "SignedOut",
    "TokenType",
    "TokenVerificationError",
    "WebhookEvent",
    "WebhookReceiver",
    "WebhookStore",
    "WebhookVerificationError",
    "__version__",
    "verify_webhook",
]

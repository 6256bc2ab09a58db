"""Clerk authentication for Python web applications.

The engine, and the pure ASGI and WSGI middleware. `clerk_middleware_starlette`, `clerk_middleware_fastapi`,
`clerk_middleware_flask` and `clerk_middleware_django` speak for their frameworks.
"""

from .answers import Answer
from .auth import Auth, SessionAuth, SignedOut
from .authenticator import AsyncAuthenticator, Authenticator
from .config import ClerkConfig
from .errors import (
    BackendAPIError,
    ClerkError,
    ConfigurationError,
    HandshakeError,
    TokenVerificationError,
    WebhookVerificationError,
)
from .machine_auth import APIKeyAuth, M2MAuth, MachineAuth, OAuthAuth
from .protection import (
    AuthorizationError,
    InsufficientScope,
    NotAuthenticated,
    NotAuthorized,
    ReverificationRequired,
)
from .publishable_key import PublishableKey
from .redirects import AuthRedirects
from .request import ClerkRequest
from .routes import RouteMatcher
from .state import RequestState
from .tokens.classes import AcceptsToken, TokenType
from .version import __version__

__all__ = [
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
    "HandshakeError",
    "InsufficientScope",
    "M2MAuth",
    "MachineAuth",
    "NotAuthenticated",
    "NotAuthorized",
    "OAuthAuth",
    "PublishableKey",
    "RequestState",
    "ReverificationRequired",
    "RouteMatcher",
    "SessionAuth",
    "SignedOut",
    "TokenType",
    "TokenVerificationError",
    "WebhookVerificationError",
    "__version__",
]

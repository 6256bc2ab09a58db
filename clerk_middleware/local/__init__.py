"""LocalClerk, an embedded Clerk: for development with no account and no network, and for tests over HTTP.

Needs the extra: ``pip install 'clerk-middleware[local]'``. Nothing in the engine knows of it;
applications reach it through ``api_url``, the publishable key and the secret key.
"""

from __future__ import annotations

try:
    import jinja2 as _jinja2
    import python_multipart as _python_multipart
    import starlette as _starlette
    import uvicorn as _uvicorn
except ImportError as error:
    raise ImportError(
        f"clerk_middleware.local needs {error.name}, of its extra: pip install 'clerk-middleware[local]'",
        name=error.name,
    ) from None

from .clerk import LocalClerk
from .credentials import APIKey, M2MToken, Machine
from .machine_seed import APIKeySeed, MachineSeed
from .oauth.applications import OAuthApplication
from .oauth.grants import OAuthAccessToken
from .oauth.seed import OAuthApplicationSeed, OAuthSettings
from .proxied_requests import ProxiedRequest
from .records import Client, Session
from .seed import JWTTemplate, Organization, Plan, Role, Seed, User
from .seed_file import load_seed
from .seed_reader import SeedError
from .server import LocalServer
from .webhooks.endpoints import WebhookEndpoint
from .webhooks.messages import WebhookAttempt, WebhookMessage
from .webhooks.seed import WebhookSeed

__all__ = [
    "APIKey",
    "APIKeySeed",
    "Client",
    "JWTTemplate",
    "LocalClerk",
    "LocalServer",
    "M2MToken",
    "Machine",
    "MachineSeed",
    "OAuthAccessToken",
    "OAuthApplication",
    "OAuthApplicationSeed",
    "OAuthSettings",
    "Organization",
    "Plan",
    "ProxiedRequest",
    "Role",
    "Seed",
    "SeedError",
    "Session",
    "User",
    "WebhookAttempt",
    "WebhookEndpoint",
    "WebhookMessage",
    "WebhookSeed",
    "load_seed",
]

del _jinja2, _python_multipart, _starlette, _uvicorn

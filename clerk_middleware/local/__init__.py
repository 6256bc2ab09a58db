"""LocalClerk, an embedded Clerk: for development with no account and no network, and for tests over HTTP.

Needs the extra: ``pip install 'clerk-middleware[local]'``. Nothing in the engine knows of it;
applications reach it through ``api_url``, the publishable key and the secret key.
"""

from __future__ import annotations

from importlib import import_module as _import_module

try:
    for _module in ("jinja2", "pyotp", "python_multipart", "starlette", "uvicorn"):
        _import_module(_module)
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
from .organization_invitations import OrganizationInvitation
from .proxied_requests import ProxiedRequest
from .records import Client, Session
from .seed import JWTTemplate, Organization, Plan, Role, Seed, User
from .seed_file import load_seed
from .seed_reader import SeedError
from .server import LocalServer
from .tickets import Ticket
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
    "OrganizationInvitation",
    "Plan",
    "ProxiedRequest",
    "Role",
    "Seed",
    "SeedError",
    "Session",
    "Ticket",
    "User",
    "WebhookAttempt",
    "WebhookEndpoint",
    "WebhookMessage",
    "WebhookSeed",
    "load_seed",
]

del _import_module, _module

"""Acting as a caller without HTTP: what the SDK's middleware leaves for a tool."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken

from clerk_middleware import OAuthAuth
from clerk_middleware_mcp import ClerkAccessToken


@contextmanager
def calling(token: AccessToken) -> Iterator[None]:
    """The block runs as a tool that a client with *token* calls."""
    reset = auth_context_var.set(AuthenticatedUser(token))
    try:
        yield
    finally:
        auth_context_var.reset(reset)


def token_with(*scopes: str) -> ClerkAccessToken:
    auth = OAuthAuth(
        id="oat_1", subject="user_rosa", scopes=scopes, claims=None, client_id="client_1", token="oat_secret"
    )
    return ClerkAccessToken(
        token="oat_secret", client_id="client_1", scopes=list(scopes), subject="user_rosa", auth=auth
    )

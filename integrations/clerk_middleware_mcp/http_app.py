"""The ASGI application of an MCP server whose callers Clerk vouches for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mcp.server.auth.routes import create_protected_resource_routes
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl

from clerk_middleware import ConfigurationError
from clerk_middleware.scopes import required_scopes

from .middleware import ClerkMCPMiddleware
from .scopes import scopes_of
from .verifier import is_same_resource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp.server import MCPServer
    from starlette.applications import Starlette

    from .verifier import ClerkTokenVerifier

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def http_app(
    server: MCPServer[Any],
    verifier: ClerkTokenVerifier,
    *,
    scopes_supported: Sequence[str] | None = None,
    **options: Any,
) -> Starlette:
    """``server.streamable_http_app()`` with `ClerkMCPMiddleware`, at the path of *verifier*'s URL.

    Call it once all tools are defined: it checks that each ``@require_scope`` protects one. When the
    application stops, it closes the verifier.

    :param scopes_supported: what clients ask the user for at first, for the server's metadata to tell.
        Default: what the server requires, and what its tools do: a client that registered itself may never
        ask Clerk for more. Where clients may, name less: they ask for the rest when a tool needs it.
    :param options: those of ``streamable_http_app()``. By default it answers to the host of the verifier's
        URL and to this machine's (DNS rebinding protection), and to browsers from there.
    :raises ConfigurationError: if a function is registered without its ``@require_scope``, or the server
        asks nobody for a token, or has another URL than *verifier*.
    """
    url, settings = verifier.resource_server_url, server.settings.auth
    if settings is None or not is_same_resource(settings.resource_server_url, url):
        raise ConfigurationError(
            f"this server asks nobody for a token for {url}: write MCPServer(…, token_verifier=verifier, "
            "auth=verifier.auth_settings())"
        )
    needed = [*(settings.required_scopes or ()), *scopes_of(server)]
    wanted = (needed if scopes_supported is None else scopes_supported) or ["profile"]
    options.setdefault("streamable_http_path", urlsplit(url).path or "/")
    options.setdefault("transport_security", _own_hosts(url))
    app = server.streamable_http_app(**options)
    # Before the SDK's own, which tells only what the whole server requires. Without a word of it clients ask
    # for all that Clerk offers, and those that registered themselves may not have all of that.
    app.router.routes[:0] = create_protected_resource_routes(
        AnyHttpUrl(url), [settings.issuer_url], list(dict.fromkeys(required_scopes(wanted)))
    )
    app.add_middleware(ClerkMCPMiddleware, verifier=verifier)
    return app


def _own_hosts(url: str) -> TransportSecuritySettings:
    scheme, host = urlsplit(url.lower())[:2]
    return TransportSecuritySettings(
        allowed_hosts=[host, *(f"{name}:*" for name in _LOOPBACK)],
        allowed_origins=[f"{scheme}://{host}", *(f"http://{name}:*" for name in _LOOPBACK)],
    )

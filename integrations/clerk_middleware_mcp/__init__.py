"""Clerk for MCP servers: who calls a tool, by the OAuth access token of an MCP client.

verifier = ClerkTokenVerifier(resource_server_url="https://fleet.example.com/mcp")
mcp = MCPServer("Fleet", token_verifier=verifier, auth=verifier.auth_settings(["profile"]))

@mcp.tool()
@require_scope("read:loads")
def loads() -> list[str]:
    return loads_of(get_auth().user_id)

app = http_app(mcp, verifier)
"""

from .caller import ClerkAccessToken, get_auth
from .http_app import http_app
from .middleware import ClerkMCPMiddleware
from .scopes import ScopeRequired, require_scope
from .verifier import ClerkTokenVerifier

__all__ = [
    "ClerkAccessToken",
    "ClerkMCPMiddleware",
    "ClerkTokenVerifier",
    "ScopeRequired",
    "get_auth",
    "http_app",
    "require_scope",
]

"""Fleet for AI assistants: an MCP server whose tools know which driver they work for.

    clerk-middleware local              # a Clerk; paste its export CLERK_…=… lines in terminal 2
    python -m example_apps.mcp_server   # there
    claude mcp add --transport http fleet http://127.0.0.1:8000/mcp   # or any other MCP client

The client opens the browser: sign in as Rosa, a driver (password: fleet-demo), and allow it to read your
loads. Then ask it which ones you drive.

With a Clerk instance of your own: set CLERK_SECRET_KEY and CLERK_PUBLISHABLE_KEY, turn on *Dynamic client
registration* (*OAuth applications* in the Dashboard), and put a scope of Clerk's, such as `email`, in the
place of `read:loads`: it offers none of your own yet.
"""

from dataclasses import dataclass

from mcp.server import MCPServer
from starlette.applications import Starlette

from clerk_middleware import ClerkConfig
from clerk_middleware_mcp import ClerkTokenVerifier, get_auth, http_app, require_scope
from example_apps.fleet.sample import COMPANIES, SampleLoad


@dataclass(frozen=True)  # without slots, which the SDK's schemas don't know
class Caller:
    user_id: str
    client_id: str | None
    scopes: list[str]


def whoami() -> Caller:
    """The user you act for, and what they allow you to do."""
    auth = get_auth()
    return Caller(auth.user_id, auth.client_id, list(auth.scopes))


@require_scope("read:loads")
def loads() -> list[SampleLoad]:
    """The loads that your user drives."""
    driver_id = get_auth().user_id
    return [load for company in COMPANIES.values() for load in company.loads if load.driver_id == driver_id]


def create_app(config: ClerkConfig | None = None, *, url: str = "http://127.0.0.1:8000/mcp") -> Starlette:
    """Make the application.

    :param config: default: from the ``CLERK_…`` environment variables.
    :param url: where MCP clients reach it.
    :raises ConfigurationError: naming the variable that is missing or wrong.
    """
    verifier = ClerkTokenVerifier(config, resource_server_url=url)
    mcp = MCPServer("Fleet", token_verifier=verifier, auth=verifier.auth_settings(["profile"]))
    mcp.add_tool(whoami)
    mcp.add_tool(loads)
    return http_app(mcp, verifier)

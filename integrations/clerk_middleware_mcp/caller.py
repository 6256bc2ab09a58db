"""Who calls the tool, resource or prompt that runs."""

# Pydantic reads the annotations at run time.
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from pydantic import ConfigDict, Field

from clerk_middleware import ConfigurationError, OAuthAuth


class ClerkAccessToken(AccessToken):
    """The SDK's `AccessToken` of a verified OAuth access token of Clerk's."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    #: The token itself: a secret.
    token: str = Field(repr=False)
    #: The same as the rest of this library knows it.
    auth: OAuthAuth = Field(exclude=True)


def get_auth() -> OAuthAuth:
    """The Auth object of the request that runs: `user_id`, `client_id`, `scopes`.

    :raises ConfigurationError: outside of a request that `ClerkTokenVerifier` verified.
    """
    token = get_access_token()
    if isinstance(token, ClerkAccessToken):
        return token.auth
    if token is not None:
        raise ConfigurationError(
            "another token verifier verified this request: pass token_verifier=ClerkTokenVerifier(...) to "
            "MCPServer"
        )
    raise ConfigurationError(
        "nobody is known here: get_auth() is for tools, resources and prompts while they answer an HTTP "
        "request to a server with token_verifier=ClerkTokenVerifier(...). A server that talks over stdio "
        "has no tokens; tests connect over HTTP, too"
    )

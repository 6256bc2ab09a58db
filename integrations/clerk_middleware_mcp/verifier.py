"""The SDK's token verifier: it asks the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.routes import build_resource_metadata_url
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl, TypeAdapter, ValidationError

from clerk_middleware import AsyncAuthenticator, BackendAPIError, ClerkRequest, ConfigurationError, OAuthAuth
from clerk_middleware.authenticator import given_or_made
from clerk_middleware.logging import logger
from clerk_middleware.oauth_resources import authorization_server
from clerk_middleware.scopes import required_scopes as checked_scopes
from clerk_middleware.tokens.classes import opaque_token_type
from clerk_middleware.tokens.jwt import decode

from .caller import ClerkAccessToken
from .middleware import current_exchange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clerk_middleware import ClerkConfig
    from clerk_middleware.config_source import ConfigSource

_HTTP_URL = TypeAdapter(AnyHttpUrl)


class ClerkTokenVerifier(TokenVerifier):
    """Verifies Clerk's OAuth access tokens, JWTs and opaque ones. No M2M token, API key or session passes.

    A token that names an audience (a JWT's ``aud``, RFC 8707) has to name this server; one that names none
    is good for any of the instance's servers. ``ClerkConfig(audience=…)`` refuses those and takes the
    audiences that it names, in the place of *resource_server_url*.

    :param config: a `ClerkConfig`, or a function of a request (for *resource_server_url*) that returns one.
        Default: `ClerkConfig.from_env()`.
    :param resource_server_url: where MCP clients reach the server, such as ``https://fleet.example.com/mcp``.
    :param authenticator: an `AsyncAuthenticator` of your own, in place of *config*; closing it is yours, too.
    :raises ConfigurationError: if the configuration is wrong.
    """

    def __init__(
        self,
        config: ConfigSource | None = None,
        *,
        resource_server_url: str,
        authenticator: AsyncAuthenticator | None = None,
    ) -> None:
        self.resource_server_url = _checked_resource(resource_server_url)
        self._closes_authenticator = authenticator is None  # whoever made another one closes it
        self.authenticator = given_or_made(AsyncAuthenticator, config, authenticator)

    @property
    def resource_metadata_url(self) -> str:
        """Where the SDK serves the server's metadata (RFC 9728, 3.1)."""
        return str(build_resource_metadata_url(AnyHttpUrl(self.resource_server_url)))

    async def verify_token(self, token: str) -> ClerkAccessToken | None:
        """Who a token speaks for; `None` if it is none of Clerk's, or not good (any longer).

        :raises BackendAPIError: while Clerk can't be asked, where no `ClerkMCPMiddleware` answers that.
        """
        if token.split() != [token]:  # the engine, like Clerk's, would take the first word
            return None
        headers = {"authorization": f"Bearer {token}"}
        state = await self.authenticator.authenticate_request(
            ClerkRequest("GET", self.resource_server_url, headers), accepts_token="oauth_token"
        )
        if state.retry_after is not None:
            exchange = current_exchange.get()
            if exchange is None:
                raise BackendAPIError(
                    "Clerk can't be asked about an OAuth token right now, and nothing makes that a 503: make "
                    "the application with clerk_middleware_mcp.http_app(), or add ClerkMCPMiddleware to it"
                )
            exchange.report_outage(state.retry_after)
        auth = state.to_auth()
        if not isinstance(auth, OAuthAuth):
            return None
        return self._access_token(auth, token, state.config)

    def auth_settings(self, required_scopes: Sequence[str] | None = None) -> AuthSettings:
        """What `MCPServer` takes as *auth*: where MCP clients get their tokens, and for what.

        The server then answers requests without a token with 401 and a challenge, and serves its metadata
        (RFC 9728) below ``/.well-known/oauth-protected-resource``.

        :param required_scopes: what every request needs. What only some tools need is for `require_scope`.
        :raises ConfigurationError: if one of them is none, or the configuration does not tell the instance.
        """
        scopes = None if required_scopes is None else list(dict.fromkeys(checked_scopes(required_scopes)))
        return AuthSettings.model_validate(
            {
                "issuer_url": authorization_server(self.authenticator.only_config("auth_settings()")),
                "resource_server_url": self.resource_server_url,
                "required_scopes": scopes,
                # `verify_token` compares the audience, where a token names one. Clerk's need not.
                "validate_token_resource": False,
            }
        )

    async def aclose(self) -> None:
        """Close the connections to Clerk, unless the authenticator is your own."""
        if self._closes_authenticator:
            await self.authenticator.aclose()

    def _access_token(self, auth: OAuthAuth, token: str, config: ClerkConfig) -> ClerkAccessToken | None:
        # What was verified; nothing, if the token is opaque.
        claims = {} if opaque_token_type(token) is not None else decode(token).claims
        named = claims.get("aud")
        audiences = named if isinstance(named, list) else [named]
        is_for_us = any(is_same_resource(audience, self.resource_server_url) for audience in audiences)
        if "aud" in claims and not is_for_us and not config.audiences:
            logger.debug("Clerk: an OAuth token is refused: its 'aud' is not %s", self.resource_server_url)
            return None
        if auth.client_id is None:  # RFC 9068, 2.2, requires it
            logger.debug("Clerk: an OAuth token is refused: it names no client")
            return None
        return ClerkAccessToken(
            token=token,
            client_id=auth.client_id,
            scopes=list(auth.scopes),
            expires_at=int(claims["exp"]) if claims else None,
            resource=self.resource_server_url if is_for_us else None,
            subject=auth.user_id,
            # The SDK tells by it whose session is whose, too: users' ids are unique in one instance.
            claims={"iss": claims["iss"]} if "iss" in claims else None,
            auth=auth,
        )


def _checked_resource(url: str) -> str:
    """*url*, if it can be a resource's identifier (RFC 8707, 2).

    :raises ConfigurationError: otherwise.
    """
    try:
        _HTTP_URL.validate_python(url)
        is_whole = not (urlsplit(url).query or "#" in url or "@" in urlsplit(url).netloc)
    except (ValidationError, ValueError):
        is_whole = False
    if not is_whole:
        raise ConfigurationError(
            f"resource_server_url must be the URL at which MCP clients reach this server, without a query or "
            f"a fragment, such as 'https://fleet.example.com/mcp', but is {url!r}"
        )
    return url


def is_same_resource(one: object, other: str) -> bool:
    """Whether two URLs name the same resource, however its host is spelled and a slash at the end aside."""
    try:
        spelled = [str(_HTTP_URL.validate_python(url)).removesuffix("/") for url in (one, other)]
    except ValidationError:
        return False
    return spelled[0] == spelled[1]

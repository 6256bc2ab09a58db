"""How to sign in, for the OpenAPI document. They say so and no more: the middleware has read the token."""

from collections.abc import Mapping, Sequence

import fastapi.security
from fastapi.openapi.models import (
    APIKey,
    HTTPBearer,
    OAuth2,
    OAuthFlowAuthorizationCode,
    OAuthFlows,
)
from fastapi.openapi.models import SecurityBase as Model
from fastapi.security.base import SecurityBase

from clerk_middleware import ClerkConfig, ConfigurationError, TokenType
from clerk_middleware.oauth_resources import authorization_server
from clerk_middleware.openapi_schemes import COOKIE_SCHEME, SCHEMES, TOKEN_SCHEMES
from clerk_middleware.tokens.classes import MACHINE_TOKEN_TYPES


class Scheme(SecurityBase):
    """One way to sign in, under its name in the document."""

    def __init__(self, name: str, model: Model) -> None:
        self.scheme_name = name
        self.model = model

    async def __call__(self) -> None:
        return None


class _OAuth2Scheme(Scheme, fastapi.security.OAuth2):  # type: ignore[misc]  # it is called in Scheme's way
    """One of OAuth's: FastAPI tells the scopes of those that are its own."""


def _known(name: str, kind: type[Model]) -> Scheme:
    return Scheme(name, kind.model_validate(SCHEMES[name]))


SESSION_TOKEN = _known(TOKEN_SCHEMES["session_token"], HTTPBearer)
SESSION_COOKIE = _known(COOKIE_SCHEME, APIKey)
#: Of machines, by their type of token.
MACHINE_TOKENS: Mapping[TokenType, Scheme] = {
    name: _known(TOKEN_SCHEMES[name], HTTPBearer) for name in MACHINE_TOKEN_TYPES
}


def schemes_of(types: Sequence[TokenType], others: Mapping[TokenType, Scheme]) -> list[Scheme]:
    """How to sign in with one of these types of token.

    :param others: in place of what the document says of a type anyway.
    """
    found: list[Scheme] = []
    for name in types:
        if name == "session_token":
            found += [SESSION_TOKEN, SESSION_COOKIE]
        else:
            found.append(others.get(name) or MACHINE_TOKENS[name])
    return found


def oauth2(config: ClerkConfig, scopes: Mapping[str, str]) -> Scheme:
    """OAuth's authorization code, at the instance's own URLs.

    :param scopes: what each means, by its name.
    :raises ConfigurationError: without a publishable key, which tells the URLs.
    """
    if config.publishable_key is None:
        raise ConfigurationError(
            "OAuth clients sign in at the instance that publishable_key names, and it is not set: set "
            "CLERK_PUBLISHABLE_KEY",
            option="publishable_key",
        )
    server = authorization_server(config)
    code = OAuthFlowAuthorizationCode(
        authorizationUrl=f"{server}/oauth/authorize",
        tokenUrl=f"{server}/oauth/token",
        refreshUrl=f"{server}/oauth/token",
        scopes=dict(scopes),
    )
    flows = OAuthFlows(authorizationCode=code)
    return _OAuth2Scheme("ClerkOAuth2", OAuth2(flows=flows, description="A program that acts for its user."))

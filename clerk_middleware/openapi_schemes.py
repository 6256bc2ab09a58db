"""How clients authenticate, for OpenAPI documents: the same names and words in every framework.

https://spec.openapis.org/oas/v3.1.0#security-scheme-object
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .tokens.classes import TokenType

#: The name of the scheme of each type of token, sent in the header ``Authorization``.
TOKEN_SCHEMES: Final[Mapping[TokenType, str]] = {
    "session_token": "ClerkSessionToken",
    "api_key": "ClerkAPIKey",
    "m2m_token": "ClerkM2MToken",
    "oauth_token": "ClerkOAuthToken",
}
#: The name of the scheme of a browser, which has its session token in a cookie.
COOKIE_SCHEME: Final = "ClerkSessionCookie"

#: The schemes as documents have them, by their names.
SCHEMES: Final[Mapping[str, dict[str, str]]] = {
    "ClerkSessionToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A Clerk session token.",
    },
    "ClerkSessionCookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__session",
        "description": "Clerk's session cookie.",
    },
    "ClerkAPIKey": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "ak_…",
        "description": "A Clerk API key.",
    },
    "ClerkM2MToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "A Clerk machine-to-machine token, of another service.",
    },
    "ClerkOAuthToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "An OAuth access token that Clerk issued.",
    },
}

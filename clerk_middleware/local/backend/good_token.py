"""Which tokens are answered by the endpoints that verify them: those that are good alone.

Clerk's clients take any answer for a good token, whatever it says of the token:
https://clerk.com/docs/reference/backend/api-keys/verify
"""

from __future__ import annotations

from typing import TypeVar

from ..credentials import Credential
from ..errors import APIError

__all__ = ["good_token"]

Token = TypeVar("Token", bound=Credential)


def good_token(token: Token | None, now: float) -> Token:
    """`token`, unless it is unknown, revoked or expired at `now` (Unix seconds): a 404 then."""
    if token is None or token.is_revoked or token.is_expired(now):
        message = "There is no such token: it is unknown, was revoked or has expired."
        raise APIError(404, "resource_not_found", message)
    return token

"""Tokens whose signature was verified before, so that it need not be verified again.

The cache: its key is the whole token, and a hit counts only together with the very key object
that verified it, so a token of one instance, or of a key set since replaced, is never taken for
another's. Only tokens that Clerk signed get in. An entry dies when newer tokens need its place; what
depends on the moment, the request or the configuration is checked again at each hit, so that an
expired token's entry is of no use to anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..claims import SessionClaims
from ..generations import Generations
from ..lazy import lazy
from .classes import is_session_jwt

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from .jwt import JWT


class VerifiedToken:
    """A token whose claims are well-formed, and the key that verified its signature."""

    def __init__(self, jwt: JWT, key: RSAPublicKey, period: tuple[int, int]) -> None:
        """:param period: from when until when its claims say that it is valid, in Unix seconds."""
        self.jwt = jwt
        self.key = key
        self.valid_from, self.valid_until = period
        azp = jwt.claims.get("azp")
        self.azp = azp if isinstance(azp, str) else None

    @lazy
    def is_session_class(self) -> bool:
        return is_session_jwt(self.jwt)

    @lazy
    def session(self) -> SessionClaims:
        """Its claims as a session's; the same object for each request."""
        return SessionClaims(self.jwt.claims)


class VerifiedTokens(Generations[str, VerifiedToken]):
    """Tokens as they were verified; whoever finds one compares its key."""

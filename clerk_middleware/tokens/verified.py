"""Tokens whose signature was verified before, so that it need not be verified again.

The cache: its key is the whole token, and a hit counts only together with the very key object
that verified it, so a token of one instance, or of a key set since replaced, is never taken for
another's. Only tokens that Clerk signed get in. An entry dies when its token expires, or when
newer tokens need its place. What depends on the moment, the request or the configuration is not
remembered: the caller checks it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..claims import SessionClaims

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from .jwt import JWT


class VerifiedToken:
    """A token and the key that verified its signature."""

    __slots__ = ("_session", "jwt", "key")

    def __init__(self, jwt: JWT, key: RSAPublicKey) -> None:
        self.jwt = jwt
        self.key = key
        self._session: SessionClaims | None = None

    @property
    def session(self) -> SessionClaims:
        """Its claims as a session's; the same object for each request."""
        if self._session is None:
            self._session = SessionClaims(self.jwt.claims)
        return self._session


class VerifiedTokens:
    """A bounded memory of verified tokens, without a lock: two generations of plain dicts."""

    def __init__(self, size: int) -> None:
        self._generation_size = size // 2
        self._young: dict[str, VerifiedToken] = {}
        self._old: dict[str, VerifiedToken] = {}

    def get(self, token: str) -> VerifiedToken | None:
        """The token as it was verified; the caller compares its key."""
        return self._young.get(token) or self._old.get(token)

    def add(self, token: str, verified: VerifiedToken) -> None:
        if len(self._young) >= self._generation_size:
            self._old, self._young = self._young, {}
        if self._generation_size:
            self._young[token] = verified

    def discard(self, token: str) -> None:
        """Forget a token that has expired."""
        self._young.pop(token, None)
        self._old.pop(token, None)

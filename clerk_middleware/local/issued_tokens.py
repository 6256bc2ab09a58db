"""The tokens that were issued, by id and by what is presented."""

from __future__ import annotations

import hashlib
from typing import Generic, TypeVar

from .bounded import BoundedStore
from .credentials import Credential

__all__ = ["IssuedTokens", "digest"]

Token = TypeVar("Token", bound=Credential)


class IssuedTokens(Generic[Token]):
    """Tokens of one kind; once there are too many, the one that was not used for longest is forgotten."""

    def __init__(self, maximum: int = 10_000) -> None:
        self._tokens: BoundedStore[Token] = BoundedStore(maximum)
        self._ids: dict[str, str] = {}

    def add(self, token: Token) -> Token:
        """Keep a new token."""
        self._ids[digest(token.token)] = token.id
        for gone in self._tokens.put(token.id, token):
            self._ids.pop(digest(gone.token), None)
        return token

    def get(self, id: str) -> Token | None:
        """The token of that id."""
        return self._tokens.get(id)

    def presented(self, text: str) -> Token | None:
        """The token that `text` is, expired and revoked ones too."""
        return self._tokens.get(self._ids.get(digest(text), ""))

    def all(self) -> list[Token]:
        """Every token, the oldest first."""
        kept = dict(self._tokens.items())
        return [kept[id] for id in list(self._ids.values()) if id in kept]

    def remove(self, token: Token) -> None:
        """Forget a token."""
        self._ids.pop(digest(token.token), None)
        self._tokens.pop(token.id)


def digest(secret: str) -> str:
    """What a secret is looked up by, so that how long it takes tells nothing of any secret."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()

"""Plain or suffixed: which of a browser's cookies belong to this Clerk instance.

Several instances may share a domain, so each of their cookies has a twin whose name ends in the
instance's suffix. The rules are numbered as Clerk's SDKs apply them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..lazy import lazy

if TYPE_CHECKING:
    from ..publishable_key import PublishableKey
    from .context import Context

_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_LEADING_INTEGER = re.compile(r"\s*([+-]?[0-9]{1,15})")


class InstanceCookies:
    """The cookies of one instance. An empty cookie counts as none."""

    def __init__(self, context: Context, key: PublishableKey) -> None:
        # Not the context itself, which refers to these: each would wait for a collection.
        self._config, self._tokens, self._now = context.config, context.tokens, context.now
        self._cookies = context.request.cookies
        self._key = key
        self._suffix = f"_{key.cookie_suffix}"

    def plain(self, name: str) -> str | None:
        return self._cookies.get(name) or None

    def suffixed(self, name: str) -> str | None:
        return self._cookies.get(name + self._suffix) or None

    def preferred(self, name: str) -> str | None:
        """From the set that is to be trusted."""
        return self.suffixed(name) if self.use_suffixed else self.plain(name)

    @lazy
    def session_token(self) -> str | None:
        return self.preferred("__session")

    @lazy
    def client_uat(self) -> int:
        """When the browser's client last changed, in Unix seconds; 0 for signed out."""
        found = _LEADING_INTEGER.match(self.preferred("__client_uat") or "")
        return int(found[1]) if found else 0

    @property
    def refresh_token(self) -> str | None:
        return self.suffixed("__refresh")

    @lazy
    def use_suffixed(self) -> bool:
        """Whether the suffixed set is the one to trust."""
        plain_token = self.plain("__session")
        plain = self._tokens.unverified_claims(plain_token)
        if plain_token:
            issuer = plain.get("iss")
            if not issuer:
                return False  # 1
            if not self._is_own_issuer(issuer):
                return True  # 2
        suffixed_uat = self.suffixed("__client_uat")
        if not suffixed_uat:
            return False  # 3, and the first half of 7
        plain_uat = self.plain("__client_uat")
        if suffixed_uat == "0":
            return plain_uat == "0"  # 5
        suffixed = self._tokens.unverified_claims(self.suffixed("__session"))
        if plain_uat != "0":
            return _issued_at(plain) <= _issued_at(suffixed)  # 4
        return not self._key.is_development or not self._has_expired(suffixed)  # 6

    def _is_own_issuer(self, issuer: object) -> bool:
        # Tokens are issued by the instance's own host, whatever proxy stands before it.
        config = self._config
        own = self._key.frontend_api_for(config.domain, config.is_satellite)
        return isinstance(issuer, str) and _SCHEME.sub("", issuer) == own

    def _has_expired(self, claims: dict[str, Any]) -> bool:
        expires = claims.get("exp")
        return isinstance(expires, (int, float)) and expires <= int(self._now)


def _issued_at(claims: dict[str, Any]) -> float:
    value = claims.get("iat")
    return value if isinstance(value, (int, float)) else 0

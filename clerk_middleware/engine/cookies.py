"""Plain or suffixed: which of a browser's cookies belong to this Clerk instance.

Several instances may share a domain, so each of their cookies has a twin whose name ends in the
instance's suffix. The rules are numbered as Clerk's SDKs apply them.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import TokenVerificationError
from ..tokens.jwt import decode

if TYPE_CHECKING:
    from ..config import ClerkConfig
    from ..publishable_key import PublishableKey
    from ..request import ClerkRequest
    from ..tokens.verified import VerifiedTokens

_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_LEADING_INTEGER = re.compile(r"\s*([+-]?[0-9]{1,15})")


class InstanceCookies:
    """The cookies of one instance. An empty cookie counts as none."""

    def __init__(
        self,
        request: ClerkRequest,
        config: ClerkConfig,
        key: PublishableKey,
        verified_tokens: VerifiedTokens,
        now: float,
    ) -> None:
        self._request = request
        self._key = key
        self._verified_tokens = verified_tokens
        self._now = now
        # Tokens are issued by the instance's own host, whatever proxy stands before it.
        self._issuer = key.frontend_api_for(config.domain, config.is_satellite)

    def plain(self, name: str) -> str | None:
        return self._request.cookie(name)

    def suffixed(self, name: str) -> str | None:
        return self._request.cookie(f"{name}_{self._key.cookie_suffix}")

    def preferred(self, name: str) -> str | None:
        """From the set that is to be trusted."""
        return self.suffixed(name) if self.use_suffixed else self.plain(name)

    @cached_property
    def session_token(self) -> str | None:
        return self.preferred("__session")

    @cached_property
    def client_uat(self) -> int:
        """When the browser's client last changed, in Unix seconds; 0 for signed out."""
        found = _LEADING_INTEGER.match(self.preferred("__client_uat") or "")
        return int(found[1]) if found else 0

    @property
    def refresh_token(self) -> str | None:
        return self.suffixed("__refresh")

    @cached_property
    def use_suffixed(self) -> bool:
        """Whether the suffixed set is the one to trust."""
        plain_token = self.plain("__session")
        plain = self._claims(plain_token) if plain_token else None
        if plain_token:
            issuer = plain.get("iss") if plain is not None else None
            if not issuer:
                return False  # 1
            if not isinstance(issuer, str) or _SCHEME.sub("", issuer) != self._issuer:
                return True  # 2
        suffixed_uat, suffixed_token = self.suffixed("__client_uat"), self.suffixed("__session")
        if not suffixed_uat:
            return False  # 3, and the first half of 7
        plain_uat = self.plain("__client_uat")
        suffixed = self._claims(suffixed_token) if suffixed_token else None
        if suffixed_uat == "0":
            return plain_uat == "0"  # 5
        if plain_uat != "0":
            return _issued_at(plain) <= _issued_at(suffixed)  # 4
        # 6
        return self._key.instance_type == "production" or not self._has_expired(suffixed)

    def _claims(self, token: str) -> dict[str, Any] | None:
        """What a token says, verified or not; `None` where it is none."""
        if (verified := self._verified_tokens.get(token)) is not None:
            return verified.jwt.claims
        try:
            return decode(token).claims
        except TokenVerificationError:
            return None

    def _has_expired(self, claims: dict[str, Any] | None) -> bool:
        expires = claims.get("exp") if claims is not None else None
        return type(expires) in (int, float) and expires <= int(self._now)  # type: ignore[operator]


def _issued_at(claims: dict[str, Any] | None) -> float:
    value = claims.get("iat") if claims is not None else None
    return value if isinstance(value, (int, float)) else 0

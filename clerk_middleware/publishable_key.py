"""The publishable key: which Clerk instance, and where its Frontend API is."""

from __future__ import annotations

import re
from base64 import b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Literal

from .errors import ConfigurationError
from .lazy import lazy

if TYPE_CHECKING:
    from typing import Self

InstanceType = Literal["development", "production"]

_INSTANCE_TYPES: dict[str, InstanceType] = {"pk_test_": "development", "pk_live_": "production"}
_BASE64 = r"[A-Za-z0-9+/]+={0,2}"
_HOST = r"(?=[^:]*\.)[A-Za-z0-9.-]+(:[0-9]{1,5})?"


class PublishableKey:
    """A parsed ``pk_test_…`` or ``pk_live_…``, which is base64 of ``HOST$``. It is no secret."""

    def __init__(self, text: str, instance_type: InstanceType, frontend_api: str) -> None:
        #: The key as it was given.
        self.text = text
        self.instance_type: InstanceType = instance_type
        #: The Frontend API's host that the key holds.
        self.frontend_api = frontend_api
        self.is_development = instance_type == "development"

    @classmethod
    def parse(cls, text: str) -> Self:
        """:raises ConfigurationError: if *text* is no publishable key."""
        prefix = text[:8] if isinstance(text, str) else ""
        instance_type = _INSTANCE_TYPES.get(prefix)
        if instance_type is None:
            raise _not_a_key(text, "it starts with neither 'pk_test_' nor 'pk_live_'")
        encoded = text[8:]
        if "=" not in encoded:
            encoded += "=" * (-len(encoded) % 4)
        try:
            if not re.fullmatch(_BASE64, encoded):
                raise ValueError("not base64")
            decoded = b64decode(encoded).decode("ascii")
        except ValueError:
            raise _not_a_key(text, "what follows its prefix is not base64") from None
        if not decoded.endswith("$") or not re.fullmatch(_HOST, decoded[:-1]):
            raise _not_a_key(text, "it does not hold a host name: part of it is missing or was changed")
        return cls(text, instance_type, decoded[:-1])

    @lazy
    def cookie_suffix(self) -> str:
        """What this instance's cookies end in, so that several instances can share a domain."""
        import hashlib

        digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).digest()
        return urlsafe_b64encode(digest)[:8].decode()

    def frontend_api_for(
        self, domain: str | None = None, is_satellite: bool = False, proxy_url: str | None = None
    ) -> str:
        """The Frontend API's host, or its URL where a proxy stands before it."""
        if proxy_url:
            return proxy_url
        if domain and is_satellite and not self.is_development:
            return f"clerk.{domain}"
        return self.frontend_api

    def account_portal(self) -> str:
        """Origin of the hosted sign-in pages."""
        host = self.frontend_api.replace("clerk.accountsstage.", "accountsstage.", 1)
        host = re.sub(r"clerk\.accounts\.|clerk\.", "accounts.", host, count=1)
        return f"https://{host}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublishableKey) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"PublishableKey({self.text!r})"


def _not_a_key(text: object, problem: str) -> ConfigurationError:
    hint = " (this looks like the secret key)" if isinstance(text, str) and text.startswith("sk_") else ""
    return ConfigurationError(
        f"this is no publishable key{hint}: {problem}. Copy it from 'API keys' in the Clerk Dashboard.",
        option="publishable_key",
    )

"""What a decision is made from: one request, one configuration, one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazy
from ..logging import OccasionalWarnings
from ..oauth_servers import ServerMetadata
from ..tokens.jwks import KeySets
from ..tokens.opaque import OpaqueTokens
from ..tokens.verified import VerifiedTokens
from .cookies import InstanceCookies
from .presented import PresentedTokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..config import ClerkConfig
    from ..publishable_key import PublishableKey
    from ..request import ClerkRequest
    from ..tokens.classes import AcceptsToken
    from ..urls import URL


class Memory:
    """What an authenticator remembers between requests. Its parts say what their keys are."""

    __slots__ = (
        "key_sets",
        "opaque_tokens",
        "server_metadata",
        "verified_machine_tokens",
        "verified_tokens",
        "warnings",
    )

    def __init__(self, remembered_tokens: int = 4096) -> None:
        self.key_sets = KeySets()
        self.verified_tokens = VerifiedTokens(remembered_tokens)
        # Apart from sessions': what was verified as one class of token never counts as another.
        self.verified_machine_tokens = VerifiedTokens(remembered_tokens)
        self.opaque_tokens = OpaqueTokens(remembered_tokens)
        self.server_metadata = ServerMetadata()
        self.warnings = OccasionalWarnings()


class Context:
    """One request's, read lazily: a token in the header needs nearly nothing of it.

    :param clock: Unix time in seconds.
    """

    def __init__(
        self, config: ClerkConfig, request: ClerkRequest, memory: Memory, clock: Callable[[], float]
    ) -> None:
        self.config = config
        self.request = request
        self.memory = memory
        self.clock = clock
        #: The moment for which the decision is made. What takes time asks the clock again.
        self.now = clock()
        self.tokens = PresentedTokens(memory.verified_tokens)
        #: Which types of token count for this request.
        self.accepts: AcceptsToken = config.accepts_token

    @lazy
    def browser(self) -> Browser:
        """The request as a browser's; only with a publishable key."""
        key = self.config.parsed_publishable_key
        assert key is not None, "the browser flow starts only with a publishable key"  # noqa: S101
        return Browser(self, key)


class Browser:
    """What the cookie flow reads of a request: cookies, query parameters and fetch metadata."""

    def __init__(self, context: Context, key: PublishableKey) -> None:
        config, request = context.config, context.request
        self._config = config
        self._request = request
        self.key = key
        self.is_development = key.is_development
        self.cookies = InstanceCookies(context, key)
        self.is_get = request.method == "GET"
        self.fetch_destination = request.header("sec-fetch-dest")

    @lazy
    def url(self) -> URL:
        return self._request.url

    @lazy
    def frontend_api(self) -> str:
        """The Frontend API's base URL, without a slash at its end."""
        config = self._config
        host_or_url = self.key.frontend_api_for(config.domain, config.is_satellite, config.proxy_url)
        if host_or_url.startswith("/"):
            host_or_url = f"{self.url.origin}{host_or_url}"
        elif not host_or_url.startswith(("http://", "https://")):
            host_or_url = f"https://{host_or_url}"
        return host_or_url.rstrip("/")

    @property
    def is_document(self) -> bool:
        """Whether the user navigates here."""
        return self.is_get and self.fetch_destination == "document"

    @property
    def accepts_redirect(self) -> bool:
        """Whether a handshake's redirect would work, which needs a navigation."""
        if not self.is_get:
            return False
        if self.fetch_destination:
            return self.fetch_destination in ("document", "iframe")
        return (self._request.header("accept") or "").startswith("text/html")

    @lazy
    def dev_browser_token(self) -> str | None:
        return self._request.query_param("__clerk_db_jwt") or self.cookies.preferred("__clerk_db_jwt")

    @lazy
    def handshake_nonce(self) -> str | None:
        return self._query_or_cookie("__clerk_handshake_nonce")

    @lazy
    def handshake_token(self) -> str | None:
        return self._query_or_cookie("__clerk_handshake")

    @property
    def has_handshake_in_url(self) -> bool:
        """Whether a handshake's result is in the URL, which goes before one in a cookie."""
        names = ("__clerk_handshake_nonce", "__clerk_handshake")
        return any(self._request.query_param(name) for name in names)

    def _query_or_cookie(self, name: str) -> str | None:
        return self._request.query_param(name) or self._request.cookies.get(name)

    @lazy
    def redirect_count(self) -> int:
        """How many handshakes this browser was sent to in the last seconds."""
        text = self._request.cookies.get("__clerk_redirect_count", "")
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0

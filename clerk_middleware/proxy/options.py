"""`FrontendAPIProxy`: where the Frontend API is proxied, and how patiently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..lazy import lazy
from ..validation import is_plain_path, milliseconds, shown, wrong

_OPTION: Final = "frontend_api_proxy"


@dataclass(frozen=True, kw_only=True)
class FrontendAPIProxy:
    """The options of the Frontend API proxy, for ``ClerkConfig(frontend_api_proxy=...)``.

    :raises ConfigurationError: naming what is wrong.
    """

    #: The path that requests for the Frontend API begin with, as browsers see it.
    path: str = "/__clerk"
    #: Milliseconds to wait for a connection.
    connect_timeout_in_ms: int = 5_000
    #: Milliseconds to wait for Clerk to send, and for a client to go on sending.
    read_timeout_in_ms: int = 60_000
    #: How many proxies of your own stand before the application, each of which adds the address that it
    #: sees to ``X-Forwarded-For``. Default: one with ``trust_forwarded_headers``, else none, so that the
    #: client's address is that of its connection.
    trusted_proxies: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.path, str) or self.path == "/" or not is_plain_path(self.path):
            raise wrong(
                _OPTION,
                f"must be True or a path of this application such as '/__clerk', but is {shown(self.path)}.",
            )
        for name in ("connect_timeout_in_ms", "read_timeout_in_ms"):
            milliseconds(f"{_OPTION}.{name}", getattr(self, name))
            if not getattr(self, name):
                raise wrong(f"{_OPTION}.{name}", "is 0, so that no request could ever succeed.")
        count = self.trusted_proxies
        if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 0):
            raise wrong(f"{_OPTION}.trusted_proxies", f"must be a number of proxies, but is {count!r}.")

    @lazy
    def prefix(self) -> str:
        """What the path of every request but that for the root begins with."""
        return f"{self.path}/"

    def covers(self, path: str) -> bool:
        """Whether a request for *path*, decoded, is the proxy's."""
        return path.startswith(self.prefix) or path == self.path


def proxy_of(option: object) -> FrontendAPIProxy | None:
    """What the option ``frontend_api_proxy`` means.

    :raises ConfigurationError: if it means nothing.
    """
    if isinstance(option, FrontendAPIProxy):
        return option
    if option is True:
        return FrontendAPIProxy()
    if option is False or option is None:
        return None
    return FrontendAPIProxy(path=option)  # type: ignore[arg-type]  # which says what is wrong with it

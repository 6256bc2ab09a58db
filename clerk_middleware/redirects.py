"""Where to sign in and sign up, with the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import ConfigurationError
from .urls import parse_url

if TYPE_CHECKING:
    from .config import ClerkConfig
    from .urls import URL


class AuthRedirects:
    """Builds the URLs that a signed-out visitor is sent to.

    :param base_url: this application's URL; relative URLs are resolved against it.
    :param dev_browser_token: the visitor's, in a development instance, to carry to another host.
    :param session_status: ``pending`` sends the visitor to finish the session's tasks.
    """

    def __init__(
        self,
        config: ClerkConfig,
        base_url: str,
        dev_browser_token: str | None = None,
        session_status: str | None = None,
    ) -> None:
        base = parse_url(base_url)
        if base is None:
            raise ConfigurationError(
                f"base_url must be an absolute URL, but is {base_url!r}", option="base_url"
            )
        self._config = config
        self._base = base
        self._dev_browser_token = dev_browser_token
        self._is_pending = session_status == "pending"

    def to_sign_in(self, return_back_url: str | None = None) -> str:
        """:raises ConfigurationError: if neither sign_in_url nor publishable_key is set."""
        return self._build(
            self._config.sign_in_url or self._portal("sign_in_url", "/sign-in"), return_back_url
        )

    def to_sign_up(self, return_back_url: str | None = None) -> str:
        """:raises ConfigurationError: if neither sign_up_url nor publishable_key is set."""
        config = self._config
        if config.sign_up_url:
            target = config.sign_up_url
        elif config.sign_in_url:
            target = str(self._create_page(config.sign_in_url))
        else:
            target = self._portal("sign_up_url", "/sign-up")
        return self._build(target, return_back_url)

    def _create_page(self, sign_in_url: str) -> URL:
        url = self._resolve(sign_in_url)
        return url._replace(path=f"{url.path}/create")

    def _portal(self, option: str, path: str) -> str:
        key = self._config.parsed_publishable_key
        if key is None:
            raise ConfigurationError(
                f"{option} is not set, and without publishable_key the account portal is unknown: set either",
                option=option,
            )
        return f"{key.account_portal()}{path}"

    def _resolve(self, url: str) -> URL:
        resolved = parse_url(url, self._base)
        if resolved is None:
            raise ConfigurationError(f"{url!r} is no http or https URL")
        return resolved

    def _build(self, text: str, return_back_url: str | None) -> str:
        target = self._resolve(f"{text}/tasks" if self._is_pending else text)
        elsewhere = target.host != self._base.host
        if return_back_url:
            back = self._resolve(return_back_url)
            if elsewhere and self._config.is_satellite:
                back = back.set_param("__clerk_synced", "false")
            target = target.set_param("redirect_url", str(back))
        if elsewhere and self._dev_browser_token and self._config.is_development:
            target = target.set_param("__clerk_db_jwt", self._dev_browser_token)
        return str(target)


def own_page(wanted: str | None, here: URL, config: ClerkConfig) -> URL | None:
    """The URL of *wanted*, a path or a URL, if it is of the site *here* or of an authorized party.

    It may have come with the request: nobody is sent to a stranger's page by a link to this one. Redirect
    to what is returned, and not to *wanted*: browsers and parsers differ on some texts.
    """
    if not wanted or not wanted.isprintable():
        return None
    page = parse_url(wanted, here)
    return page if page is not None and page.origin in {here.origin, *config.parties} else None

"""Where visitors sign in, up and out, and the way back from there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from werkzeug.exceptions import SecurityError

from clerk_middleware.answers import CLERK_PARAMS
from clerk_middleware.redirects import AuthRedirects, own_page

from .identity import UNKNOWN, Identity, clerk_request

if TYPE_CHECKING:
    from typing import Self

    from clerk_middleware import ClerkConfig
    from clerk_middleware.urls import URL


def sign_in_url(next_page: str | None = None) -> str:
    """Where to sign in, to come back to this page or to *next_page*: a path or URL of this site.

    One that leads elsewhere is ignored, since it may have come with the request.

    :raises ConfigurationError: if it is not known where to sign in.
    """
    visit = _Visit.of_request()
    return visit.redirects().to_sign_in(visit.way_back(next_page))


def sign_up_url(next_page: str | None = None) -> str:
    """Where to sign up; otherwise as `sign_in_url`."""
    visit = _Visit.of_request()
    return visit.redirects().to_sign_up(visit.way_back(next_page))


def own_url(wanted: str | None) -> str | None:
    """*wanted*, a path or a URL, if it leads to a page of this site or of an authorized party."""
    page = _Visit.of_request().own_page(wanted)
    return str(page) if page is not None else None


class _Visit(NamedTuple):
    """The page that is asked for, and who asks."""

    identity: Identity
    config: ClerkConfig
    #: `None` where the ``Host`` is not this application's.
    url: URL | None

    @classmethod
    def of_request(cls) -> Self:
        identity = Identity.of_request()
        state = identity.state
        if state is not None:
            return cls(identity, state.config, state.request.url)
        # An error page: the request did not get as far.
        config_for = identity.runtime.authenticator.config_for
        try:
            seen = clerk_request()
        except SecurityError:
            return cls(identity, config_for(UNKNOWN), None)
        return cls(identity, config_for(seen), seen.url)

    def redirects(self) -> AuthRedirects:
        state = self.identity.state
        return AuthRedirects(
            self.config,
            base_url=str(self.url or UNKNOWN.url),
            dev_browser_token=state.dev_browser_token if state is not None else None,
            session_status=self.identity.auth.session_status,
        )

    def own_page(self, wanted: str | None) -> URL | None:
        return own_page(wanted, self.url, self.config) if self.url is not None else None

    def way_back(self, wanted: str | None) -> str | None:
        page = self.own_page(wanted) or self.url
        return str(page.without_params(CLERK_PARAMS)) if page is not None else None

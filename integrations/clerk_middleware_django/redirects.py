"""Where visitors are sent to sign in, and the way back from there."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.utils.http import url_has_allowed_host_and_scheme

from clerk_middleware.answers import CLERK_PARAMS
from clerk_middleware.redirects import AuthRedirects
from clerk_middleware.urls import parse_url

from .requests import clerk_request, get_auth, state_of
from .runtime import clerk_of

if TYPE_CHECKING:
    from django.http import HttpRequest

    from clerk_middleware import ClerkConfig, ClerkRequest


def redirects_of(request: HttpRequest) -> AuthRedirects:
    """Builds the URLs of Clerk's pages for this visitor."""
    state = state_of(request)
    config, url = _config_and_url(request)
    if state is None:
        return AuthRedirects(config, base_url=url)
    return AuthRedirects(
        config,
        base_url=url,
        dev_browser_token=state.dev_browser_token,
        session_status=get_auth(request).session_status,
    )


def current_page(request: HttpRequest) -> str:
    """The URL of this page, as a way back."""
    return _config_and_url(request)[1]


def way_back(request: HttpRequest, wanted: str | None) -> str | None:
    """The URL of *wanted*, a path or a URL, as a way back; `None` where it must lead nowhere."""
    own = allowed(request, wanted)
    url = parse_url(own, parse_url(current_page(request))) if own is not None else None
    return str(url.without_params(CLERK_PARAMS)) if url is not None else None


def allowed(request: HttpRequest, wanted: str | None) -> str | None:
    """*wanted*, if it leads to this host or to one of ``AUTHORIZED_PARTIES``.

    It may have come with the request: nobody is sent to a stranger's page by a link to this one.
    """
    if wanted is None or not wanted.isprintable():  # browsers and parsers differ on control characters
        return None
    config, _ = _config_and_url(request)
    hosts = {request.get_host(), *(urlsplit(origin).netloc for origin in config.authorized_parties)}
    is_allowed = url_has_allowed_host_and_scheme(wanted, hosts, require_https=request.is_secure())
    return wanted.strip() if is_allowed else None


def _config_and_url(request: HttpRequest) -> tuple[ClerkConfig, str]:
    state = state_of(request)
    seen: ClerkRequest
    if state is not None:
        config, seen = state.config, state.request
    else:  # an error page, for a request that did not get as far as the middleware
        seen = clerk_request(request)
        config = clerk_of(request).authenticator.config_for(seen)
    return config, str(seen.url.without_params(CLERK_PARAMS))

"""Multi-domain sync: satellites, the primary domain's part, and arrivals from other origins.

https://clerk.com/docs/guides/dashboard/dns-domains/satellite-domains
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import reasons
from ..urls import parse_url
from .handshake import handshake
from .session import signed_out

if TYPE_CHECKING:
    from ..state import RequestState
    from ..urls import URL
    from .context import Context

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_SHARED_PORTALS = (".accounts.dev", ".accountsstage.dev", ".accounts.lclclerk.com")
_LOCAL_PORTALS = (".lcl.dev", ".lclstage.dev", ".lclclerk.com")


def sync_satellite(context: Context) -> RequestState | None:
    """On a satellite, ask the primary domain who is signed in; `None` where the flow goes on."""
    config, browser = context.config, context.browser
    if not config.is_satellite or not browser.is_document:
        return None
    synced = context.request.query_param("__clerk_synced")
    if synced == "true":
        return None
    cookies = browser.cookies
    has_cookies = cookies.session_token is not None or cookies.client_uat != 0
    if not has_cookies and synced != "false" and not config.satellite_auto_sync:
        return signed_out(reasons.SESSION_TOKEN_AND_UAT_MISSING)
    if has_cookies and synced != "false":
        return None
    location = None
    if browser.is_development and (sign_in := parse_url(config.sign_in_url or "")) is not None:
        location = str(sign_in.add_param("__clerk_redirect_url", str(browser.url)))
    return handshake(context, reasons.SATELLITE_NEEDS_SYNCING, location=location)


def answer_satellite(context: Context) -> RequestState | None:
    """On the primary domain in development, send a satellite's visitor back with the dev browser."""
    browser = context.browser
    if not browser.is_development or context.config.is_satellite:
        return None
    wanted = context.request.query_param("__clerk_redirect_url")
    back = parse_url(wanted) if wanted else None
    if back is None:
        return None
    if browser.dev_browser_token:
        back = back.add_param("__clerk_db_jwt", browser.dev_browser_token)
    back = back.set_param("__clerk_synced", "true")
    return handshake(context, reasons.PRIMARY_RESPONDS_TO_SYNCING, location=str(back))


def sync_after_cross_origin(context: Context) -> RequestState | None:
    """A visitor from another origin may have signed in or out there meanwhile: look again, once."""
    browser = context.browser
    if context.config.is_satellite or not browser.is_document or browser.redirect_count:
        return None
    referrer = context.request.header("referer")
    if not referrer or not _is_foreign(context, referrer):
        return None
    state = handshake(context, reasons.PRIMARY_DOMAIN_CROSS_ORIGIN_SYNC)
    return state if state.status == "handshake" else None


def _is_foreign(context: Context, referrer: str) -> bool:
    url = parse_url(referrer)
    if url is None:
        # An opaque origin (about:blank, an app's own scheme) is another one; what is no URL is none.
        scheme = _SCHEME.match(referrer)
        return scheme is not None and scheme[0].lower() not in ("http:", "https:")
    return url.origin != context.browser.url.origin and not _is_clerks(context, url)


def _is_clerks(context: Context, referrer: URL) -> bool:
    """Whether the referrer is a page of Clerk's: the Frontend API or the instance's account portal."""
    browser, name = context.browser, referrer.hostname
    frontend_api = parse_url(browser.frontend_api)
    if frontend_api is not None and name == frontend_api.hostname:
        return True
    if browser.is_development:
        for suffix in _SHARED_PORTALS:
            if name.endswith(suffix) and not name.endswith(f".clerk{suffix}"):
                return True
        if name.startswith("accounts.") and name.endswith(_LOCAL_PORTALS):
            return True
    # Behind a proxy, Clerk's SDKs know no portal: the key's host is not the one in use.
    return context.config.proxy_url is None and referrer.origin == browser.key.account_portal()

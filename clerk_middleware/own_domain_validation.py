"""The checks of `ClerkConfig` that concern an application's own domain: proxy, policy and webhooks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .csp import CSP
from .urls import parse_url
from .validation import DASHBOARD, HOST, shown, strings, wrong

if TYPE_CHECKING:
    from .config import ClerkConfig


def fapi_url(value: object) -> str | None:
    """The Frontend API's origin."""
    if value is None:
        return None
    is_host = isinstance(value, str) and re.fullmatch(rf"(?i:https?)://{HOST}/?", value)
    url = parse_url(value) if isinstance(value, str) and is_host else None
    if url is None:
        raise wrong(
            "fapi_url",
            f"must be the URL of a host, such as 'https://frontend-api.clerk.dev', but is {shown(value)}.",
        )
    return url.origin


def content_security_policy(value: object) -> None:
    if value is None:
        return
    if not isinstance(value, CSP):
        raise wrong(
            "content_security_policy",
            f"must be a CSP, as CSP(strict=True), but is of type {type(value).__name__}. It is set in code.",
        )


def signing_secrets(value: object) -> tuple[str, ...] | None:
    """One secret, or those of a rotation, the form of each checked."""
    if value is None:
        return None
    from .webhooks.secrets import signing_keys

    secrets = strings("webhook_signing_secret", [value] if isinstance(value, str) else value) or ()
    signing_keys(secrets, "webhook_signing_secret")
    return secrets


def frontend_api_proxy(config: ClerkConfig) -> None:
    proxy = config.proxy
    if proxy is None:
        return
    for option, variable in (
        ("publishable_key", "CLERK_PUBLISHABLE_KEY"),
        ("secret_key", "CLERK_SECRET_KEY"),
    ):
        if getattr(config, option) is None:
            raise wrong(
                "frontend_api_proxy",
                f"needs {option} ({variable}), which the Frontend API is asked with. {DASHBOARD}",
            )
    url = config.proxy_url or proxy.path
    origin = "" if url.startswith("/") else rf"(?i:https?)://{HOST}"
    if not re.fullmatch(rf"{origin}{re.escape(proxy.path)}/?", url):
        raise wrong(
            "proxy_url",
            f"is {shown(url)}, but frontend_api_proxy is at {proxy.path!r}: make it that path, or the URL "
            "of a host with that path, or leave it out. For an embedded Clerk, start clerk-middleware local "
            "with --proxy, and use the variables that it prints.",
        )

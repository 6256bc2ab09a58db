"""Clerk's own components on these pages, with FLEET_COMPONENTS=1: docs/components.md says how it is done."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clerk_middleware import ClerkConfig


@dataclass(frozen=True, slots=True)
class Components:
    """What Clerk's scripts have to know: for ``shared_templates/components/scripts.html``."""

    publishable_key: str
    #: Where browsers reach the Frontend API, which has the scripts as well.
    frontend_api: str
    #: The same if that is a proxy, otherwise empty.
    proxy_url: str
    sign_in_url: str
    sign_up_url: str
    #: Where visitors may be sent back to besides this site, such as satellites of it; with spaces between.
    redirect_origins: str
    is_satellite: bool
    #: A satellite's own host, where it has no proxy; otherwise empty.
    domain: str


def components_of(config: ClerkConfig) -> Components | None:
    """The components of an application that is so configured; `None` unless FLEET_COMPONENTS=1."""
    key = config.parsed_publishable_key
    if key is None or os.environ.get("FLEET_COMPONENTS") != "1":
        return None
    # A host, or the URL or path of the proxy.
    frontend_api = key.frontend_api_for(config.domain, config.is_satellite, config.proxy_url)
    return Components(
        publishable_key=key.text,
        frontend_api=(config.proxy_url or f"https://{frontend_api}").rstrip("/"),
        proxy_url=config.proxy_url or "",
        sign_in_url=config.sign_in_url or f"{key.account_portal()}/sign-in",
        sign_up_url=config.sign_up_url or f"{key.account_portal()}/sign-up",
        redirect_origins=" ".join(config.authorized_parties),
        is_satellite=config.is_satellite,
        domain=(config.domain or "") if config.is_satellite and not config.proxy_url else "",
    )

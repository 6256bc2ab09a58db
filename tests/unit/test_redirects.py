"""`AuthRedirects` beyond the conformance vectors: errors, satellites and the dev browser."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from clerk_middleware import AuthRedirects, ClerkConfig, ConfigurationError

from .conftest import DEVELOPMENT, PRODUCTION

BASE = "https://app.example.com/x"


def query_of(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query)


def test_without_urls_the_account_portal_is_the_place() -> None:
    redirects = AuthRedirects(ClerkConfig(**PRODUCTION), base_url=BASE)
    assert redirects.to_sign_in() == "https://accounts.example.com/sign-in"
    assert redirects.to_sign_up("/back") == (
        "https://accounts.example.com/sign-up?redirect_url=https%3A%2F%2Fapp.example.com%2Fback"
    )


@pytest.mark.parametrize("method", ["to_sign_in", "to_sign_up"])
def test_without_urls_or_publishable_key_it_says_what_to_set(method: str) -> None:
    redirects = AuthRedirects(ClerkConfig(secret_key="sk_test_x"), base_url=BASE)
    with pytest.raises(ConfigurationError, match="is not set, and without publishable_key"):
        getattr(redirects, method)()


@pytest.mark.parametrize("base_url", ["", "/x", "app.example.com", "javascript:alert(1)"])
def test_the_base_must_be_absolute(base_url: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url must be an absolute URL"):
        AuthRedirects(ClerkConfig(**PRODUCTION), base_url=base_url)


@pytest.mark.parametrize("back", ["javascript:alert(1)", "data:text/html,x", "http://[", "https://a b/"])
def test_the_way_back_must_be_a_web_url(back: str) -> None:
    redirects = AuthRedirects(ClerkConfig(**PRODUCTION), base_url=BASE)
    with pytest.raises(ConfigurationError, match="is no http or https URL"):
        redirects.to_sign_in(back)


def test_a_pending_session_goes_to_its_tasks() -> None:
    redirects = AuthRedirects(ClerkConfig(**PRODUCTION), base_url=BASE, session_status="pending")
    assert redirects.to_sign_in() == "https://accounts.example.com/sign-in/tasks"


def test_a_satellite_comes_back_to_be_synced() -> None:
    config = ClerkConfig(
        **PRODUCTION, is_satellite=True, domain="sat.example", sign_in_url="https://primary.example/sign-in"
    )
    url = AuthRedirects(config, base_url="https://sat.example/").to_sign_in("/back")
    assert query_of(url) == {"redirect_url": ["https://sat.example/back?__clerk_synced=false"]}


def test_the_dev_browser_goes_along_to_another_host_only() -> None:
    config = ClerkConfig(**DEVELOPMENT)
    redirects = AuthRedirects(config, base_url=BASE, dev_browser_token="dvb_1")
    assert query_of(redirects.to_sign_in()) == {"__clerk_db_jwt": ["dvb_1"]}

    at_home = ClerkConfig(**DEVELOPMENT, sign_in_url="/sign-in")
    redirects = AuthRedirects(at_home, base_url=BASE, dev_browser_token="dvb_1")
    assert redirects.to_sign_in() == "https://app.example.com/sign-in"


def test_the_dev_browser_never_goes_along_in_production() -> None:
    redirects = AuthRedirects(ClerkConfig(**PRODUCTION), base_url=BASE, dev_browser_token="dvb_1")
    assert "dvb_1" not in redirects.to_sign_in()

"""What a verifier's `auth_settings` tell the SDK."""

from __future__ import annotations

from typing import Any

import pytest
from mcp.server.auth.settings import AuthSettings

from clerk_middleware import ClerkConfig, ConfigurationError
from clerk_middleware_mcp import ClerkTokenVerifier

from .conftest import RESOURCE

KEYS: dict[str, Any] = {
    "publishable_key": "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k",
    "secret_key": "sk_live_productionsecret",
}


def settings_of(scopes: Any = None, *, url: str = RESOURCE, **options: Any) -> AuthSettings:
    verifier = ClerkTokenVerifier(ClerkConfig(**(KEYS | options)), resource_server_url=url)
    return verifier.auth_settings() if scopes is None else verifier.auth_settings(scopes)


def test_the_issuer_is_the_frontend_api() -> None:
    settings = settings_of(["profile", "email", "profile"])
    assert str(settings.issuer_url) == "https://clerk.example.com"
    assert str(settings.resource_server_url) == RESOURCE
    assert settings.required_scopes == ["profile", "email"]


@pytest.mark.parametrize(
    ("proxy_url", "issuer"),
    [
        ("https://example.com/__clerk", "https://example.com/__clerk"),
        ("https://example.com/__clerk/", "https://example.com/__clerk"),
        ("http://127.0.0.1:5400", "http://127.0.0.1:5400"),
        ("/__clerk", "https://clerk.example.com"),
    ],
)
def test_the_issuer_is_the_proxy_that_has_a_url(proxy_url: str, issuer: str) -> None:
    settings = settings_of(proxy_url=proxy_url)
    assert str(settings.issuer_url) == issuer


def test_a_server_without_a_path_keeps_its_url() -> None:
    settings = settings_of(url="https://mcp.example.com")
    assert str(settings.resource_server_url) == "https://mcp.example.com"


def test_no_scope_is_required_unless_it_is_said() -> None:
    assert settings_of().required_scopes is None


def test_the_publishable_key_is_needed() -> None:
    with pytest.raises(ConfigurationError, match="CLERK_PUBLISHABLE_KEY") as caught:
        settings_of(publishable_key=None)
    assert caught.value.option == "publishable_key"


@pytest.mark.parametrize(
    "url",
    ["", "fleet.example.com/mcp", "/mcp", "ftp://fleet.example.com", f"{RESOURCE}?a", f"{RESOURCE}#", "https://u:p@x/mcp",
     "http://[::1/mcp", 5, None],
)  # fmt: skip
def test_a_resource_that_is_no_url_of_a_server(url: Any) -> None:
    with pytest.raises(ConfigurationError, match="resource_server_url must be the URL"):
        settings_of(url=url)


@pytest.mark.parametrize("scopes", [["read:loads profile"], [""], ['a"b'], ["a\\b"], ["ü"], "a b", ""])
def test_a_scope_that_is_none(scopes: Any) -> None:
    with pytest.raises(ConfigurationError, match="a required scope is one word, such as 'read:loads'"):
        settings_of(scopes)


def test_one_scope_need_not_be_in_a_list() -> None:
    assert settings_of("read:loads").required_scopes == ["read:loads"]


def test_a_list_that_turns_out_to_be_empty() -> None:
    with pytest.raises(ConfigurationError, match=r"the required scopes are \[\], so that none"):
        settings_of([])


@pytest.mark.parametrize("scope", ["org:teams:manage", "authenticated"])
def test_a_scope_that_only_sessions_have(scope: str) -> None:
    with pytest.raises(ConfigurationError, match="no machine's token has the scope"):
        settings_of([scope])


def test_one_configuration_is_needed() -> None:
    config = ClerkConfig(**KEYS)
    verifier = ClerkTokenVerifier(lambda request: config, resource_server_url=RESOURCE)
    with pytest.raises(ConfigurationError, match=r"auth_settings\(\) needs one ClerkConfig"):
        verifier.auth_settings()

"""The configuration of the Frontend API proxy: what it takes, and how it says what is wrong."""

from __future__ import annotations

import logging
import pickle
from typing import Any

import pytest

from clerk_middleware import CSP, ClerkConfig, ClerkRequest, ConfigurationError, FrontendAPIProxy
from clerk_middleware.config_source import _warn_once, config_for

from ..proxied import SECRET_KEY, configured, key_of

KEYS = {"CLERK_PUBLISHABLE_KEY": key_of("clerk.example.com"), "CLERK_SECRET_KEY": SECRET_KEY}


@pytest.mark.parametrize(
    ("option", "path"),
    [
        (True, "/__clerk"),
        ("/auth/clerk", "/auth/clerk"),
        (FrontendAPIProxy(), "/__clerk"),
        (FrontendAPIProxy(path="/c"), "/c"),
        (False, None),
        (None, None),
    ],
)
def test_it_is_on_by_a_flag_a_path_or_options(option: Any, path: str | None) -> None:
    config = configured(frontend_api_proxy=option)
    assert (config.proxy.path if config.proxy is not None else None) == path
    assert config.proxy_url == path


@pytest.mark.parametrize(
    ("text", "path"), [("true", "/__clerk"), ("1", "/__clerk"), ("/c", "/c"), ("off", None), ("", None)]
)
def test_the_environment_says_the_same(text: str, path: str | None) -> None:
    config = ClerkConfig.from_env(KEYS | {"CLERK_FRONTEND_API_PROXY": text})
    assert (config.proxy.path if config.proxy is not None else None) == path


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        ("/__clerk", True),
        ("/__clerk/", True),
        ("/__clerk/v1", True),
        ("/__clerk//v1", True),
        ("/__clerkv1", False),
        ("/__CLERK/v1", False),
        ("//__clerk/v1", False),
        ("/x/__clerk/v1", False),
        ("", False),
    ],
)
def test_it_covers_its_path_and_all_below(path: str, covered: bool) -> None:
    assert FrontendAPIProxy().covers(path) is covered


@pytest.mark.parametrize(
    "option", ["", "/", "__clerk", "/a/", "//a", "/a b", "/a?b", "/..", "/a/./b", "/é", 7, []]
)
def test_a_path_that_is_none_is_refused(option: Any) -> None:
    with pytest.raises(ConfigurationError, match="True or a path of this application") as caught:
        configured(frontend_api_proxy=option)
    assert caught.value.option == "frontend_api_proxy"


def test_the_environment_is_named_where_it_is_wrong() -> None:
    with pytest.raises(ConfigurationError, match="CLERK_FRONTEND_API_PROXY: must be True or a path"):
        ClerkConfig.from_env(KEYS | {"CLERK_FRONTEND_API_PROXY": "clerk"})
    with pytest.raises(ConfigurationError, match="CLERK_FAPI_URL: must be the URL of a host"):
        ClerkConfig.from_env(KEYS | {"CLERK_FAPI_URL": "fapi.example.com"})


@pytest.mark.parametrize(
    "options",
    [
        {"connect_timeout_in_ms": 0},
        {"read_timeout_in_ms": 0},
        {"read_timeout_in_ms": -1},
        {"connect_timeout_in_ms": "5"},
        {"trusted_proxies": -1},
        {"trusted_proxies": True},
        {"trusted_proxies": "1"},
    ],
)
def test_options_that_mean_nothing_are_refused(options: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        FrontendAPIProxy(**options)
    assert caught.value.option == f"frontend_api_proxy.{next(iter(options))}"


@pytest.mark.parametrize("missing", ["publishable_key", "secret_key"])
def test_it_takes_both_keys(missing: str) -> None:
    jwt_key = {"machine_secret_key": "ak_x", "accepts_token": "m2m_token"} if missing == "secret_key" else {}
    with pytest.raises(ConfigurationError, match=f"needs {missing} .CLERK_{missing.upper()}."):
        configured(**{missing: None}, **jwt_key)


@pytest.mark.parametrize(
    "proxy_url", ["/__clerk", "/__clerk/", "https://www.example.com/__clerk", "HTTP://localhost:80/__clerk/"]
)
def test_a_proxy_url_of_the_same_path_is_fine(proxy_url: str) -> None:
    assert configured(proxy_url=proxy_url).proxy_url == proxy_url


def test_a_satellite_that_proxies_needs_no_domain() -> None:
    config = configured(is_satellite=True, sign_in_url="https://primary.example/sign-in")
    assert (config.domain, config.proxy_url) == (None, "/__clerk")


@pytest.mark.parametrize(
    "proxy_url",
    [
        "/clerk",
        "/__clerk//",
        "/__clerk/v1",
        "/__clerk?a=b",
        "https://www.example.com",
        "https://www.example.com/clerk",
        "https://www.example.com/__clerk?x=é",
        "https://www.example.com/__clerk#a",
        "https://www.example.com/__clerk\0",
    ],
)
def test_one_of_another_path_is_refused(proxy_url: str) -> None:
    with pytest.raises(ConfigurationError, match="frontend_api_proxy is at '/__clerk'") as caught:
        configured(proxy_url=proxy_url)
    assert caught.value.option == "proxy_url"


@pytest.mark.parametrize(
    "fapi_url",
    [
        "",
        "fapi.example.com",
        "ftp://fapi.example.com",
        "https://fapi.example.com/v1",
        "https://fapi.example.com?a",
        "https://fapi.example.com#a",
        "https://user@fapi.example.com",
        "https://fapi.example.com:99999",
        "https://fapi.example.com\n",
        "https://f\u00e4pi.example.com",
        b"https://fapi.example.com",
        7,
    ],
)
def test_a_fapi_url_that_is_no_host_is_refused(fapi_url: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        configured(fapi_url=fapi_url)
    assert caught.value.option == "fapi_url"


def test_a_live_key_does_not_cross_a_network_in_plain_text() -> None:
    with pytest.raises(ConfigurationError, match="use https://") as caught:
        configured(fapi_url="http://fapi.example.com")
    assert caught.value.option == "fapi_url"
    assert configured(fapi_url="http://localhost:8700").fapi_url == "http://localhost:8700"


def test_it_can_be_pickled() -> None:
    config = configured(frontend_api_proxy=FrontendAPIProxy(path="/c", trusted_proxies=2))
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301
    assert SECRET_KEY not in repr(config)


def visit(source: Any, request: ClerkRequest | None = None) -> ClerkConfig:
    return config_for(source, request or ClerkRequest("GET", "https://app.example.com/"))


DEVELOPMENT = {"publishable_key": key_of("a.clerk.accounts.dev", "pk_test_"), "secret_key": "sk_test_secret"}


@pytest.mark.parametrize(
    ("options", "warns"),
    [
        (DEVELOPMENT, True),
        (DEVELOPMENT | {"fapi_url": "http://localhost:8700"}, False),  # a local Clerk
        (DEVELOPMENT | {"frontend_api_proxy": False}, False),
        ({}, False),
    ],
)
def test_a_development_instance_is_warned_about(
    options: Any, warns: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Clerk proxies production instances only."""
    caplog.set_level(logging.WARNING, "clerk_middleware")
    _warn_once.cache_clear()
    for _ in range(2):
        visit(lambda request: configured(**options))
    lines = [record.getMessage() for record in caplog.records if "frontend_api_proxy" in record.getMessage()]
    assert len(lines) == int(warns)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"frontend_api_proxy": False, "fapi_url": "http://localhost:8700"},
            "fapi_url is set, and has no effect",
        ),
        (
            {"frontend_api_proxy": False, "publishable_key": None, "content_security_policy": CSP()},
            "content_security_policy is set, but publishable_key is not",
        ),
    ],
)
def test_options_that_have_no_effect_are_warned_about(
    options: Any, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "clerk_middleware")
    _warn_once.cache_clear()
    visit(lambda request: configured(**options))
    assert told in caplog.text
    caplog.clear()
    _warn_once.cache_clear()
    visit(lambda request: configured(content_security_policy=CSP(), fapi_url="http://localhost:8700"))
    assert told not in caplog.text


def test_a_function_is_asked_once_for_a_request() -> None:
    asked: list[ClerkRequest] = []

    def find(request: ClerkRequest) -> ClerkConfig:
        asked.append(request)
        return configured()

    def other(request: ClerkRequest) -> ClerkConfig:
        return configured(frontend_api_proxy="/other")

    request = ClerkRequest("GET", "https://app.example.com/")
    assert visit(find, request) is visit(find, request)
    assert len(asked) == 1
    assert visit(other, request).proxy_url == "/other"
    visit(find)
    assert len(asked) == 2

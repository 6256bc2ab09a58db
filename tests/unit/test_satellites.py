"""Satellite domains, and the primary domain's part in their sign-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from clerk_middleware import ClerkConfig, ConfigurationError

from .conftest import Decide
from .issuer import NOW, Issuer

MakeConfig = Callable[..., ClerkConfig]

URL = "https://sat.example/x"
UAT = str(NOW - 100)
SYNC = ("handshake", "satellite-needs-syncing")
OUT = ("signed-out", "session-token-and-uat-missing")


@pytest.fixture
def satellite(config: MakeConfig) -> MakeConfig:
    def make(**options: Any) -> ClerkConfig:
        given = {
            "is_satellite": True,
            "domain": "sat.example",
            "sign_in_url": "https://primary.example/sign-in",
        }
        return config(**(given | options))

    return make


@pytest.mark.parametrize(
    ("query", "options", "headers", "expected"),
    [
        ("", {}, {}, OUT),
        ("", {"satellite_auto_sync": True}, {}, SYNC),
        ("?__clerk_synced=false", {}, {}, SYNC),
        ("?__clerk_synced=true", {}, {}, OUT),
        ("?__clerk_synced=true", {"satellite_auto_sync": True}, {}, OUT),
        ("", {"satellite_auto_sync": True}, {"sec-fetch-dest": "empty"}, OUT),
    ],
    ids=str,
)
def test_a_first_visit(
    query: str, options: Any, headers: Any, expected: Any, decide: Decide, satellite: MakeConfig
) -> None:
    state = decide(satellite(**options), URL + query, headers=headers)
    assert (state.status, state.reason) == expected


@pytest.mark.parametrize(
    ("query", "status"),
    [("", "signed-in"), ("?__clerk_synced=true", "signed-in"), ("?__clerk_synced=false", "handshake")],
)
def test_a_later_visit(
    query: str, status: str, decide: Decide, satellite: MakeConfig, issuer: Issuer
) -> None:
    cookies = {"__session": issuer.token(iss="https://clerk.sat.example"), "__client_uat": UAT}
    assert decide(satellite(), URL + query, cookies=cookies).status == status


def test_in_production_the_satellites_frontend_api_is_asked(decide: Decide, satellite: MakeConfig) -> None:
    state = decide(satellite(), f"{URL}?__clerk_synced=false")
    assert (state.location or "").startswith("https://clerk.sat.example/v1/client/handshake?")


def test_in_development_the_primary_is_asked(decide: Decide, satellite: MakeConfig) -> None:
    state = decide(satellite(development=True), f"{URL}?__clerk_synced=false")
    assert state.location == (
        "https://primary.example/sign-in?__clerk_redirect_url=https%3A%2F%2Fsat.example%2Fx%3F__clerk_synced%3Dfalse"
    )


def test_a_path_leads_to_no_primary(decide: Decide, satellite: MakeConfig) -> None:
    with pytest.raises(ConfigurationError, match="on this satellite itself"):
        decide(satellite(development=True, sign_in_url="/sign-in"), URL)


@pytest.mark.parametrize("dev_browser", [None, "dvb_1"])
def test_the_primary_sends_a_satellites_visitor_back(
    dev_browser: str | None, decide: Decide, config: MakeConfig
) -> None:
    url = "https://app.example.com/sign-in?__clerk_redirect_url=https%3A%2F%2Fsat.example%2Fx%3Fa%3D1"
    cookies = {"__clerk_db_jwt": dev_browser} if dev_browser else {}
    state = decide(config(development=True), url, cookies=cookies)
    assert (state.status, state.reason) == ("handshake", "primary-responds-to-syncing")
    assert urlsplit(state.location).netloc == "sat.example"
    expected = {"a": ["1"], "__clerk_synced": ["true"]} | (
        {"__clerk_db_jwt": ["dvb_1"]} if dev_browser else {}
    )
    assert parse_qs(urlsplit(state.location).query) == expected


@pytest.mark.parametrize("back", ["", "javascript:alert(1)", "/x", "//evil.example", "http://["])
def test_the_primary_sends_nobody_to_what_is_no_web_url(
    back: str, decide: Decide, config: MakeConfig
) -> None:
    url = f"https://app.example.com/?__clerk_redirect_url={back}"
    assert decide(config(development=True), url).reason == "dev-browser-missing"


def test_in_production_nobody_is_sent_back(decide: Decide, config: MakeConfig) -> None:
    url = "https://app.example.com/?__clerk_redirect_url=https%3A%2F%2Fevil.example%2F"
    state = decide(config(), url)
    assert (state.status, state.location) == ("signed-out", None)


def test_a_satellite_does_not_look_again_at_visitors_from_elsewhere(
    decide: Decide, satellite: MakeConfig, issuer: Issuer
) -> None:
    cookies = {"__session": issuer.token(iss="https://clerk.sat.example"), "__client_uat": UAT}
    state = decide(satellite(), URL, cookies=cookies, headers={"referer": "https://other.example/"})
    assert state.is_authenticated


def test_behind_a_proxy_the_keys_account_portal_is_a_stranger(
    decide: Decide, config: MakeConfig, signed_in_cookies: dict[str, str]
) -> None:
    headers = {"referer": "https://accounts.example.com/"}
    assert decide(config(), cookies=signed_in_cookies, headers=headers).is_authenticated
    proxied = config(proxy_url="https://proxy.example/__clerk")
    assert decide(proxied, cookies=signed_in_cookies, headers=headers).status == "handshake"

"""Clerk's components on the pages of the examples, as seen without a browser; the rest is in e2e/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from clerk_middleware import ClerkConfig
from clerk_middleware.local import LocalClerk
from example_apps.fleet.components import components_of

from .conftest import FastAPIFleet, FlaskFleet

PAGE = {"accept": "text/html", "cookie": "__clerk_db_jwt=dvb_1"}
PAGES = ["/sign-in", "/sign-in/factor-one", "/sign-in/tasks", "/sign-up", "/sign-up/verify-email-address"]
SCRIPTS = [
    "/__clerk/npm/@clerk/ui@1/dist/ui.browser.js",
    "/__clerk/npm/@clerk/clerk-js@6/dist/clerk.browser.js",
    "/static/clerk.js",
]


@pytest.fixture(params=[FastAPIFleet, FlaskFleet])
def with_components(
    request: pytest.FixtureRequest, clerk: LocalClerk, clerk_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    monkeypatch.setenv("FLEET_COMPONENTS", "1")
    with closing(request.param(clerk, clerk_url)) as fleet:
        yield fleet


@pytest.mark.parametrize("path", PAGES)
def test_signing_in_has_pages_for_everybody(with_components: Any, path: str) -> None:
    answer = with_components.ask("GET", path, PAGE)
    assert answer.status_code == 200
    assert f'data-clerk="{path[1:8]}"' in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_without_the_components_these_pages_are_not_there(fleet: Any, path: str) -> None:
    answer = fleet.ask("GET", path, PAGE)
    assert answer.status_code == 404
    assert "/npm/" not in answer.text


def test_clerks_scripts_come_by_the_proxy_in_order_and_with_the_nonce(with_components: Any) -> None:
    answer = with_components.ask("GET", "/", PAGE)
    scripts = re.findall(r'<script src="([^"]*)" nonce="([^"]*)" defer', answer.text)
    assert scripts[-3:] == [(script, answer.headers["x-nonce"]) for script in SCRIPTS]


def test_who_is_signed_in_gets_the_components_in_place_of_the_menu(with_components: Any) -> None:
    token = with_components.token("user_ada", "blue-ridge-freight", claims={"act": {"sub": "user_<support>"}})
    answer = with_components.ask(
        "GET", "/company", {"accept": "text/html", "authorization": f"Bearer {token}"}
    )
    assert re.findall('data-clerk="([^"]*)"', answer.text) == ["organization-switcher", "user-button"]
    assert "Sign out" not in answer.text
    assert "<b>user_&lt;support&gt;</b> acts here as Ada Sørensen." in answer.text
    assert answer.text.count("data-reverify") == 4  # three drivers and the profile


@pytest.mark.parametrize(
    ("options", "frontend_api", "proxy_url", "sign_in_url", "domain"),
    [
        ({}, "https://clerk.example.com", "", "https://accounts.example.com/sign-in", ""),
        ({"proxy_url": "/__clerk/"}, "/__clerk", "/__clerk/", "https://accounts.example.com/sign-in", ""),
        ({"sign_in_url": "/sign-in"}, "https://clerk.example.com", "", "/sign-in", ""),
        (
            {"is_satellite": True, "domain": "other.org", "sign_in_url": "https://example.com/sign-in"},
            "https://clerk.other.org",
            "",
            "https://example.com/sign-in",
            "other.org",
        ),
    ],
)
def test_the_scripts_are_told_what_the_configuration_says(
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    frontend_api: str,
    proxy_url: str,
    sign_in_url: str,
    domain: str,
) -> None:
    monkeypatch.setenv("FLEET_COMPONENTS", "1")
    key = "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k"
    config = ClerkConfig(
        publishable_key=key, secret_key="sk_live_1", authorized_parties=["https://example.com"], **options
    )
    components = components_of(config)
    assert components is not None
    assert (components.publishable_key, components.redirect_origins) == (key, "https://example.com")
    assert (components.frontend_api, components.proxy_url) == (frontend_api, proxy_url)
    assert (components.sign_in_url, components.domain) == (sign_in_url, domain)

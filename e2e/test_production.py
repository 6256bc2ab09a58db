"""A production instance: Clerk knows the browser by a cookie of its own, which no script can read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .fleet import HARBOR, Fleet
from .people import (
    claims,
    expect_at,
    expect_dashboard,
    expect_signed_out,
    settled,
    sign_in,
    sign_out,
    wait_out,
    without_javascript,
)
from .watcher import HANDSHAKE, Watcher

pytestmark = pytest.mark.fleet(
    seed={"instance_type": "production"},
    session_token_lifetime=5,
    environment={"CLERK_CLOCK_SKEW_IN_MS": "0"},
)


def test_signing_in_takes_no_handshake(fleet: Fleet, page: Page, watch: Watcher) -> None:
    driver = fleet.person("org:driver")
    sign_in(page, driver)
    expect_dashboard(page, driver)
    assert watch.documents() == ["/dashboard", "/sign-in", "/dashboard"]
    cookies = {str(cookie.get("name")): cookie.get("httpOnly") for cookie in page.context.cookies()}
    assert cookies["__client"]
    assert not any(name.startswith("__clerk_db_jwt") for name in cookies)


def test_a_visit_with_an_expired_token_is_sent_to_clerk_and_back(
    fleet: Fleet, page: Page, new_browser: Callable[..., BrowserContext], watch: Watcher
) -> None:
    driver = fleet.person("org:driver")
    sign_in(page, driver)
    plain = without_javascript(new_browser, page)
    first = claims(plain.context)
    wait_out(plain, first)
    before = len(watch.visits)
    plain.goto("/dashboard")
    expect_dashboard(plain, driver)
    # The result comes in a cookie, so that the URL is as it was.
    assert watch.documents(before) == ["/dashboard", HANDSHAKE, "/dashboard"]
    assert claims(plain.context)["iat"] > first["iat"]
    names = {str(cookie.get("name")) for cookie in plain.context.cookies()}
    assert not any(name.startswith("__clerk_handshake") for name in names)  # it would be used once more


def test_a_url_that_names_an_organization_makes_it_the_active_one(fleet: Fleet, page: Page) -> None:
    person = fleet.person("org:dispatcher")
    fleet.clerk.create_organization_membership(HARBOR, person.id, "org:admin")
    sign_in(page, person)
    settled(page).goto(f"/orgs/{HARBOR}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Harbor Lines")
    expect(page.get_by_role("button", name="Open organization switcher")).to_contain_text("Harbor Lines")


def test_signing_out_ends_the_session(fleet: Fleet, page: Page) -> None:
    driver = fleet.person("org:driver")
    sign_in(page, driver)
    sign_out(page)
    expect_at(page, "/")
    expect_signed_out(page)
    settled(page).goto("/dashboard")
    expect_at(page, "/sign-in")

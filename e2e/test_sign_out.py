"""Signing out, here and in another tab, and sessions that are ended from outside."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .fleet import Fleet
from .people import (
    arrive,
    claims,
    expect_at,
    expect_dashboard,
    expect_signed_out,
    settled,
    sign_out,
    wait_out,
    without_javascript,
)
from .watcher import HANDSHAKE, Watcher


def test_signing_out_in_the_menu_of_the_user_button_ends_the_session(
    fleet: Fleet, page: Page, watch: Watcher
) -> None:
    driver = fleet.person("org:driver")
    arrive(page, fleet, driver)
    sign_out(page)
    expect_at(page, "/")
    expect_signed_out(page)
    settled(page).goto("/dashboard")
    expect_at(page, "/sign-in")
    assert watch.documents()[-2:] == ["/dashboard", "/sign-in"]  # nothing to ask Clerk about


def test_a_page_in_another_tab_leaves_what_it_shows(fleet: Fleet, page: Page) -> None:
    driver = fleet.person("org:driver")
    arrive(page, fleet, driver)
    other = page.context.new_page()
    other.goto("/my-loads")
    expect(other.get_by_role("button", name="Open user menu")).to_be_visible()
    sign_out(page)
    expect_at(page, "/")
    other.bring_to_front()
    expect_at(other, "/sign-in")
    expect(other.get_by_label("Email address")).to_be_visible()


def test_another_browser_stays_signed_in(
    fleet: Fleet, page: Page, new_browser: Callable[..., BrowserContext]
) -> None:
    driver = fleet.person("org:driver")
    arrive(page, fleet, driver)
    elsewhere = new_browser().new_page()
    arrive(elsewhere, fleet, driver)
    sign_out(page)
    expect_at(page, "/")
    elsewhere.reload()
    expect_dashboard(elsewhere, driver)


def test_a_revoked_session_leaves_the_page_before_its_last_token_expires(
    fleet: Fleet, page: Page, watch: Watcher
) -> None:
    driver = fleet.person("org:driver")
    arrive(page, fleet, driver)
    (session,) = fleet.sessions_of(driver)
    before = len(watch.visits)
    fleet.clerk.revoke_session(session.id)
    page.goto("/my-loads")
    expect_at(page, "/sign-in")
    expect(page.get_by_label("Email address")).to_be_visible()
    # The server takes the token for what it says; Clerk's script knows better, and the page is loaded anew.
    seen = watch.documents(before)
    assert (seen[:2], seen[-1]) == (["/my-loads", "/my-loads"], "/sign-in")
    assert seen.count(HANDSHAKE) <= 1


@pytest.mark.fleet(session_token_lifetime=5, environment={"CLERK_CLOCK_SKEW_IN_MS": "0"})
class TestARevokedSession:
    def test_ends_on_the_page_that_is_open(self, fleet: Fleet, page: Page, watch: Watcher) -> None:
        driver = fleet.person("org:driver")
        arrive(page, fleet, driver)
        (session,) = fleet.sessions_of(driver)
        watch.expect("401 POST .*/tokens")
        fleet.clerk.revoke_session(session.id)
        expect_at(page, "/sign-in")
        expect(page.get_by_label("Email address")).to_be_visible()

    def test_ends_at_the_next_visit_without_javascript(
        self, fleet: Fleet, page: Page, new_browser: Callable[..., BrowserContext], watch: Watcher
    ) -> None:
        driver = fleet.person("org:driver")
        arrive(page, fleet, driver)
        plain = without_javascript(new_browser, page)
        (session,) = fleet.sessions_of(driver)
        fleet.clerk.revoke_session(session.id)
        wait_out(plain, claims(plain.context))
        before = len(watch.visits)
        plain.goto("/dashboard")
        assert plain.url.startswith(f"{fleet.url}/sign-in?")
        assert watch.documents(before) == [
            "/dashboard",
            HANDSHAKE,
            "/dashboard",
            "/dashboard",
            "/sign-in",
        ]

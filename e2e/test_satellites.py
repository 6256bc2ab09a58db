"""A satellite: the same application again at another host, whose users sign in at the first one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .fleet import Fleet
from .people import expect_at, expect_dashboard, give_credentials, main_links, settled, sign_in, sign_out


@pytest.fixture
def satellite(fleet: Fleet) -> str:
    assert fleet.satellite_url is not None
    return fleet.satellite_url


def expect_on(page: Page, site: str, path: str) -> None:
    """A page of a site; Clerk's script takes what is left of the sync out of its URL."""
    expect(page).to_have_url(re.compile(rf"^{re.escape(site)}{path}(\?__clerk_synced=true)?$"))


def me(page: Page) -> dict[str, Any]:
    """What the server of the page's site says of this browser's session there."""
    answer: dict[str, Any] = settled(page).evaluate("fetch('/api/me').then((answer) => answer.json())")
    return answer


@pytest.mark.fleet(satellite=True)
class TestASatellite:
    def test_knows_who_is_signed_in_at_the_primary_application(
        self, fleet: Fleet, page: Page, satellite: str
    ) -> None:
        dispatcher = fleet.person("org:dispatcher")
        sign_in(page, dispatcher)
        settled(page).goto(f"{satellite}/loads")
        expect_on(page, satellite, "/loads")
        expect(page.get_by_role("heading", level=1)).to_have_text("Loads")
        expect(main_links(page)).to_have_text(["Dashboard", "Loads", "Live tracking"])
        expect(page.get_by_role("button", name="Open user menu")).to_be_visible()
        assert me(page)["user_id"] == dispatcher.id
        # It stays so, without asking again, and at the primary application as well.
        settled(page).goto(f"{satellite}/dashboard")
        assert page.url == f"{satellite}/dashboard"
        settled(page).goto(f"{fleet.url}/dashboard")
        expect_dashboard(page, dispatcher)

    def test_sends_visitors_to_sign_in_there_and_has_them_back(
        self, fleet: Fleet, page: Page, satellite: str
    ) -> None:
        dispatcher = fleet.person("org:dispatcher")
        page.goto(f"{satellite}/dashboard")
        assert page.url.startswith(f"{fleet.url}/sign-in?")
        give_credentials(page, dispatcher)
        expect_on(page, satellite, "/dashboard")
        expect_dashboard(page, dispatcher)

    def test_ends_the_session_with_the_primary_application(
        self, fleet: Fleet, page: Page, satellite: str
    ) -> None:
        dispatcher = fleet.person("org:dispatcher")
        sign_in(page, dispatcher)
        settled(page).goto(f"{satellite}/loads")
        expect(page.get_by_role("heading", level=1)).to_have_text("Loads")
        settled(page).goto(f"{fleet.url}/dashboard")
        sign_out(page)
        expect_at(page, "/")
        settled(page).goto(f"{satellite}/dashboard")
        expect(page.get_by_label("Email address")).to_be_visible()
        assert page.url.startswith(f"{fleet.url}/sign-in?")


@pytest.mark.fleet(satellite=True, environment={"CLERK_SATELLITE_AUTO_SYNC": "true"})
def test_with_automatic_sync_even_a_public_page_knows_who_it_is(
    fleet: Fleet, page: Page, satellite: str
) -> None:
    sign_in(page, fleet.person("org:driver"))
    settled(page).goto(f"{satellite}/")
    expect(page.get_by_role("link", name="Go to the dashboard")).to_be_visible()
    expect(main_links(page)).to_have_text(["Dashboard", "My loads"])

"""The active organization: changed in Clerk's switcher, by a URL, and what the server permits in each."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from .fleet import BLUE_RIDGE, HARBOR, Fleet, Person
from .people import (
    arrive,
    expect_at,
    main_links,
    open_switcher,
    renew_token,
    settled,
    sign_in,
    who_am_i,
    without_javascript,
)
from .watcher import HANDSHAKE, Watcher


def test_switching_in_the_component_changes_what_the_server_permits(
    fleet: Fleet, page: Page, both: Person, watch: Watcher
) -> None:
    arrive(page, fleet, both)
    expect(main_links(page)).to_have_text(["Dashboard", "Loads", "Live tracking"])
    watch.expect("403 GET .*/company")
    page.goto("/company")
    expect(page.get_by_role("heading", level=1)).to_have_text("This is not for you")

    before = len(watch.visits)
    open_switcher(page)
    page.get_by_role("button", name="Harbor Lines").click()
    expect_at(page, "/dashboard")
    expect(page.get_by_text("Harbor Lines · Admin")).to_be_visible()
    expect(main_links(page)).to_have_text(["Dashboard", "Loads", "Reports", "Audit log", "Company"])
    assert (who_am_i(page)["organization"], who_am_i(page)["role"]) == (HARBOR, "org:admin")
    settled(page).goto("/company")
    expect(page.get_by_role("heading", level=1)).to_have_text("Company")
    assert watch.documents(before) == ["/dashboard", "/company"]


def test_the_personal_account_is_no_company(fleet: Fleet, page: Page, both: Person) -> None:
    arrive(page, fleet, both)
    open_switcher(page)
    page.get_by_role("button", name="Personal account").click()
    expect(page.get_by_text("You work for nobody right now")).to_be_visible()
    assert who_am_i(page)["organization"] is None


def test_another_role_counts_from_the_next_token_on(fleet: Fleet, page: Page, both: Person) -> None:
    arrive(page, fleet, both)
    fleet.clerk.update_organization_membership(BLUE_RIDGE, both.id, "org:compliance")
    renew_token(page)
    page.reload()
    expect(main_links(page)).to_have_text(["Dashboard", "Compliance", "Audit log"])


def test_a_company_that_is_founded_in_the_component_is_there_on_the_server(fleet: Fleet, page: Page) -> None:
    founder = fleet.person()
    arrive(page, fleet, founder)
    expect(page.get_by_text("You work for nobody right now")).to_be_visible()
    open_switcher(page)
    page.get_by_role("button", name="Create organization").click()
    name = f"Freight {secrets.token_hex(3)}"
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create organization").last.click()
    expect(page.get_by_text(f"{name} · Admin")).to_be_visible()
    expect(main_links(page)).to_contain_text(["Dashboard", "Company"])


def test_who_is_invited_in_the_component_can_join(
    fleet: Fleet, page: Page, new_browser: Callable[..., BrowserContext]
) -> None:
    administrator, guest = fleet.person("org:admin"), fleet.person()
    arrive(page, fleet, administrator)
    open_switcher(page)
    page.get_by_role("button", name="Manage", exact=True).click()
    page.get_by_role("button", name="Members").click()
    page.get_by_role("button", name="Invite", exact=True).click()
    page.get_by_placeholder("example@email.com").fill(guest.email)
    page.get_by_role("button", name="Role: Member").click()  # once the roles are there
    page.get_by_role("option", name="Driver").click()
    page.get_by_role("button", name="Send invitations").click()
    expect(page.get_by_text("Invitations successfully sent")).to_be_visible()

    elsewhere = new_browser().new_page()
    arrive(elsewhere, fleet, guest)
    open_switcher(elsewhere)
    elsewhere.get_by_role("button", name="Join").click()
    elsewhere.get_by_role("button", name="Blue Ridge Freight").click()
    expect(main_links(elsewhere)).to_have_text(["Dashboard", "My loads"])


class TestAURLThatNamesAnOrganization:
    def test_makes_it_the_active_one(self, fleet: Fleet, page: Page, both: Person, watch: Watcher) -> None:
        arrive(page, fleet, both)
        before = len(watch.visits)
        page.goto(f"/orgs/{HARBOR}")
        expect(page.get_by_role("heading", level=1)).to_have_text("Harbor Lines")
        assert page.url == f"{fleet.url}/orgs/{HARBOR}"
        assert watch.documents(before).count(HANDSHAKE) == 1
        # Clerk's script agrees, and so do other pages.
        expect(page.get_by_role("button", name="Open organization switcher")).to_contain_text("Harbor Lines")
        settled(page).goto("/dashboard")
        expect(page.get_by_text("Harbor Lines · Admin")).to_be_visible()

    def test_can_be_left_by_the_component(self, fleet: Fleet, page: Page, both: Person) -> None:
        arrive(page, fleet, both)
        page.goto(f"/orgs/{HARBOR}")
        open_switcher(page)
        page.get_by_role("button", name="Blue Ridge Freight").click()
        expect(page.get_by_text("Blue Ridge Freight · Dispatcher")).to_be_visible()

    def test_is_not_there_for_others(self, fleet: Fleet, page: Page, watch: Watcher) -> None:
        driver = fleet.person("org:driver", BLUE_RIDGE)
        arrive(page, fleet, driver)
        watch.expect(f"404 GET .*/orgs/{HARBOR}")
        watch.most_handshakes = 3  # as many as Clerk's SDKs try
        page.goto(f"/orgs/{HARBOR}")
        expect(page.get_by_role("heading", level=1)).not_to_have_text("Harbor Lines")
        assert who_am_i(page)["organization"] == BLUE_RIDGE

    def test_does_so_without_javascript(
        self, fleet: Fleet, page: Page, both: Person, new_browser: Callable[..., BrowserContext]
    ) -> None:
        arrive(page, fleet, both)
        plain = without_javascript(new_browser, page)
        plain.goto(f"/orgs/{HARBOR}")
        expect(plain.get_by_role("heading", level=1)).to_have_text("Harbor Lines")

    def test_comes_back_after_signing_in(self, fleet: Fleet, page: Page, both: Person) -> None:
        sign_in(page, both, f"/orgs/{HARBOR}")
        expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Harbor Lines"))

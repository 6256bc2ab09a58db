"""Pending sessions: signed in, but with a task left. Here everybody has to choose an organization."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .fleet import HARBOR, Fleet, Person
from .people import expect_at, expect_signed_out, give_credentials, main_links, settled, who_am_i
from .watcher import Watcher

pytestmark = pytest.mark.fleet(seed={"force_organization_selection": True})


def expect_task(page: Page) -> None:
    expect_at(page, "/sign-in/tasks/choose-organization")
    expect(page.get_by_role("heading", name="Choose an organization")).to_be_visible()


def test_who_signs_in_does_the_task_before_the_page(fleet: Fleet, page: Page, both: Person) -> None:
    page.goto("/loads")
    give_credentials(page, both)
    expect_task(page)
    assert page.request.get("/api/me").status == 401  # nobody is signed in until then
    page.get_by_role("button", name="Harbor Lines").click()
    expect_at(page, "/loads")
    expect(page.get_by_role("heading", level=1)).to_have_text("Loads")
    assert who_am_i(page)["organization"] == HARBOR


def test_the_server_sends_a_pending_session_to_its_task_and_not_to_sign_in_again(
    fleet: Fleet, page: Page, both: Person, watch: Watcher
) -> None:
    page.goto("/dashboard")
    give_credentials(page, both)
    expect_task(page)
    before = len(watch.visits)
    settled(page).goto("/loads")
    expect_task(page)
    assert watch.documents(before) == ["/loads", "/sign-in/tasks"]
    page.get_by_role("button", name="Blue Ridge Freight").click()
    expect_at(page, "/loads")
    expect(main_links(page)).to_have_text(["Dashboard", "Loads", "Live tracking"])


def test_a_public_page_shows_nobody_signed_in(fleet: Fleet, page: Page, both: Person) -> None:
    page.goto("/dashboard")
    give_credentials(page, both)
    expect_task(page)
    settled(page).goto("/")
    expect_signed_out(page)
    page.get_by_role("banner").get_by_role("link", name="Sign in").click()
    expect_task(page)


def test_who_has_no_organization_founds_one(fleet: Fleet, page: Page) -> None:
    founder = fleet.person()
    page.goto("/dashboard")
    give_credentials(page, founder)
    expect_at(page, "/sign-in/tasks/choose-organization")
    name = f"{founder.first_name} Freight"
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Continue", exact=True).click()
    expect_at(page, "/dashboard")
    expect(page.get_by_text(f"{name} · Admin")).to_be_visible()

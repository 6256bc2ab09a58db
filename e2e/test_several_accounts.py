"""Several accounts in one browser, where the instance allows it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from .fleet import Fleet
from .people import arrive, expect_at, expect_dashboard, give_credentials, open_user_menu, who_am_i

pytestmark = pytest.mark.fleet(seed={"multi_session": True})


def test_each_page_is_for_the_account_that_was_chosen_last(fleet: Fleet, page: Page) -> None:
    dispatcher, driver = fleet.person("org:dispatcher"), fleet.person("org:driver")
    arrive(page, fleet, dispatcher)
    open_user_menu(page)
    page.get_by_role("button", name="Add account").click()
    expect_at(page, "/sign-in")
    give_credentials(page, driver)
    expect_dashboard(page, driver)
    assert who_am_i(page)["user_id"] == driver.id

    open_user_menu(page)
    page.get_by_role("button", name=dispatcher.email).click()
    expect_dashboard(page, dispatcher)
    assert who_am_i(page)["user_id"] == dispatcher.id


def test_signing_out_of_one_leaves_the_other(fleet: Fleet, page: Page) -> None:
    dispatcher, driver = fleet.person("org:dispatcher"), fleet.person("org:driver")
    arrive(page, fleet, dispatcher)
    open_user_menu(page)
    page.get_by_role("button", name="Add account").click()
    expect_at(page, "/sign-in")
    give_credentials(page, driver)
    expect_dashboard(page, driver)

    open_user_menu(page)
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect_at(page, "/sign-in/choose")
    page.get_by_role("button", name=dispatcher.email).click()
    expect_at(page, "/dashboard")
    expect_dashboard(page, dispatcher)
    assert [len(fleet.sessions_of(person)) for person in (dispatcher, driver)] == [1, 0]

"""Support staff who act as a user, by an actor token: the server says so on every page."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from .fleet import Fleet
from .people import arrive, expect_at, expect_dashboard, renew_token, who_am_i


def test_the_page_shows_who_acts_as_whom(fleet: Fleet, page: Page) -> None:
    dispatcher = fleet.person("org:dispatcher")
    ticket = fleet.clerk.create_actor_token(dispatcher.id, {"sub": "user_support"})
    page.goto(f"/sign-in?__clerk_ticket={ticket.token}")
    expect_at(page, "/dashboard")
    expect_dashboard(page, dispatcher)
    expect(page.get_by_text("user_support acts here as")).to_be_visible()
    assert who_am_i(page)["user_id"] == dispatcher.id
    renew_token(page)
    page.goto("/loads")
    expect(page.get_by_text("user_support acts here as")).to_be_visible()


def test_the_user_is_not_taken_for_somebody_else(fleet: Fleet, page: Page) -> None:
    dispatcher = fleet.person("org:dispatcher")
    arrive(page, fleet, dispatcher)
    expect_dashboard(page, dispatcher)
    expect(page.get_by_text("acts here as")).to_have_count(0)

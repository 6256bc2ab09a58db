"""Session tokens that expire after five seconds: by what means the server gets a new one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .fleet import Fleet
from .people import arrive, claims, expect_dashboard, sign_in, wait_out, who_am_i, without_javascript
from .watcher import HANDSHAKE, Watcher

LIFETIME = 5

pytestmark = pytest.mark.fleet(session_token_lifetime=LIFETIME, environment={"CLERK_CLOCK_SKEW_IN_MS": "0"})


def test_an_open_page_renews_the_token_in_the_background(fleet: Fleet, page: Page, watch: Watcher) -> None:
    dispatcher = fleet.person("org:dispatcher")
    arrive(page, fleet, dispatcher)
    first, before = claims(page.context), len(watch.visits)
    wait_out(page, first)
    second = claims(page.context)
    assert (second["sid"], second["o"]) == (first["sid"], first["o"])
    assert second["iat"] > first["iat"]
    assert who_am_i(page)["user_id"] == dispatcher.id
    page.get_by_role("link", name="Loads", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Loads")
    assert watch.documents(before) == ["/loads"]  # nothing had to be asked


def test_without_javascript_a_visit_is_sent_to_clerk_and_back(
    fleet: Fleet, page: Page, new_browser: Callable[..., BrowserContext], watch: Watcher
) -> None:
    dispatcher = fleet.person("org:dispatcher")
    sign_in(page, dispatcher)
    plain = without_javascript(new_browser, page)
    first = claims(plain.context)
    wait_out(plain, first)
    before = len(watch.visits)
    plain.goto("/dashboard")
    expect_dashboard(plain, dispatcher)
    assert plain.url == f"{fleet.url}/dashboard"  # with nothing of the handshake in it
    assert watch.documents(before) == ["/dashboard", HANDSHAKE, "/dashboard", "/dashboard"]
    assert claims(plain.context)["iat"] > first["iat"]


def test_after_a_handshake_the_server_renews_by_itself(
    fleet: Fleet, page: Page, new_browser: Callable[..., BrowserContext], watch: Watcher
) -> None:
    dispatcher = fleet.person("org:dispatcher")
    sign_in(page, dispatcher)
    plain = without_javascript(new_browser, page)
    wait_out(plain, claims(plain.context))
    plain.goto("/dashboard")
    second, before = claims(plain.context), len(watch.visits)
    wait_out(plain, second)
    plain.goto("/loads")
    expect(plain.get_by_role("heading", level=1)).to_have_text("Loads")
    assert watch.documents(before) == ["/loads"]
    assert claims(plain.context)["iat"] > second["iat"]


def test_a_form_on_a_page_that_was_left_open_is_sent_with_a_fresh_token(
    fleet: Fleet, page: Page, watch: Watcher
) -> None:
    dispatcher = fleet.person("org:dispatcher")
    arrive(page, fleet, dispatcher, "/loads")
    wait_out(page, claims(page.context))
    load = {"From": "Norton", "To": "Galax", "Cargo": dispatcher.first_name, "Tons": "12"}
    for label, value in load.items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Create load").click()
    expect(page.get_by_text(dispatcher.first_name)).to_be_visible()

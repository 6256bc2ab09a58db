"""Signing in and up by Clerk's own components."""

from __future__ import annotations

import re
import secrets
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from .fleet import PASSWORD, Fleet
from .people import (
    arrive,
    expect_at,
    expect_complaint,
    expect_dashboard,
    give_code,
    give_credentials,
    give_email,
    give_password,
    main_links,
    proceed,
    sign_in,
    who_am_i,
)
from .watcher import Watcher

#: What LocalClerk "sends" to every address, as Clerk does in its test mode.
CODE = "424242"
#: Where Clerk is told to send a code: before that is answered, nobody can have it.
PREPARED = re.compile("/prepare_")


def test_who_signs_in_comes_back_to_the_page_and_is_known_to_the_server(
    fleet: Fleet, page: Page, watch: Watcher
) -> None:
    dispatcher = fleet.person("org:dispatcher")
    page.goto("/loads")
    expect(page.get_by_label("Email address")).to_be_visible()
    assert page.url.startswith(f"{fleet.url}/sign-in?")
    give_credentials(page, dispatcher)
    expect_at(page, "/loads")
    expect(page.get_by_role("heading", level=1)).to_have_text("Loads")
    assert who_am_i(page)["user_id"] == dispatcher.id
    # To Clerk and back once, then to sign in, then here: the token is there by now.
    assert watch.documents().count("/loads") == 4


def test_the_browser_reaches_clerk_through_the_application_which_says_so(fleet: Fleet, page: Page) -> None:
    hosts: set[str | None] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc or None))
    sign_in(page, fleet.person("org:driver"))
    assert hosts <= {urlsplit(fleet.url).netloc, None}  # None: what a script has made itself
    asked = [each for each in fleet.clerk.proxied_requests if each.path.startswith("/v1/client/sign_ins")]
    assert {(each.proxy_url, each.client_address) for each in asked} == {
        (f"{fleet.url}/__clerk", "127.0.0.1")
    }


def test_the_page_shows_who_it_is_for(fleet: Fleet, page: Page) -> None:
    dispatcher = fleet.person("org:dispatcher")
    arrive(page, fleet, dispatcher)
    expect_dashboard(page, dispatcher)
    expect(main_links(page)).to_have_text(["Dashboard", "Loads", "Live tracking"])
    expect(page.get_by_role("button", name="Open user menu")).to_be_visible()
    expect(page.get_by_role("button", name="Open organization switcher")).to_contain_text(
        "Blue Ridge Freight"
    )


def test_a_wrong_password_is_refused_and_the_right_one_works_after_it(
    fleet: Fleet, page: Page, watch: Watcher
) -> None:
    driver = fleet.person("org:driver")
    page.goto("/dashboard")
    give_email(page, driver.email)
    watch.expect("422 POST .*/attempt_first_factor")
    give_password(page, "wrong")
    expect_complaint(page)
    give_password(page, driver.password)
    expect_at(page, "/dashboard")
    expect_dashboard(page, driver)


def test_who_has_no_account_is_told_so(fleet: Fleet, page: Page, watch: Watcher) -> None:
    page.goto("/sign-in")
    watch.expect("422 POST .*/sign_ins")
    give_email(page, "nobody@example.com")
    expect_complaint(page)


def test_a_code_by_email_is_as_good_as_the_password(fleet: Fleet, page: Page) -> None:
    driver = fleet.person("org:driver")
    page.goto("/dashboard")
    give_email(page, driver.email)
    page.get_by_role("link", name="Use another method").click()
    with page.expect_response(PREPARED):
        page.get_by_role("button", name="Email code to").click()
    give_code(page, CODE)
    expect_at(page, "/dashboard")
    expect_dashboard(page, driver)


def test_the_second_factor_is_asked_for(fleet: Fleet, page: Page, watch: Watcher) -> None:
    driver = fleet.person("org:driver", second_factor_code="515151")
    page.goto("/dashboard")
    give_credentials(page, driver)
    expect_at(page, "/sign-in/factor-two")
    watch.expect("422 POST .*/attempt_second_factor")
    give_code(page, "000000")
    expect_complaint(page)
    give_code(page, "515151")
    expect_at(page, "/dashboard")
    expect_dashboard(page, driver)


def test_a_step_of_signing_in_has_a_url_that_can_be_loaded_anew(fleet: Fleet, page: Page) -> None:
    driver = fleet.person("org:driver")
    page.goto("/dashboard")
    give_email(page, driver.email)
    expect_at(page, "/sign-in/factor-one")
    page.reload()
    give_password(page, driver.password)
    expect_at(page, "/dashboard")
    expect_dashboard(page, driver)


def test_who_is_signed_in_is_not_asked_again(fleet: Fleet, page: Page, watch: Watcher) -> None:
    driver = fleet.person("org:driver")
    arrive(page, fleet, driver)
    before = len(watch.visits)
    page.goto("/sign-in")
    expect_at(page, "/dashboard")
    expect_dashboard(page, driver)
    assert watch.documents(before) == ["/sign-in", "/dashboard"]


def test_who_signs_up_has_an_account_and_is_signed_in(fleet: Fleet, page: Page) -> None:
    email = f"new{secrets.token_hex(4)}@example.com"
    page.goto("/sign-in")
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("Email address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    with page.expect_response(PREPARED):
        proceed(page)
    give_code(page, CODE)
    expect_at(page, "/dashboard")
    user = next(user for user in fleet.clerk.users.values() if user.email == email)
    assert who_am_i(page)["user_id"] == user.id

"""What asks for the password again: refused by the server, verified in Clerk's dialog, and sent again.

Each test has a driver or a company to itself, since a driver is paid once and a profile deleted once.
"""

from __future__ import annotations

from collections.abc import Callable

import pyotp
import pytest
from playwright.sync_api import BrowserContext, Dialog, Locator, Page, Response, Route, expect
from pyotp.totp import TOTP

from .fleet import BLUE_RIDGE, HARBOR, Fleet, Person
from .people import (
    arrive,
    expect_complaint,
    give_code,
    give_password,
    renew_token,
    sign_in,
    without_javascript,
)
from .watcher import Watcher


def administrator(fleet: Fleet, page: Page, organization: str = BLUE_RIDGE) -> Person:
    """Who is on the page of a company, and proved who they are an hour ago."""
    person = fleet.person("org:admin", organization)
    arrive(page, fleet, person, "/company")
    fleet.prove_earlier(person, minutes=60)
    renew_token(page)
    return person


def row_of(page: Page, driver: str) -> Locator:
    return page.get_by_role("listitem").filter(has_text=driver)


def pay(page: Page, driver: str) -> None:
    row_of(page, driver).get_by_role("button", name="Pay").click()


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


@pytest.fixture
def answers(page: Page) -> list[int]:
    """The status of each answer to a form of the company's page."""
    statuses: list[int] = []

    def note(response: Response) -> None:
        if is_form(response):
            statuses.append(response.status)

    page.on("response", note)
    return statuses


def is_form(response: Response) -> bool:
    return response.request.method == "POST" and "/company/" in response.url


def test_clerks_dialog_verifies_and_the_form_is_sent_again(
    fleet: Fleet, page: Page, answers: list[int], watch: Watcher
) -> None:
    person = administrator(fleet, page)
    watch.expect("403 POST .*/pay")
    with page.expect_response(is_form) as refusal:
        pay(page, "Rosa Lindqvist")
    asked = {"level": "first_factor", "afterMinutes": 1}
    assert refusal.value.json() == {
        "clerk_error": {
            "type": "forbidden",
            "reason": "reverification-error",
            "metadata": {"reverification": asked},
        }
    }
    expect(dialog(page).get_by_role("heading")).to_have_text("Verification required")
    give_password(page, person.password)
    expect(row_of(page, "Rosa Lindqvist")).to_contain_text("paid")
    expect(dialog(page)).to_have_count(0)
    assert answers in ([403, 302], [403, 303])
    assert watch.documents()[-1] == "/company"


def test_nothing_is_done_for_who_does_not_know_the_password(
    fleet: Fleet, page: Page, answers: list[int], watch: Watcher
) -> None:
    administrator(fleet, page)
    watch.expect("403 POST .*/pay")
    pay(page, "Jonas Weber")
    watch.expect("422 POST .*/verify/attempt_first_factor")
    give_password(page, "wrong")
    expect_complaint(page)
    dialog(page).get_by_role("button", name="Close modal").click()
    expect(dialog(page)).to_have_count(0)
    page.reload()
    expect(row_of(page, "Jonas Weber")).to_contain_text("$2,115")
    assert answers == [403]


def test_who_just_signed_in_is_not_asked(fleet: Fleet, page: Page, answers: list[int]) -> None:
    arrive(page, fleet, fleet.person("org:admin"), "/company")
    pay(page, "Mei Tanaka")
    expect(row_of(page, "Mei Tanaka")).to_contain_text("paid")
    assert answers in ([302], [303])


def test_the_second_factor_is_asked_of_who_has_one(
    fleet: Fleet, page: Page, answers: list[int], watch: Watcher
) -> None:
    secret = pyotp.random_base32()  # of an authenticator app
    person = fleet.person("org:admin", totp_secret=secret)
    sign_in(page, person, "/company", code=TOTP(secret).now())
    fleet.prove_earlier(person, minutes=60)
    renew_token(page)
    watch.expect("403 POST .*/profile/delete")
    page.get_by_role("button", name="Delete the profile").click()
    watch.expect("422 POST .*/verify/attempt_second_factor")
    give_code(page, "000000")
    expect_complaint(page)
    give_code(page, TOTP(secret).now())
    expect(page.get_by_text("has no public profile")).to_be_visible()
    assert answers in ([403, 302], [403, 303])


@pytest.mark.parametrize("failure", [500, 502, None], ids=["500", "502", "connection"])
def test_a_form_that_failed_is_not_sent_again(
    fleet: Fleet, page: Page, watch: Watcher, failure: int | None
) -> None:
    arrive(page, fleet, fleet.person("org:admin"), "/company")
    sent: list[str] = []

    def fail(route: Route) -> None:
        sent.append(route.request.method)
        page.wait_for_timeout(200)  # for a second click meanwhile
        if failure is None:
            route.abort("connectionreset")
        else:
            route.fulfill(status=failure, content_type="text/html", body="<h1>Sorry</h1>")

    watch.expect(f"{failure} POST" if failure else "ERR_CONNECTION_RESET")
    page.route("**/pay", fail)
    told: list[str] = []

    def accept(alert: Dialog) -> None:
        told.append(alert.message)
        alert.accept()

    page.on("dialog", accept)
    with page.expect_event("dialog"):
        row_of(page, "Jonas Weber").get_by_role("button", name="Pay").dblclick()
    page.wait_for_timeout(1000)  # for another one
    assert (sent, len(told)) == (["POST"], 1)
    expect(page.get_by_role("heading", level=1)).to_have_text("Company")


def test_the_password_will_do_for_who_has_no_second_factor(
    fleet: Fleet, page: Page, answers: list[int], watch: Watcher
) -> None:
    person = administrator(fleet, page, HARBOR)
    watch.expect("403 POST .*/profile/delete")
    page.get_by_role("button", name="Delete the profile").click()
    give_password(page, person.password)
    expect(page.get_by_text("has no public profile")).to_be_visible()
    assert answers in ([403, 302], [403, 303])


def test_without_javascript_the_same_form_gets_a_page(
    fleet: Fleet, page: Page, new_browser: Callable[..., BrowserContext], watch: Watcher
) -> None:
    administrator(fleet, page)
    plain = without_javascript(new_browser, page)
    plain.goto("/company")
    watch.expect("403 POST .*/pay")
    pay(plain, "Jonas Weber")
    expect(plain.get_by_role("heading", level=1)).to_have_text("Please show that it is you")

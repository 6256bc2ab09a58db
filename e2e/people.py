"""What people do on the pages, and what they see there."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from playwright.sync_api import BrowserContext, Locator, Page, expect

from .fleet import Fleet, Person
from .traffic import traffic_of


def arrive(page: Page, fleet: Fleet, person: Person, path: str = "/dashboard") -> None:
    """Visit a page in a new browser, as somebody who has signed in before: faster than by the form."""
    page.goto(fleet.arrival(fleet.session(person), path))
    clerk_loaded(page)
    settled(page)


def settled(page: Page) -> Page:
    """The tab, as soon as Clerk's script in its browser has nothing to do.

    The script removes some cookies before it writes them. What is asked of the server in between is of a
    browser that seems to lack them: a visit takes a handshake then, and a call of an API is refused.
    """
    traffic_of(page.context).wait_for_quiet(page)
    return page


def sign_in(page: Page, person: Person, path: str = "/dashboard", *, code: str | None = None) -> None:
    """Visit a page that somebody has to be signed in for, and sign in by Clerk's component.

    :param code: of the second factor, for who has one.
    """
    page.goto(path)
    give_credentials(page, person)
    if code is not None:
        give_code(page, code)
    expect_at(page, path)


def give_credentials(page: Page, person: Person) -> None:
    """On the page to sign in: the e-mail address, then the password."""
    give_email(page, person.email)
    give_password(page, person.password)


def give_email(page: Page, email: str) -> None:
    page.get_by_label("Email address").fill(email)
    proceed(page)


def give_password(page: Page, password: str) -> None:
    page.get_by_label("Password", exact=True).fill(password)
    proceed(page)


def give_code(page: Page, code: str) -> None:
    """A code of six digits, by e-mail or of the second factor: the last digit sends it."""
    field = page.get_by_label("Enter verification code")
    field.fill(code)


def proceed(page: Page) -> None:
    page.get_by_role("button", name="Continue", exact=True).click()


def expect_at(page: Page, path: str) -> None:
    """The page is there, maybe with a query. (Unlike `Page.wait_for_url` this puts up with a reload.)"""
    expect(page).to_have_url(re.compile(rf"^http://[^/]*{re.escape(path)}(\?|$)"))


def expect_dashboard(page: Page, person: Person) -> None:
    """The server knows who it is. (Two applications have no names of people, and show ids in their place.)"""
    expect(page.get_by_role("heading", level=1)).to_have_text(
        re.compile(rf"Hello, ({person.first_name}|{person.id})")
    )


def who_am_i(page: Page) -> dict[str, Any]:
    """What the server says of the session, by the cookies of this browser."""
    answer = settled(page).request.get("/api/me")
    assert answer.ok, answer
    identity: dict[str, Any] = answer.json()
    return identity


def claims(context: BrowserContext) -> dict[str, Any]:
    """Those of the session token that a browser has now."""
    cookies: list[Any] = context.cookies()
    (token,) = (cookie["value"] for cookie in cookies if cookie["name"] == "__session")
    return jwt.decode(token, options={"verify_signature": False})


def wait_out(page: Page, token: Mapping[str, Any]) -> None:
    """Wait until a session token has expired."""
    page.wait_for_timeout(max(0.0, token["exp"] - time.time()) * 1000 + 1000)


def without_javascript(new_browser: Callable[..., BrowserContext], page: Page) -> Page:
    """A tab with the cookies of *page*, which is closed, where no script of Clerk's renews anything."""
    plain = new_browser(java_script_enabled=False, storage_state=page.context.storage_state()).new_page()
    page.close()
    return plain


def expect_complaint(page: Page) -> None:
    """Clerk's component says what is wrong with a field, in words that Clerk chooses."""
    expect(page.locator("[class*='FieldErrorText']").first).to_be_visible()


def clerk_loaded(page: Page) -> None:
    """Clerk's script is ready, for `Page.evaluate`, on a page for somebody who is signed in."""
    expect(page.get_by_role("button", name="Open user menu")).to_be_visible()


def renew_token(page: Page) -> None:
    """Have Clerk's script get a new session token now, rather than within the minute."""
    clerk_loaded(page)
    page.evaluate("Clerk.session.getToken({ skipCache: true })")
    settled(page)


def open_user_menu(page: Page) -> None:
    """The menu of Clerk's user button."""
    page.get_by_role("button", name="Open user menu").click()


def sign_out(page: Page) -> None:
    """By the menu of Clerk's user button."""
    open_user_menu(page)
    page.get_by_role("button", name="Sign out", exact=True).click()


def expect_signed_out(page: Page) -> None:
    """The server knows of nobody."""
    expect(page.get_by_role("banner").get_by_role("link", name="Sign in")).to_be_visible()
    assert page.request.get("/api/me").status == 401


def open_switcher(page: Page) -> None:
    """Clerk's organization switcher."""
    page.get_by_role("button", name="Open organization switcher").click()


def main_links(page: Page) -> Locator:
    """What the server says that one may visit."""
    return page.get_by_role("navigation", name="Main").get_by_role("link")

"""Signing in and out, and what who is signed out gets."""

from __future__ import annotations

from ..browser import form_on
from ..tour import Tour, expect


def public_page(tour: Tour) -> None:
    """Signed out: a public page is shown, after one handshake"""
    answer = tour.browser("dev").visit(tour.url("/"))
    tour.page(answer, "Sign in to your company")
    expect("reason", tour.handshake_of(answer)["__clerk_hs_reason"], "dev-browser-missing")
    expect("a cookie for the browser", tour.browser("dev").cookie("__clerk_db_jwt"), bool, as_text="one")


def redirect_to_sign_in(tour: Tour) -> None:
    """Signed out: a page for members redirects to sign-in, with the way back"""
    query = tour.sent_to(tour.browser("dev").request(tour.url("/loads")), "/sign-in")
    expect("redirect_url", query.get("redirect_url"), tour.url("/loads"))


def unauthorized_api(tour: Tour) -> None:
    """Signed out: an API call gets 401 and no redirect"""
    answer = tour.browser("dev").fetch(tour.url("/api/me"))
    expect("status", answer.status_code, 401)
    expect("WWW-Authenticate", answer.headers.get("www-authenticate"), "Bearer")
    expect("type", answer.json()["clerk_error"]["type"], "unauthorized")


def sign_in(tour: Tour) -> None:
    """Sign in as a dispatcher: a handshake leads back to the page that was asked for"""
    answer = tour.sign_in("dev", "user_dev", "/loads")
    tour.page(answer, "Create load")
    expect("URL", str(answer.url), tour.url("/loads"))
    expect("reason", tour.handshake_of(answer)["__clerk_hs_reason"], "dev-browser-sync")
    names = {name.removesuffix(f"_{tour.cookie_suffix}") for name in tour.browser("dev").cookie_names()}
    expected = {"__session", "__client_uat", "__refresh", "__clerk_db_jwt"}
    expect("cookies", names & expected, expected)


def no_further_handshake(tour: Tour) -> None:
    """Signed in: the next page needs no redirect and sets no cookie of Clerk's"""
    answer = tour.browser("dev").request(tour.url("/loads"))
    tour.page(answer, "Dev Patel")
    cookies = [line.partition("=")[0] for line in answer.headers.get_list("set-cookie")]
    expect("Set-Cookie", [name for name in cookies if name.startswith("__")], [])


def sign_out(tour: Tour) -> None:
    """Signed out: the page redirects to sign-in again"""
    browser = tour.browser("dev")
    action = form_on(tour.page(browser.visit(tour.url("/dashboard"))), "sign-out")
    tour.page(browser.submit(action, {}), "Sign in to your company")
    expect("the session cookie", browser.cookie("__session"), None)
    tour.sent_to(browser.request(tour.url("/loads")), "/sign-in")
    expect("status of the API", browser.fetch(tour.url("/api/me")).status_code, 401)

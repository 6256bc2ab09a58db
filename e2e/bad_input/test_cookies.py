"""Cookies that are cut, doubled, of the wrong kind, or not there."""

from __future__ import annotations

import time
from collections.abc import Mapping

from playwright.sync_api import BrowserContext, Route

from .stage import Stage
from .visitor import Visitor

Cookies = Mapping[str, str | None]

PLAIN = ("__session", "__client_uat", "__clerk_db_jwt")
NOBODY = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"  # {"alg":"none","typ":"JWT"}


def changes(visitor: Visitor, stage: Stage, good: Mapping[str, str]) -> dict[str, tuple[Cookies, str, str]]:
    """What is other than in a good browser; how that ends, and how it ends with nothing else there."""
    both, token, now = visitor.both, good["__session"], int(time.time())
    head, claims, _ = token.split(".")
    signed_in, signed_out = "signed in", "signed out"
    return {
        "a dev browser that nobody knows": (both("__clerk_db_jwt", "dvb_unknown"), signed_in, signed_out),
        "a dev browser of any characters": (both("__clerk_db_jwt", "%00%ff<b>"), signed_in, signed_out),
        "a dev browser of 1500 characters": (both("__clerk_db_jwt", "x" * 1500), signed_in, signed_out),
        "no dev browser": (both("__clerk_db_jwt", None), signed_in, signed_out),
        "a token that is none": (both("__session", "abc"), signed_out, signed_out),
        "a token of three empty parts": (both("__session", ".."), signed_out, signed_out),
        "a token that is cut": (both("__session", token[:-20]), signed_out, signed_out),
        "a token that nobody signed": (both("__session", f"{NOBODY}.{claims}."), signed_out, signed_out),
        "a token whose signature is another's": (
            both("__session", f"{head}.{NOBODY}.{token[-342:]}"),
            signed_out,
            signed_out,
        ),
        "an empty token": (both("__session", ""), signed_in, signed_out),
        "no token": (both("__session", None), signed_in, signed_out),
        "only the plain token is bad": ({"__session": "abc"}, signed_out, signed_out),
        "a change at no time": (both("__client_uat", "junk"), signed_in, signed_out),
        "a change before time began": (both("__client_uat", "-5"), signed_in, signed_out),
        "a change in five minutes": (both("__client_uat", str(now + 300)), signed_in, signed_out),
        "a change in thirty digits": (both("__client_uat", "9" * 30), signed_in, signed_out),
        "a change that never was": (both("__client_uat", "0"), signed_in, signed_out),
        "no change": (both("__client_uat", None), signed_in, signed_out),
        "no plain cookies": (dict.fromkeys(PLAIN), signed_in, signed_out),
        "a counter that is at its end": ({"__clerk_redirect_count": "3"}, signed_in, signed_out),
        "a counter beyond numbers": ({"__clerk_redirect_count": "-" + "9" * 40}, signed_in, signed_out),
        "counters of sign-ins": ({"__clerk_sign_in_count": "99"}, signed_in, signed_out),
        "a handshake's nonce": ({"__clerk_handshake_nonce": "junk"}, signed_in, signed_out),
        "a handshake's token": ({"__clerk_handshake": "junk"}, signed_in, signed_out),
        "a session token for a handshake's": ({"__clerk_handshake": token}, signed_in, signed_out),
    }  # fmt: skip


def test_whatever_is_in_the_cookies_somebody_is_signed_in_or_signed_out(
    plain_visitor: Visitor, stage: Stage
) -> None:
    visitor = plain_visitor
    assert visitor.go(visitor.arrival) == "signed in"
    good = visitor.cookies()
    table = changes(visitor, stage, good)
    endings = {}
    for name, (change, _, _) in table.items():
        visitor.have_cookies({**good, **change})
        among_good = visitor.go()
        visitor.have_cookies(change)
        endings[name] = (among_good, visitor.go())
    assert endings == {name: (among_good, alone) for name, (_, among_good, alone) in table.items()}


def test_of_two_cookies_of_one_name_the_more_specific_one_counts(plain_visitor: Visitor) -> None:
    """As browsers send them: that of the longer path first."""
    visitor = plain_visitor
    visitor.go(visitor.arrival)
    jar = visitor.page.context
    for path, ending in (("/elsewhere", "signed in"), ("/dashboard", "signed out")):
        jar.add_cookies([{"name": "__session", "value": "abc", "domain": "localhost", "path": path}])
        assert visitor.go() == ending


def test_clerks_script_mends_what_the_server_cannot(visitor: Visitor, stage: Stage) -> None:
    visitor.go(visitor.arrival)
    visitor.expect_signed_in()
    good = visitor.cookies()
    table = changes(visitor, stage, good)
    for name in (
        "a token that is cut",
        "only the plain token is bad",
        "a token whose signature is another's",
    ):
        visitor.have_cookies({**good, **table[name][0]})
        before = len(visitor.watch.visits)
        visitor.page.goto("/dashboard", wait_until="domcontentloaded")
        visitor.expect_signed_in()
        # To sign in, where there is nothing to do, and back.
        visitor.expect_few_steps(before, rounds=2)


def test_a_browser_that_takes_no_cookies_is_signed_out(visitor: Visitor) -> None:
    block_cookies(visitor.page.context)
    visitor.page.goto("/dashboard", wait_until="domcontentloaded")
    visitor.expect_signed_out()
    visitor.expect_few_steps(0)
    before = len(visitor.watch.visits)
    with visitor.page.expect_navigation():
        visitor.sign_in()
    visitor.expect_signed_out()  # it cannot be told from who comes for the first time
    visitor.expect_few_steps(before)


def block_cookies(browser: BrowserContext) -> None:
    """As the setting of browsers does, in the headers and in scripts."""
    browser.add_init_script(
        "Object.defineProperty(document, 'cookie', { get: () => '', set: () => undefined })"
    )

    def without_cookies(route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        browser.clear_cookies()  # what was fetched so has set them
        headers = {name: value for name, value in answer.headers.items() if name != "set-cookie"}
        route.fulfill(response=answer, headers=headers)

    browser.route("**/*", without_cookies)

"""Two instances on one host: cookies know no ports, so that each application gets the other's as well."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext

from ..fleet import Fleet
from ..people import expect_at, settled
from ..servers import Framework
from .visitor import Visitor, suffix_of, visiting

NEIGHBOUR = {"host": "local-instance-2.clerk.accounts.dev"}


@pytest.fixture
def neighbour(framework: Framework, fleets: Callable[..., Fleet]) -> Fleet:
    return fleets(framework, seed=NEIGHBOUR)


def test_who_signs_in_at_both_is_signed_in_at_both(visitor: Visitor, neighbour: Fleet) -> None:
    other = visiting(neighbour, visitor.page.context.new_page(), visitor.watch)
    for each in (visitor, other):
        each.page.goto(each.fleet.url + each.arrival)
        each.expect_signed_in()
    assert {f"__session_{suffix_of(each.fleet.clerk)}" for each in (visitor, other)} <= set(visitor.cookies())
    for each in (visitor, other, visitor):
        before = len(visitor.watch.visits)
        each.page.goto(f"{each.fleet.url}/dashboard")
        each.expect_signed_in()
        each.expect_few_steps(before, handshakes=0)
    # Signing out at one changes nothing for the other.
    other.page.evaluate("Clerk.signOut()")
    expect_at(other.page, "/")
    settled(other.page)
    visitor.page.bring_to_front()
    for each, ending in ((visitor, visitor.expect_signed_in), (other, other.expect_signed_out)):
        before = len(visitor.watch.visits)
        each.page.goto(f"{each.fleet.url}/dashboard")
        ending()
        each.expect_few_steps(before)


def test_a_neighbours_cookies_sign_nobody_in(
    plain_visitor: Visitor, neighbour: Fleet, new_browser: Callable[..., BrowserContext]
) -> None:
    visitor = plain_visitor
    visitor.go(visitor.arrival)
    own = visitor.cookies()
    page = new_browser(base_url=neighbour.url, java_script_enabled=False).new_page()
    other = visiting(neighbour, page, visitor.watch)
    other.go(other.arrival)
    theirs = other.cookies()
    plain = {name: value for name, value in theirs.items() if not name.endswith(other.suffix)}
    assert {"__session", "__client_uat", "__clerk_db_jwt"} <= set(plain)
    ours = f"__session_{visitor.suffix}"
    renamed = {f"{name}_{visitor.suffix}": value for name, value in plain.items()}
    cases = {
        "all of theirs": (theirs, "signed out"),
        "their plain ones": (plain, "signed out"),
        "their plain ones in place of ours": ({**own, **plain}, "signed in"),
        "their token by our name": ({**plain, **renamed}, "signed out"),
        "their token by our name, among ours": ({**own, **plain, **renamed}, "signed out"),
        "one token by our name": ({**own, ours: plain["__session"]}, "signed out"),
    }
    endings = {}
    for name, (cookies, _) in cases.items():
        visitor.have_cookies(dict(cookies))
        endings[name] = visitor.go()
    assert endings == {name: ending for name, (_, ending) in cases.items()}


def test_a_neighbours_sign_out_takes_nobodys_token(plain_visitor: Visitor, neighbour: Fleet) -> None:
    visitor = plain_visitor
    visitor.go(visitor.arrival)
    own = visitor.cookies()
    gone = dict.fromkeys(("__session", "__clerk_db_jwt"))
    for plain in (
        {**gone, "__client_uat": "0"},
        {**gone, "__client_uat": None},
        {"__clerk_db_jwt": "dvb_theirs"},
    ):
        visitor.have_cookies({**own, **plain})
        assert visitor.go(handshakes=0) == "signed in"

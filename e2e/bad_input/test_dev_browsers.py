"""A LocalClerk that was started anew, and so knows no browser: what those do that it knew before."""

from __future__ import annotations

import time

from clerk_middleware.local import LocalClerk

from .stage import Stage
from .visitor import Visitor

#: What Clerk's script asks, and is answered that nobody knows this dev browser.
STALE = "401 GET .*/v1/client"


def cookies_of(predecessor: LocalClerk, visitor: Visitor) -> dict[str, str | None]:
    """A browser's that was signed in to the same instance before its LocalClerk was started anew."""
    session = predecessor.sign_in(next(iter(predecessor.users)))
    assert session.client is not None
    token = predecessor.session_token(session, azp=visitor.fleet.url)
    return {
        **visitor.both("__session", token),
        **visitor.both("__client_uat", str(int(time.time()))),
        **visitor.both("__clerk_db_jwt", session.client.token),
        f"__refresh_{visitor.suffix}": session.refresh_token,
        f"__local_clerk_client_{visitor.suffix}": session.client.token,
    }


def test_cookies_of_an_earlier_localclerk_end_signed_out(plain_visitor: Visitor, stage: Stage) -> None:
    visitor = plain_visitor
    stale = cookies_of(stage.predecessor(), visitor)
    for left_out in (None, "__session", "__client_uat", "__clerk_db_jwt"):
        kept = {name: value for name, value in stale.items() if not (left_out and name.startswith(left_out))}
        visitor.have_cookies(kept)
        assert visitor.go() == "signed out", f"without {left_out}"


def test_a_stale_browser_signs_in_again(visitor: Visitor, stage: Stage) -> None:
    visitor.have_cookies(cookies_of(stage.predecessor(), visitor))
    visitor.watch.expect(STALE)
    visitor.page.goto("/dashboard", wait_until="domcontentloaded")
    visitor.expect_signed_out()
    visitor.expect_few_steps(0)
    before = len(visitor.watch.visits)
    visitor.sign_in()
    visitor.expect_signed_in()
    visitor.expect_few_steps(before)


def test_a_page_that_is_open_while_localclerk_starts_anew(visitor: Visitor, stage: Stage) -> None:
    visitor.go(visitor.arrival)
    visitor.expect_signed_in()
    stage.restart()
    visitor.watch.expect(STALE)
    before = len(visitor.watch.visits)
    visitor.page.goto("/dashboard", wait_until="domcontentloaded")
    # The server still knows the key of the old token; Clerk's script finds that nobody knows the browser.
    visitor.expect_signed_out()
    visitor.expect_few_steps(before, rounds=2)


def test_a_dev_browser_in_the_url_is_taken_out_of_it(plain_visitor: Visitor) -> None:
    visitor = plain_visitor
    tokens = [
        "dvb_unknown",
        "",
        "x" * 900,
        "%00%ff%3Cb%3E",
        "a&__clerk_db_jwt=b",
        "dvb_unknown&__clerk_db_jwt=",
    ]
    for token in tokens:
        visitor.have_cookies({})
        assert visitor.go(f"/dashboard?__clerk_db_jwt={token}") == "signed out", token
        assert "__clerk_db_jwt" not in visitor.page.url
    visitor.have_cookies({})
    visitor.go(visitor.arrival)
    good = visitor.cookies()
    for token in tokens:
        visitor.have_cookies(good)
        # Whoever sends such a link signs nobody out: the browser is known by LocalClerk's own cookie.
        assert visitor.go(f"/dashboard?__clerk_db_jwt={token}") == "signed in", token
        assert visitor.page.url == f"{visitor.fleet.url}/dashboard"

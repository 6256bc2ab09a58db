"""LocalClerk is down or fails, or has ended a session while a page is open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .stage import Stage
from .visitor import Visitor

BAD_GATEWAY = 502  # what the proxy answers where nobody listens


@contextmanager
def outage(stage: Stage, status: int) -> Iterator[None]:
    if status == BAD_GATEWAY:
        stage.stop()
    else:
        stage.clerk.fail("*", status, times=None)
    try:
        yield
    finally:
        if status == BAD_GATEWAY:
            stage.start()
        stage.clerk.recover()


@pytest.mark.parametrize("status", [BAD_GATEWAY, 503], ids=["down", "failing"])
def test_without_clerk_whoever_has_no_token_is_told_so(
    plain_visitor: Visitor, stage: Stage, status: int
) -> None:
    visitor = plain_visitor
    visitor.go(visitor.arrival)
    good = visitor.cookies()
    no_token = {name: value for name, value in good.items() if not name.startswith("__session")}
    visitor.watch.expect(f"{status} GET .*/v1/client/handshake")
    with outage(stage, status):
        visitor.have_cookies(good)
        assert visitor.go() == "signed in"
        assert visitor.go("/dashboard?__clerk_handshake_nonce=junk") == "signed in"
        for cookies in (no_token, {}):
            visitor.have_cookies(cookies)
            assert visitor.go() == str(status)
            assert '"errors"' in visitor.page.locator("body").inner_text()
    assert visitor.go() == "signed out"
    visitor.have_cookies(no_token)
    assert visitor.go() == "signed in"


def test_without_clerks_scripts_a_page_is_what_the_server_makes_of_it(visitor: Visitor, stage: Stage) -> None:
    visitor.go(visitor.arrival)
    visitor.expect_signed_in()
    visitor.watch.expect("502 GET .*/npm/|console: Refused to execute script .*/npm/")
    visitor.watch.expect("script: Clerk is not defined")
    with outage(stage, BAD_GATEWAY):
        assert visitor.go() == "signed in"
        visitor.page.wait_for_load_state("load")
    visitor.page.reload()
    visitor.expect_signed_in()


def test_a_session_that_ends_while_its_page_is_open(visitor: Visitor) -> None:
    visitor.go(visitor.arrival)
    visitor.expect_signed_in()
    before = len(visitor.watch.visits)
    visitor.watch.expect("401 (POST .*/tokens|GET .*/v1/me/)")
    visitor.fleet.clerk.revoke_session(visitor.session.id)
    visitor.page.evaluate("void Clerk.session.getToken({ skipCache: true }).catch(() => null)")
    visitor.expect_signed_out()
    visitor.expect_few_steps(before, rounds=2)
    before = len(visitor.watch.visits)
    visitor.page.goto("/dashboard")
    visitor.expect_signed_out()
    visitor.expect_few_steps(before)

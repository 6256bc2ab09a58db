"""Clocks that are five minutes off: Clerk's against the application's, and the browser's."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from ..people import who_am_i
from .stage import Stage
from .visitor import Visitor

FIVE_MINUTES = 300
#: The counter that breaks handshakes off after three lives for two seconds: a slow machine may miss one.
A_FEW = 5
#: `Page.clock` would change more than the time: there would be no navigation among the performance entries.
WRONG_CLOCK = """
Date = class extends Date {
  constructor(...given) { given.length ? super(...given) : super(Date.now()); }
  static now() { return super.now() + AHEAD; }
};
"""


@pytest.fixture(params=[FIVE_MINUTES, -FIVE_MINUTES], ids=["ahead", "behind"])
def minutes_off(request: pytest.FixtureRequest, stage: Stage) -> None:
    stage.clock.ahead = request.param


@pytest.mark.usefixtures("minutes_off")
def test_without_javascript_the_handshakes_are_broken_off(plain_visitor: Visitor, stage: Stage) -> None:
    visitor = plain_visitor
    assert visitor.go(visitor.arrival, handshakes=A_FEW) == "signed out"
    assert visitor.go(handshakes=A_FEW) == "signed out"
    assert "the handshake of this browser goes in circles" in stage.log.read_text()
    stage.clock.ahead = 0
    visitor.have_cookies(visitor.cookies())  # without the counter, which lives two seconds
    assert visitor.go() == "signed in"


@pytest.mark.usefixtures("minutes_off")
def test_clerks_form_and_the_server_do_not_send_the_browser_to_and_fro(
    visitor: Visitor, stage: Stage
) -> None:
    visitor.watch.expect("401 GET .*/dashboard")
    visitor.page.goto(visitor.arrival, wait_until="commit")
    explained = visitor.page.get_by_text("sending you to sign in has not helped")
    expect(explained).to_be_visible()
    expect(explained).to_contain_text("clock")
    visitor.expect_no_secret()
    visitor.expect_few_steps(0, handshakes=A_FEW, rounds=4)
    before = len(visitor.watch.visits)
    visitor.page.reload()
    expect(explained).to_be_visible()
    visitor.expect_few_steps(before, handshakes=A_FEW)
    stage.clock.ahead = 0
    visitor.have_cookies(visitor.cookies())  # without the counters: that of sign-ins lives half a minute
    visitor.page.goto("/dashboard")
    visitor.expect_signed_in()


@pytest.mark.parametrize("ahead", [FIVE_MINUTES, -FIVE_MINUTES], ids=["ahead", "behind"])
def test_the_browsers_own_clock_does_not_matter(visitor: Visitor, ahead: int) -> None:
    visitor.page.add_init_script(WRONG_CLOCK.replace("AHEAD", str(1000 * ahead)))
    visitor.page.goto("/dashboard", wait_until="domcontentloaded")
    visitor.expect_signed_out()
    visitor.sign_in()
    visitor.expect_signed_in()
    before = len(visitor.watch.visits)
    visitor.page.reload()
    visitor.expect_signed_in()
    visitor.page.evaluate("Clerk.session.getToken({ skipCache: true })")
    assert who_am_i(visitor.page)["user_id"] == visitor.person.id
    visitor.expect_few_steps(before, handshakes=0)

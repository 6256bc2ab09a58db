"""The strict policy with nonces: every test fails for a violation, and these look for one."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

from .fleet import Fleet
from .people import arrive, clerk_loaded, open_switcher, settled, sign_in
from .watcher import Watcher


def test_clerks_components_run_on_every_page(fleet: Fleet, page: Page) -> None:
    for path in ("/", "/sign-in", "/sign-up"):
        answer = page.goto(path)
        assert answer is not None
        _expect_strict(answer.headers)
        settled(page)
    sign_in(page, fleet.person("org:admin"))
    settled(page)
    for path in ("/dashboard", "/loads", "/reports", "/fuel", "/audit", "/company"):
        answer = page.goto(path)
        assert answer is not None
        _expect_strict(answer.headers)
        clerk_loaded(page)
        settled(page)


def test_the_dialogs_of_clerks_components_run_as_well(fleet: Fleet, page: Page) -> None:
    arrive(page, fleet, fleet.person("org:admin"))
    page.get_by_role("button", name="Open user menu").click()
    page.get_by_role("button", name="Manage account").click()
    expect(page.get_by_role("heading", name="Profile details")).to_be_visible()
    page.get_by_role("button", name="Security").click()
    expect(page.get_by_text("Active devices")).to_be_visible()
    page.get_by_role("button", name="Close modal").click()
    open_switcher(page)
    page.get_by_role("button", name="Manage", exact=True).click()
    expect(page.get_by_role("heading", name="General")).to_be_visible()
    page.get_by_role("button", name="Members").click()
    expect(page.get_by_role("cell", name="Ada Sørensen")).to_be_visible()


def test_what_was_smuggled_into_a_page_does_not_run(fleet: Fleet, page: Page, watch: Watcher) -> None:
    smuggled = (
        "<script>window.smuggled = 1</script>"
        """<img src="data:," onerror="window.smuggled = 2">"""
        """<script src="data:text/javascript,window.smuggled = 3"></script>"""
    )

    def smuggle(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("</main>", f"{smuggled}</main>"))

    page.goto("/")
    page.route(f"{fleet.url}/", smuggle)
    for what in ("script-src-elem, inline", "script-src-attr, inline", "script-src-elem, data"):
        watch.expect(f"console: Content-Security-Policy: {what}")
    watch.expect("console: .*violates the following Content Security Policy directive")
    settled(page).goto("/")
    settled(page)
    assert smuggled in page.content()
    assert page.evaluate("window.smuggled") is None


def _expect_strict(headers: dict[str, str]) -> None:
    policy = headers["content-security-policy"]
    (scripts,) = re.findall(r"script-src ([^;]*)", policy)
    assert f"'nonce-{headers['x-nonce']}' 'strict-dynamic'" in scripts
    assert "'unsafe" not in scripts
    assert "base-uri 'none'" in policy

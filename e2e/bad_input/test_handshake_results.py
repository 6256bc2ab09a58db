"""What a handshake leaves in the URL: used twice, by somebody else, or made up."""

from __future__ import annotations

import time
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page

from clerk_middleware.local import LocalClerk

from ..fleet import Fleet
from ..servers import Framework
from .stage import Stage
from .visitor import Visitor, suffix_of, visiting

PRODUCTION = {"instance_type": "production", "host": "clerk.example.com"}


def nonce_url(visitor: Visitor) -> str:
    """That of the last handshake."""
    return next(
        visit.url for visit in reversed(visitor.watch.visits) if "__clerk_handshake_nonce=" in visit.url
    )


def handshake_token(clerk: LocalClerk, *directives: str) -> str:
    return clerk._issuer.handshake_token(list(directives))


def test_a_handshakes_url_signs_nobody_in_twice(
    plain_visitor: Visitor, new_browser: Callable[..., BrowserContext]
) -> None:
    visitor = plain_visitor
    visitor.go(visitor.arrival)
    copied, good = nonce_url(visitor), visitor.cookies()
    assert visitor.go(copied) == "signed in"  # by the cookies that it has
    visitor.page.go_back()
    assert visitor.ending() == "signed in"
    visitor.have_cookies({})
    assert visitor.go(copied) == "signed out"
    visitor.have_cookies(good)
    assert visitor.go(copied) == "signed in"
    elsewhere = Visitor(
        visitor.fleet,
        new_browser(java_script_enabled=False).new_page(),
        visitor.person,
        visitor.session,
        visitor.watch,
    )
    assert elsewhere.go(copied) == "signed out"
    assert not any(name.startswith("__session") for name in elsewhere.cookies())


def test_results_that_are_made_up_are_taken_out_of_the_url(plain_visitor: Visitor) -> None:
    visitor = plain_visitor
    visitor.go(visitor.arrival)
    good, clerk = visitor.cookies(), visitor.fleet.clerk
    expired = clerk.session_token(visitor.session, azp=visitor.fleet.url, issued_at=time.time() - 600)
    results = [
        "_nonce=junk",
        f"_nonce={'x' * 900}",
        "_nonce=%00%ff%2f..%2f",
        "_nonce=a&__clerk_handshake=b",
        f"={handshake_token(clerk)}",
        f"={good['__session']}",
        # Signed by the instance: an old link, of which the session token has expired.
        f"={handshake_token(clerk, f'__session={expired}; Path=/', '__client_uat=1; Path=/')}",
    ]
    for result in results:
        visitor.have_cookies(good)
        assert visitor.go(f"/dashboard?__clerk_handshake{result}") == "signed in", result
        assert visitor.page.url == f"{visitor.fleet.url}/dashboard"
        visitor.have_cookies({})
        assert visitor.go(f"/dashboard?__clerk_handshake{result}") == "signed out", result


def test_a_handshake_token_that_the_instance_did_not_sign_is_explained(
    plain_visitor: Visitor, stage: Stage
) -> None:
    visitor = plain_visitor
    visitor.watch.expect("400 GET .*__clerk_handshake=")
    foreign = handshake_token(stage.predecessor(), "__session=abc; Path=/")
    for token, said in ((foreign, "of another instance"), ("junk", "was refused")):
        assert visitor.go(f"/dashboard?__clerk_handshake={token}") == "400"
        explained = visitor.page.locator("body").inner_text()
        assert "handshake-failed" in explained
        assert said in explained
        assert visitor.go() == "signed out"


def test_in_production_a_nonce_that_was_used_is_forgotten(
    framework: Framework,
    fleets: Callable[..., Fleet],
    new_browser: Callable[..., BrowserContext],
    visitor: Visitor,
) -> None:
    """It is a cookie there: as it is left where the answer to the first visit never arrived."""
    production = fleets(framework, seed=PRODUCTION)
    page: Page = new_browser(base_url=production.url).new_page()
    patient = visiting(production, page, visitor.watch)
    assert patient.session.client is not None
    patient.have_cookies({"__client": patient.session.client.token, "__client_uat": "1"})
    page.goto("/dashboard")
    patient.expect_signed_in()
    good = patient.cookies()
    assert f"__session_{suffix_of(production.clerk)}" in good
    for name in ("__clerk_handshake_nonce", "__clerk_handshake"):
        patient.have_cookies({**good, name: "junk"})
        before = len(visitor.watch.visits)
        page.goto("/dashboard")
        patient.expect_signed_in()
        patient.expect_few_steps(before, rounds=2)

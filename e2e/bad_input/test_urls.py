"""Parameters of Clerk's in the URL that lead nowhere, and organizations that the visitor is no member of."""

from __future__ import annotations

from urllib.parse import quote

from ..fleet import HARBOR
from .visitor import Visitor


def test_parameters_that_are_made_up_change_nothing(plain_visitor: Visitor) -> None:
    visitor = plain_visitor
    visitor.go(visitor.arrival)
    good, here = visitor.cookies(), quote(f"{visitor.fleet.url}/dashboard", safe="")
    queries = [
        "__clerk_synced=true",
        "__clerk_synced=false",
        "__clerk_synced=%00",
        "__clerk_redirect_url=javascript%3Aalert(1)",
        "__clerk_redirect_url=%00",
        "__clerk_redirect_url=%2F%2Felsewhere.example",
        "__clerk_redirect_url=http%3A%2F%2F%5B",
        f"__clerk_redirect_url={here}",
        "__clerk_satellite_url=https%3A%2F%2Felsewhere.example",
        "__clerk_redirect_count=99",
        "__clerk_help=1",
        "__clerk_handshake_nonce=",
        "__clerk_handshake=",
        "__clerk%00=%ff&%ff=__clerk_db_jwt",
    ]
    for query in queries:
        visitor.have_cookies(good)
        assert visitor.go(f"/dashboard?{query}") == "signed in", query
    for query in ("__clerk_synced=false", f"__clerk_redirect_url={here}"):
        visitor.have_cookies({})
        assert visitor.go(f"/dashboard?{query}") == "signed out", query


def test_an_organization_of_others_does_not_become_the_active_one(plain_visitor: Visitor) -> None:
    visitor = plain_visitor
    visitor.watch.expect("404 GET .*/(orgs|switch)/")
    visitor.go(visitor.arrival)
    good, own = visitor.cookies(), visitor.session.organization_id
    for path in (f"/orgs/{HARBOR}", "/orgs/nobodys", "/orgs/%00%2e%2e", "/switch/org_nobodys"):
        visitor.have_cookies(good)
        # One handshake might have made it active, two more are tried, and then it is not found.
        assert visitor.go(path, handshakes=3) == "404", path
        assert visitor.session.organization_id == own
        visitor.have_cookies({})
        assert visitor.go(path) == "signed out", path


def test_the_handshake_itself_sends_nobody_elsewhere(plain_visitor: Visitor) -> None:
    visitor = plain_visitor
    visitor.watch.expect("400 GET .*/handshake")
    handshake = "/__clerk/v1/client/handshake"
    own = quote(f"{visitor.fleet.url}{handshake}", safe="")
    for query in (
        "",
        "?redirect_url=https://elsewhere.example/",
        "?redirect_url=junk",
        f"?redirect_url={own}",
    ):
        visitor.page.goto(f"{handshake}{query}")
        assert visitor.watch.visits[-1].status == 400
        assert "redirect_url" in visitor.page.locator("body").inner_text()

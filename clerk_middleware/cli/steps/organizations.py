"""Another organization becomes the active one."""

from __future__ import annotations

from urllib.parse import quote

from ..tour import Tour, expect


def organization_by_url(tour: Tour) -> None:
    """A URL of another organization makes it the active one, and the permissions change"""
    browser = tour.browser("grace")
    tour.page(tour.sign_in("grace", "user_grace", "/loads", code="424242"), "Blue Ridge Freight")
    tour.page(browser.visit(tour.url("/reports")), "org:admin:access_all_reports", status=403)
    answer = browser.visit(tour.url("/orgs/harbor-lines"))
    tour.page(answer, "org:admin")
    query = tour.handshake_of(answer)
    asked = (query["__clerk_hs_reason"], query.get("organization_id"))
    expect("reason and organization", asked, ("active-organization-mismatch", "harbor-lines"))
    tour.page(browser.visit(tour.url("/reports")), "Harbor Lines")


def organization_of_others(tour: Tour) -> None:
    """A URL of an organization that one is no member of: 404, and no endless redirects"""
    answer = tour.browser("rosa").visit(tour.url("/orgs/harbor-lines"))
    tour.page(answer, "There is nothing here", status=404)


def organization_by_page(tour: Tour) -> None:
    """Switched back on Clerk's page, the permissions are those of before"""
    url = tour.clerk_page(f"/switch-organization?redirect_url={quote(tour.url('/loads'), safe='')}")
    tour.page(tour.browser("grace").submit(url, {"organization_id": "org_blue_ridge"}), "Blue Ridge Freight")
    tour.page(tour.browser("grace").visit(tour.url("/reports")), status=403)

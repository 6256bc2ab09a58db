"""What a role, a plan and a recent password allow, and what another site may not do."""

from __future__ import annotations

from ..browser import link_on
from ..tour import Tour, expect
from .loads import LOAD


def form(tour: Tour) -> None:
    """A dispatcher creates a load by a form"""
    answer = tour.browser("dev").submit(tour.url("/loads"), LOAD)
    tour.page(answer, "Asheville → Savannah")


def form_of_another_site(tour: Tour) -> None:
    """The same form on a page of another site creates nothing (CSRF)"""
    browser, load = tour.browser("dev"), {**LOAD, "destination": "Forgery"}
    answer = browser.submit(tour.url("/loads"), load, page="https://attacker.example/")
    expect("status", answer.status_code, 403)
    expect("the forged load", "Forgery" in browser.visit(tour.url("/loads")).text, False)


def other_role(tour: Tour) -> None:
    """A driver sees the own loads; of a page behind protect() there is nothing to see: 404"""
    tour.page(tour.sign_in("rosa", "user_rosa", "/my-loads"), "Charlotte → Bristol")
    page = tour.page(tour.browser("rosa").visit(tour.url("/loads")), "There is nothing here", status=404)
    expect("a link to /loads in the navigation", link_on(page, "/loads"), "")
    answer = tour.browser("rosa").fetch(tour.url("/api/audit"))
    expect("status and body", (answer.status_code, answer.json()), (404, {"detail": "Not Found"}))


def forbidden(tour: Tour) -> None:
    """A driver gets 403 for what a dispatcher may do, and is told the permission"""
    browser = tour.browser("rosa")
    tour.page(browser.visit(tour.url("/compliance")), "org:compliance:view_compliance_dashboard", status=403)
    answer = browser.fetch(tour.url("/api/loads"), {**LOAD, "tons": 1})
    expect("status", answer.status_code, 403)
    required = answer.json()["clerk_error"]["metadata"]["required"]
    expect("what was required", required, {"permission": "org:dispatcher:create_edit_loads"})


def token_in_header(tour: Tour) -> None:
    """A program with a session token in the Authorization header; a token of another site is refused"""
    token = tour.clerk.issue_session_token("user_carmen", organization="blue-ridge-freight", azp=tour.url(""))
    answer = tour.browser("program").fetch(tour.url("/api/me"), token=token)
    expect(
        "user and role",
        (answer.json().get("user_id"), answer.json().get("role")),
        ("user_carmen", "org:compliance"),
    )
    foreign = tour.clerk.issue_session_token("user_carmen", azp="https://attacker.example")
    answer = tour.browser("program").fetch(tour.url("/api/me"), token=foreign)
    expect("status", answer.status_code, 401)
    expect("reason", answer.json()["clerk_error"]["reason"], "token-invalid-authorized-parties")


def reverification(tour: Tour) -> None:
    """To pay a driver, an administrator has to verify again; then it works"""
    tour.signed_in_earlier("ada", "user_ada", "blue-ridge-freight", minutes=15)
    browser, pay = tour.browser("ada"), tour.url("/company/drivers/user_rosa/pay")
    tour.page(browser.visit(tour.url("/company")), "$1,840")
    answer = browser.fetch(tour.url("/api/payments"), {"driver_id": "user_rosa"})
    wanted = {"reverification": {"level": "first_factor", "afterMinutes": 1}}
    error = {"type": "forbidden", "reason": "reverification-error", "metadata": wanted}
    expect("status and body", (answer.status_code, answer.json()), (403, {"clerk_error": error}))
    page = tour.page(browser.submit(pay, {}, page=tour.url("/company")), "show that it is you", status=403)
    verify = expect("a link to verify", link_on(page, "/verify"), bool, as_text="one to LocalClerk")
    back = browser.submit(verify, {"password": "fleet-demo"})
    tour.page(back, "$1,840")
    expect("URL", str(back.url), tour.url("/company"))
    tour.page(browser.submit(pay, {}, page=tour.url("/company")), '<span class="status paid">paid</span>')


def plans(tour: Tour) -> None:
    """What a plan does not include gets 403; what the user's own plan includes is there"""
    tour.page(tour.browser("grace").visit(tour.url("/fuel")), "org:fuel_reports", status=403)
    tour.page(tour.browser("ada").visit(tour.url("/fuel")), "Volvo FH 21")
    csv = tour.browser("grace").request(tour.url("/loads.csv"))
    expect("status and head", (csv.status_code, csv.text[:20]), (200, "number,from,to,statu"))

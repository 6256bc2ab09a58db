"""The steps of the tour. A step's docstring is the line that is printed; steps build on earlier ones."""

from __future__ import annotations

from io import StringIO
from urllib.parse import quote

from .browser import form_on, link_on
from .tour import Step, Tour, expect, needing

__all__ = ["STEPS"]

_LOAD = {"origin": "Asheville", "destination": "Savannah", "cargo": "Paper", "tons": "12.5"}


def public_page(tour: Tour) -> None:
    """Signed out: a public page is shown, after one handshake"""
    answer = tour.browser("dev").visit(tour.url("/"))
    tour.page(answer, "Sign in to your company")
    expect("reason", tour.handshake_of(answer)["__clerk_hs_reason"], "dev-browser-missing")
    expect("a cookie for the browser", tour.browser("dev").cookie("__clerk_db_jwt"), bool, as_text="one")


def redirect_to_sign_in(tour: Tour) -> None:
    """Signed out: a page for members redirects to sign-in, with the way back"""
    query = tour.sent_to(tour.browser("dev").request(tour.url("/loads")), "/sign-in")
    expect("redirect_url", query.get("redirect_url"), tour.url("/loads"))


def unauthorized_api(tour: Tour) -> None:
    """Signed out: an API call gets 401 and no redirect"""
    answer = tour.browser("dev").fetch(tour.url("/api/loads"))
    expect("status", answer.status_code, 401)
    expect("WWW-Authenticate", answer.headers.get("www-authenticate"), "Bearer")
    expect("type", answer.json()["clerk_error"]["type"], "unauthorized")


def sign_in(tour: Tour) -> None:
    """Sign in as a dispatcher: a handshake leads back to the page that was asked for"""
    answer = tour.sign_in("dev", "user_dev", "/loads")
    tour.page(answer, "Create load")
    expect("URL", str(answer.url), tour.url("/loads"))
    expect("reason", tour.handshake_of(answer)["__clerk_hs_reason"], "dev-browser-sync")
    names = {name.removesuffix(f"_{_suffix(tour)}") for name in tour.browser("dev").cookie_names()}
    expected = {"__session", "__client_uat", "__refresh", "__clerk_db_jwt"}
    expect("cookies", names & expected, expected)


def no_further_handshake(tour: Tour) -> None:
    """Signed in: the next page needs no redirect and sets no cookie of Clerk's"""
    answer = tour.browser("dev").request(tour.url("/loads"))
    tour.page(answer, "Dev Patel")
    cookies = [line.partition("=")[0] for line in answer.headers.get_list("set-cookie")]
    expect("Set-Cookie", [name for name in cookies if name.startswith("__")], [])


def form(tour: Tour) -> None:
    """A dispatcher creates a load by a form"""
    answer = tour.browser("dev").submit(tour.url("/loads"), _LOAD)
    tour.page(answer, "Asheville → Savannah")


def form_of_another_site(tour: Tour) -> None:
    """The same form on a page of another site creates nothing (CSRF)"""
    browser, load = tour.browser("dev"), {**_LOAD, "destination": "Forgery"}
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
    answer = browser.fetch(tour.url("/api/loads"), {**_LOAD, "tons": 1})
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
    wanted = {"reverification": {"level": "first_factor", "after_minutes": 1}}
    error = {"type": "forbidden", "reason": "reverification-error", "metadata": wanted}
    expect("status and body", (answer.status_code, answer.json()), (403, {"clerk_error": error}))
    page = tour.page(browser.submit(pay, {}, page=tour.url("/company")), "show that it is you", status=403)
    verify = expect("a link to verify", link_on(page, "/verify"), bool, as_text="one to LocalClerk")
    back = browser.submit(verify, {"password": "fleet-demo"})
    tour.page(back, "$1,840")
    expect("URL", str(back.url), tour.url("/company"))
    tour.page(browser.submit(pay, {}, page=tour.url("/company")), '<span class="status paid">paid</span>')


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


def plans(tour: Tour) -> None:
    """What a plan does not include gets 403; what the user's own plan includes is there"""
    tour.page(tour.browser("grace").visit(tour.url("/fuel")), "org:fuel_reports", status=403)
    tour.page(tour.browser("ada").visit(tour.url("/fuel")), "Volvo FH 21")
    csv = tour.browser("grace").request(tour.url("/loads.csv"))
    expect("status and head", (csv.status_code, csv.text[:20]), (200, "number,from,to,statu"))


def organization_by_page(tour: Tour) -> None:
    """Switched back on Clerk's page, the permissions are those of before"""
    url = tour.clerk_page(f"/switch-organization?redirect_url={quote(tour.url('/loads'), safe='')}")
    tour.page(tour.browser("grace").submit(url, {"organization_id": "org_blue_ridge"}), "Blue Ridge Freight")
    tour.page(tour.browser("grace").visit(tour.url("/reports")), status=403)


def refresh(tour: Tour) -> None:
    """An expired session token is refreshed without a redirect"""
    session = tour.signed_in_earlier("old", "user_dev", "blue-ridge-freight", minutes=5)
    tour.let_token_expire("old", session)
    answer = tour.browser("old").request(tour.url("/loads"))
    tour.page(answer, "Create load")
    names = {line.partition("=")[0] for line in answer.headers.get_list("set-cookie")}
    expect("a session token in Set-Cookie", f"__session_{_suffix(tour)}" in names, True)
    tour.page(tour.browser("old").request(tour.url("/loads")), "Create load")


def form_too_late(tour: Tour) -> None:
    """A form that is sent with an expired token changes nothing, and says so"""
    session = tour.signed_in_earlier("late", "user_dev", "blue-ridge-freight", minutes=5)
    tour.page(tour.browser("late").visit(tour.url("/loads")), "Create load")
    tour.let_token_expire("late", session)
    answer = tour.browser("late").submit(tour.url("/loads"), {**_LOAD, "destination": "Too late"})
    tour.page(answer, "That page was open too long", status=401)
    loads = tour.page(tour.browser("late").visit(link_on(answer, "/loads")), "Create load")
    expect("the load", "Too late" in loads.text, False)


def handshake_for_expired(tour: Tour) -> None:
    """With the refresh cookie gone, a handshake does the same"""
    session = tour.signed_in_earlier("older", "user_dev", "blue-ridge-freight", minutes=5)
    tour.let_token_expire("older", session)
    tour.browser("older").forget_cookie("__refresh")
    answer = tour.browser("older").visit(tour.url("/loads"))
    tour.page(answer, "Create load")
    reason = "session-token-expired-refresh-non-eligible-no-refresh-cookie"
    expect("reason", tour.handshake_of(answer)["__clerk_hs_reason"], reason)


def revoked(tour: Tour) -> None:
    """A session that was revoked ends with its token: there is no refresh, and sign-in comes next"""
    session = tour.signed_in_earlier("revoked", "user_ada", "blue-ridge-freight", minutes=5)
    tour.clerk.revoke_session(session.id)
    tour.let_token_expire("revoked", session)
    answer = tour.browser("revoked").visit(tour.url("/reports"))
    expect("page", str(answer.url).partition("?")[0], tour.clerk_page("/sign-in"))
    reason = "session-token-expired-refresh-session_not_active"
    expect("reason", tour.handshake_of(answer)["__clerk_hs_reason"], reason)


@needing("a WebSocket")
def websocket(tour: Tour) -> None:
    """A WebSocket opens for a dispatcher, and neither for a stranger nor for a page of another site"""
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect
    from websockets.typing import Origin

    url = tour.url("/live").replace("http", "ws", 1)

    def opened(cookies: str, origin: str) -> int:
        try:
            with connect(
                url, additional_headers={"cookie": cookies}, origin=Origin(origin), proxy=None
            ) as socket:
                expect("a truck", str(socket.recv(timeout=5)), lambda text: "Rosa" in text, as_text="Rosa's")
                return 101
        except InvalidStatus as refusal:
            return refusal.response.status_code

    cookies = tour.browser("dev").cookie_header()
    expect("a dispatcher's status", opened(cookies, tour.demo.app_url), 101)
    expect("a driver's status", opened(tour.browser("rosa").cookie_header(), tour.demo.app_url), 403)
    expect("a stranger's status", opened("", tour.demo.app_url), 401)
    expect("status for a page of another site", opened(cookies, "https://attacker.example"), 403)


@needing("positions by polling")
def positions(tour: Tour) -> None:
    """A page asks where the trucks are: a dispatcher is told, neither a driver nor a stranger is"""
    tour.page(tour.browser("dev").visit(tour.url("/tracking")), 'data-poll="/live"')
    trucks = tour.browser("dev").fetch(tour.url("/live"))
    expect("status", trucks.status_code, 200)
    expect("drivers", [truck["driver"] for truck in trucks.json()], ["Rosa Lindqvist"])
    expect("a driver's status", tour.browser("rosa").fetch(tour.url("/live")).status_code, 403)
    expect("a stranger's status", tour.browser("stranger").fetch(tour.url("/live")).status_code, 401)


@needing("an OpenAPI document")
def described(tour: Tour) -> None:
    """The API describes itself: an OpenAPI document names its calls"""
    document = tour.browser("dev").fetch(tour.url(tour.demo.application.schema)).json()
    paths = {"/api/me", "/api/loads", "/api/payments", "/api/audit"}
    expect("paths", paths & document["paths"].keys(), paths)


@needing("local users and an admin")
def local_user(tour: Tour) -> None:
    """The admin is for staff, which no role at Clerk makes; it shows one local user for each person"""
    from django.core.management import call_command

    browser, users = tour.browser("ada"), tour.url("/admin/accounts/user/?q=user_dev")
    page = tour.browser("nobody").visit(users)
    expect("page", str(page.url).partition("?")[0], tour.clerk_page("/sign-in"))
    tour.page(browser.visit(users), "your account may not open the page", status=403)
    call_command("make_staff", "user_ada", stdout=StringIO())
    tour.page(browser.visit(users), "1 user")


def sign_out(tour: Tour) -> None:
    """Signed out: the page redirects to sign-in again"""
    browser = tour.browser("dev")
    action = form_on(tour.page(browser.visit(tour.url("/dashboard"))), "sign-out")
    tour.page(browser.submit(action, {}), "Sign in to your company")
    expect("the session cookie", browser.cookie("__session"), None)
    tour.sent_to(browser.request(tour.url("/loads")), "/sign-in")
    expect("status of the API", browser.fetch(tour.url("/api/me")).status_code, 401)


def _suffix(tour: Tour) -> str:
    from clerk_middleware import PublishableKey

    return PublishableKey.parse(tour.clerk.publishable_key).cookie_suffix


STEPS: tuple[Step, ...] = (
    public_page,
    redirect_to_sign_in,
    unauthorized_api,
    sign_in,
    no_further_handshake,
    form,
    form_of_another_site,
    other_role,
    forbidden,
    token_in_header,
    reverification,
    organization_by_url,
    organization_of_others,
    plans,
    organization_by_page,
    refresh,
    form_too_late,
    handshake_for_expired,
    revoked,
    websocket,
    positions,
    described,
    local_user,
    sign_out,
)

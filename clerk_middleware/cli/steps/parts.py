"""What not every application has."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

from ..tour import Tour, expect, needing


@needing("a WebSocket")
def websocket(tour: Tour) -> None:
    """A WebSocket opens for a dispatcher, and neither for a stranger nor for a page of another site"""
    from websockets.exceptions import InvalidStatus

    def opened(cookies: str, origin: str) -> int:
        try:
            trucks = _trucks_by_socket(tour, cookies, origin)
        except InvalidStatus as refusal:
            return refusal.response.status_code
        expect("drivers", [truck["driver"] for truck in trucks], ["Rosa Lindqvist"])
        return 101

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
    """The API describes itself: an OpenAPI document names its calls, and the tokens that each takes"""
    document = tour.browser("dev").fetch(tour.url(tour.demo.application.schema)).json()
    paths = {"/api/me", "/api/loads", "/api/positions", "/api/payments", "/api/audit"}
    expect("paths", paths & document["paths"].keys(), paths)
    partners, sessions = {"ClerkAPIKey", "ClerkOAuthToken"}, {"ClerkSessionToken", "ClerkSessionCookie"}
    expect("ways to read loads", _schemes(document, "/api/loads", "get"), partners | sessions)
    expect("ways to report a position", _schemes(document, "/api/positions", "post"), {"ClerkM2MToken"})


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


def trucks_of(tour: Tour, name: str) -> Any:
    """Where the trucks are, as that browser's page learns of it."""
    browser = tour.browser(name)
    if "a WebSocket" in tour.demo.application.parts:
        return _trucks_by_socket(tour, browser.cookie_header(), tour.demo.app_url)
    return browser.fetch(tour.url("/live")).json()


def _trucks_by_socket(tour: Tour, cookies: str, origin: str) -> Any:
    from websockets.sync.client import connect
    from websockets.typing import Origin

    url, headers = tour.url("/live").replace("http", "ws", 1), {"cookie": cookies}
    with connect(url, additional_headers=headers, origin=Origin(origin), proxy=None) as socket:
        return json.loads(socket.recv(timeout=5))


def _schemes(document: dict[str, Any], path: str, method: str) -> set[str]:
    return {name for scheme in document["paths"][path][method]["security"] for name in scheme}

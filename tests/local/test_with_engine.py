"""An application that knows nothing but keys and URLs signs people in by LocalClerk."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from clerk_middleware import Authenticator, ClerkConfig, ClerkRequest, RequestState, SessionAuth
from clerk_middleware.local import LocalClerk, LocalServer, load_seed


@dataclass
class Browser:
    """Follows redirects between LocalClerk and an application, on one host: cookies know no ports."""

    clerk_url: str
    authenticator: Authenticator
    cookies: dict[str, str] = field(default_factory=dict)

    def open(self, url: str, form: dict[str, str] | None = None) -> RequestState:
        """Where a navigation, or the sending of a form, ends in the application."""
        self.cookies.pop("__clerk_redirect_count", None)  # it lives for two seconds
        for _ in range(10):
            cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            if url.startswith(self.clerk_url):
                headers = {"cookie": cookie}
                response = (
                    httpx.post(url, data=form, headers=headers) if form else httpx.get(url, headers=headers)
                )
                location, lines = response.headers["location"], response.headers.get_list("set-cookie")
            else:
                accept = {"accept": "text/html", "sec-fetch-dest": "document", "cookie": cookie}
                state = self.authenticator.authenticate_request(ClerkRequest("GET", url, accept))
                answer = [(name.lower(), value) for name, value in state.headers]
                location = next((value for name, value in answer if name == "location"), None)
                lines = [value for name, value in answer if name == "set-cookie"]
            self._keep(lines)
            if location is None:
                return state
            url, form = urljoin(url, location), None
        raise AssertionError("a redirect loop")

    def _keep(self, lines: list[str]) -> None:
        for line in lines:
            name, _, rest = line.partition("=")
            self.cookies[name] = rest.partition(";")[0]
            if "Max-Age=0" in line:
                del self.cookies[name]


@pytest.fixture(params=["development", "production"])
def clerk(request: pytest.FixtureRequest, clock: Any) -> LocalClerk:
    fleet: dict[str, Any] = tomllib.loads(
        resources.files("clerk_middleware.local").joinpath("fleet.toml").read_text("utf-8")
    )
    return LocalClerk(
        {**fleet, "instance": {"type": request.param, "host": "clerk.example.com"}}, clock=clock
    )


@pytest.fixture
def browser(clerk: LocalClerk, server: LocalServer, clock: Any) -> Iterator[Browser]:
    config = ClerkConfig(
        publishable_key=clerk.publishable_key,
        secret_key=clerk.secret_key,
        api_url=server.url,
        proxy_url=server.url,
        sign_in_url=f"{server.url}/sign-in",
        authorized_parties=["http://127.0.0.1:8000"],
        organization_patterns=["/orgs/:slug"],
    )
    with Authenticator(config, clock=clock) as authenticator:
        yield Browser(server.url, authenticator)


APP = "http://127.0.0.1:8000"


def sign_in(browser: Browser, user_id: str) -> RequestState:
    page = f"{browser.clerk_url}/sign-in?redirect_url={APP}/loads"
    return browser.open(page, {"user_id": user_id, "password": "fleet-demo"})


def test_in_and_out(browser: Browser) -> None:
    assert browser.open(f"{APP}/loads").status == "signed-out"
    auth = sign_in(browser, "user_dev").to_auth()
    assert (auth.user_id, auth.org_slug, auth.org_role) == (
        "user_dev",
        "blue-ridge-freight",
        "org:dispatcher",
    )
    assert auth.has(permission="org:dispatcher:assign_drivers")
    assert not auth.has(permission="org:admin:view_audit_logs")
    assert browser.open(f"{APP}/other").is_authenticated
    form = {"any": "thing"}
    assert browser.open(f"{browser.clerk_url}/sign-out?redirect_url={APP}/loads", form).status == "signed-out"
    assert browser.open(f"{APP}/loads").status == "signed-out"


def test_the_organization_follows_the_url_and_the_page(
    clerk: LocalClerk, browser: Browser, clock: Any
) -> None:
    session = clerk.sign_in("user_grace", "blue-ridge-freight")
    assert session.client is not None
    name = "__clerk_db_jwt" if clerk.instance_type == "development" else "__client"
    browser.cookies[name] = session.client.token
    browser.cookies["__client_uat"] = str(int(clock.now))
    assert browser.open(f"{APP}/loads").to_auth().org_slug == "blue-ridge-freight"
    assert browser.open(f"{APP}/orgs/harbor-lines").to_auth().org_role == "org:admin"
    page = f"{browser.clerk_url}/switch-organization?redirect_url={APP}/loads"
    assert browser.open(page, {"organization_id": "org_blue_ridge"}).to_auth().org_role == "org:dispatcher"


def test_an_expired_token_is_refreshed_until_the_session_is_revoked(
    clerk: LocalClerk, browser: Browser, clock: Any
) -> None:
    session_id = sign_in(browser, "user_dev").to_auth().session_id
    assert session_id
    clock.now += 120
    state = browser.open(f"{APP}/loads")
    assert state.is_authenticated
    assert any(name.lower() == "set-cookie" for name, _ in state.headers)
    clerk.rotate_key()
    clock.now += 120
    assert browser.open(f"{APP}/loads").is_authenticated
    clerk.revoke_session(session_id)
    clock.now += 120
    assert browser.open(f"{APP}/loads").status == "signed-out"


def test_has_answers_for_every_role_of_the_fleet(clerk: LocalClerk, browser: Browser) -> None:
    fleet = load_seed()
    known = {permission for role in fleet.roles.values() for permission in role.permissions}
    for organization in fleet.organizations.values():
        for user_id, role in organization.members.items():
            token = clerk.issue_session_token(user_id, organization=organization.id, azp=APP)
            auth = SessionAuth.from_claims(browser.authenticator.verify_token(token), token=token)
            held = {p for p in fleet.roles[role].permissions if not p.startswith("org:sys_")}
            assert {permission for permission in known if auth.has(permission=permission)} == held
            assert auth.has(role=role, plan=f"o:{organization.plan}")
            assert auth.has(feature="live_tracking") == (organization.plan == "pro")

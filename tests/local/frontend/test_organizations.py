"""Organizations by clerk-js: making, changing, deleting them, and who may."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from clerk_middleware.local import LocalClerk, rules
from clerk_middleware.local.records import Session

from ..conftest import Clock
from .conftest import seed_with
from .page import Page, error_in

BLUE_RIDGE = "/organizations/org_blue_ridge"
SignedIn = Callable[..., tuple[Page, Session]]


def test_everybody_can_make_one_and_is_its_admin(signed_in: SignedIn, clerk: LocalClerk) -> None:
    page, session = signed_in("user_sam")
    answer = page.post("/organizations", name="Sam's Carrier", slug="sams-carrier").json()
    made = answer["response"]
    assert (made["object"], made["name"], made["slug"]) == ("organization", "Sam's Carrier", "sams-carrier")
    assert (made["members_count"], made["pending_invitations_count"]) == (1, 0)
    assert "private_metadata" not in made
    assert dict(clerk.organizations[made["id"]].members) == {"user_sam": "org:admin"}
    (membership,) = answer["client"]["sessions"][0]["user"]["organization_memberships"]
    assert (membership["role"], membership["organization"]["id"]) == ("org:admin", made["id"])
    assert "org:sys_memberships:manage" in membership["permissions"]
    chosen = page.post(f"/client/sessions/{session.id}/touch", active_organization_id=made["id"]).json()
    assert chosen["response"]["last_active_organization_id"] == made["id"]
    assert [message.type for message in clerk.webhook_messages][-2:] == [
        "organization.created",
        "organizationMembership.created",
    ]


def test_a_slug_is_made_of_the_name(signed_in: SignedIn) -> None:
    page, _ = signed_in("user_sam")
    assert page.post("/organizations", name="Acme & Co", slug="").json()["response"]["slug"] == "acme-co"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, (422, "form_param_missing", "name")),
        ({"name": " "}, (422, "form_param_missing", "name")),
        ({"name": "n" * 257}, (422, "form_param_value_invalid", "name")),
        ({"name": "N", "slug": "Not A Slug"}, (422, "form_param_format_invalid", "slug")),
        ({"name": "N", "slug": "---"}, (422, "form_param_format_invalid", "slug")),
        ({"name": "N", "slug": "blue-ridge-freight"}, (422, "form_identifier_exists", "slug")),
    ],
)
def test_what_an_organization_must_be_like(
    signed_in: SignedIn, clerk: LocalClerk, form: dict[str, str], error: tuple[int, str, str]
) -> None:
    page, _ = signed_in("user_sam")
    assert error_in(page.post("/organizations", **form)) == error
    assert len(clerk.organizations) == 2


def test_there_is_room_for_so_many(signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    page, _ = signed_in("user_sam")
    monkeypatch.setattr(rules, "MAXIMUM_MEMBERSHIPS", 1)
    assert page.post("/organizations", name="One").status_code == 200
    one_too_many = page.post("/organizations", name="Two")
    assert error_in(one_too_many)[:2] == (403, "organization_membership_quota_exceeded")
    monkeypatch.setattr(rules, "MAXIMUM_ORGANIZATIONS", 3)
    assert error_in(page.post("/organizations", name="Two"))[:2] == (403, "organization_quota_exceeded")


def test_members_see_their_organization_and_change_it_with_permission(
    signed_in: SignedIn, clerk: LocalClerk
) -> None:
    admin, _ = signed_in("user_ada")
    seen = admin.get(BLUE_RIDGE).json()["response"]
    assert (seen["name"], seen["members_count"]) == ("Blue Ridge Freight", 5)
    changed = admin.ask("PATCH", BLUE_RIDGE, {"name": "Blue Ridge", "slug": "blue-ridge"}).json()["response"]
    assert (changed["name"], changed["slug"]) == ("Blue Ridge", "blue-ridge")
    same_slug = admin.ask("PATCH", BLUE_RIDGE, {"slug": "blue-ridge"})
    assert same_slug.json()["response"]["name"] == "Blue Ridge"
    taken = admin.ask("PATCH", BLUE_RIDGE, {"slug": "harbor-lines"})
    assert error_in(taken) == (422, "form_identifier_exists", "slug")
    assert clerk.organizations["org_blue_ridge"].slug == "blue-ridge"


def test_deleting_takes_it_out_of_every_session(signed_in: SignedIn, clerk: LocalClerk) -> None:
    admin, _ = signed_in("user_ada", "blue-ridge-freight")
    driver, _ = signed_in("user_rosa", "blue-ridge-freight")
    answer = admin.ask("DELETE", BLUE_RIDGE).json()
    assert answer["response"] == {"object": "organization", "id": "org_blue_ridge", "deleted": True}
    assert answer["client"]["sessions"][0]["last_active_organization_id"] is None
    assert "org_blue_ridge" not in clerk.organizations
    assert driver.client()["sessions"][0]["user"]["organization_memberships"] == []
    assert error_in(driver.get(BLUE_RIDGE)) == (404, "resource_not_found", None)


def test_roles_for_choosing_one(signed_in: SignedIn) -> None:
    page, _ = signed_in("user_rosa")
    answer = page.get(f"{BLUE_RIDGE}/roles", limit="20", offset="0").json()["response"]
    assert answer["total_count"] == 5
    assert answer["has_role_set_migration"] is False
    assert [role["key"] for role in answer["data"]][:2] == ["org:admin", "org:compliance"]
    types = {permission["key"]: permission["type"] for permission in answer["data"][1]["permissions"]}
    assert types["org:sys_memberships:read"] == "system"
    assert types["org:compliance:access_audit_logs"] == "user"
    part = page.get(f"{BLUE_RIDGE}/roles", limit="1", offset="1").json()["response"]
    assert ([role["key"] for role in part["data"]], part["total_count"]) == (["org:compliance"], 5)
    assert error_in(page.get(f"{BLUE_RIDGE}/roles", limit="-1")) == (422, "form_param_value_invalid", "limit")


def test_there_are_no_domains_and_nobody_asks_to_join(signed_in: SignedIn) -> None:
    page, _ = signed_in("user_ada")
    nothing = {"data": [], "total_count": 0}
    for path in ("domains", "membership_requests"):
        assert page.get(f"{BLUE_RIDGE}/{path}").json()["response"] == nothing


@pytest.mark.parametrize("user_id", ["user_carmen", "user_rosa", "user_dev"])
@pytest.mark.parametrize(
    ("method", "path", "form", "permission"),
    [
        ("PATCH", "", {"name": "Mine"}, "org:sys_profile:manage"),
        ("DELETE", "", {}, "org:sys_profile:delete"),
        ("GET", "/domains", {}, "org:sys_domains:read"),
        ("GET", "/membership_requests", {}, "org:sys_memberships:manage"),
        ("GET", "/invitations", {}, "org:sys_memberships:manage"),
        (
            "POST",
            "/invitations",
            {"email_address": "m@example.com", "role": "org:admin"},
            "org:sys_memberships:manage",
        ),
        (
            "POST",
            "/invitations/bulk",
            {"email_address": "m@example.com", "role": "org:admin"},
            "org:sys_memberships:manage",
        ),
        ("POST", "/invitations/orginv_1/revoke", {}, "org:sys_memberships:manage"),
        ("PATCH", "/memberships/user_rosa", {"role": "org:admin"}, "org:sys_memberships:manage"),
        ("DELETE", "/memberships/user_ada", {}, "org:sys_memberships:manage"),
    ],
)
def test_a_member_without_the_permission_is_told_which(
    signed_in: SignedIn,
    clerk: LocalClerk,
    user_id: str,
    method: str,
    path: str,
    form: dict[str, str],
    permission: str,
) -> None:
    page, _ = signed_in(user_id, "blue-ridge-freight")
    before = clerk.organizations["org_blue_ridge"]
    refused = page.ask(method, BLUE_RIDGE + path, form)
    assert error_in(refused) == (403, "missing_organization_permission", None)
    assert permission in refused.json()["errors"][0]["message"]
    assert clerk.organizations["org_blue_ridge"] == before
    assert not clerk._instance.organization_invitations


def test_without_permission_to_read_members_none_are_seen(clock: Clock) -> None:
    organization = {"id": "org_1", "slug": "one", "name": "One", "members": {"user_ada": "org:admin"}}
    other = LocalClerk(
        {**seed_with(roles={"org:admin": {"name": "Admin"}}), "organizations": [organization]}, clock=clock
    )
    session = other.sign_in("user_ada", "one")
    assert session.client is not None
    with other.serve() as own, httpx.Client(base_url=own.url) as http:
        page = Page(http, token=session.client.token)
        for path in ("memberships", "roles"):
            refused = page.get(f"/organizations/org_1/{path}")
            assert error_in(refused)[:2] == (403, "missing_organization_permission")


OTHERS = [
    ("GET", ""),
    ("PATCH", ""),
    ("DELETE", ""),
    ("GET", "/roles"),
    ("GET", "/domains"),
    ("GET", "/membership_requests"),
    ("GET", "/memberships"),
    ("PATCH", "/memberships/user_rosa"),
    ("DELETE", "/memberships/user_rosa"),
    ("GET", "/invitations"),
    ("POST", "/invitations"),
    ("POST", "/invitations/bulk"),
    ("POST", "/invitations/orginv_1/revoke"),
]


@pytest.mark.parametrize(("method", "path"), OTHERS)
def test_organizations_of_others_are_as_if_they_were_not(
    signed_in: SignedIn, clerk: LocalClerk, method: str, path: str
) -> None:
    attacker, _ = signed_in("user_sam")
    assert attacker.post("/organizations", name="Attackers").status_code == 200
    before = clerk.organizations["org_blue_ridge"]
    form = {"name": "Mine", "role": "org:admin", "email_address": "sam@example.com"}
    refused = attacker.ask(method, BLUE_RIDGE + path, form)
    unknown = attacker.ask(method, "/organizations/org_nothing" + path, form)
    assert error_in(refused) == error_in(unknown) == (404, "resource_not_found", None)
    assert refused.json()["errors"] == unknown.json()["errors"]
    assert clerk.organizations["org_blue_ridge"] == before
    assert not clerk._instance.organization_invitations


@pytest.mark.parametrize(("method", "path"), [*OTHERS, ("POST", "/logo")])
def test_who_is_signed_out_or_asks_with_anothers_session_gets_nowhere(
    signed_in: SignedIn, new_page: Callable[[], Page], clerk: LocalClerk, method: str, path: str
) -> None:
    _, victims = signed_in("user_ada", "blue-ridge-freight")
    before = clerk.organizations["org_blue_ridge"]
    form = {"name": "Mine", "role": "org:admin", "email_address": "sam@example.com"}
    attacker = new_page()
    assert error_in(attacker.ask(method, BLUE_RIDGE + path, form)) == (401, "signed_out", None)
    query = {"_clerk_session_id": victims.id}
    stolen = attacker.ask(method, BLUE_RIDGE + path, form, query=query)
    assert error_in(stolen) == (404, "resource_not_found", None)
    assert clerk.organizations["org_blue_ridge"] == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *((method, BLUE_RIDGE + path) for method, path in OTHERS if method != "GET"),
        ("POST", "/organizations"),
    ],
)
def test_a_page_elsewhere_changes_nothing(
    signed_in: SignedIn, clerk: LocalClerk, method: str, path: str
) -> None:
    page, _ = signed_in("user_ada", "blue-ridge-freight")
    before = dict(clerk.organizations)
    form = {"name": "Mine", "role": "org:driver", "email_address": "sam@example.com"}
    page.origin = "https://evil.example.com"
    assert error_in(page.ask(method, path, form))[:2] == (400, "origin_invalid")
    page.origin = None
    no_origin = page.ask(method, path, form, headers={"sec-fetch-site": "cross-site"})
    assert error_in(no_origin)[:2] == (400, "origin_invalid")
    assert dict(clerk.organizations) == before
    assert not clerk._instance.organization_invitations


def test_a_seed_without_admins_says_what_it_lacks(clock: Clock) -> None:
    clerk = LocalClerk(seed_with(), clock=clock)
    session = clerk.sign_in("user_ada")
    assert session.client is not None
    with clerk.serve() as server, httpx.Client(base_url=server.url) as http:
        refused = Page(http, token=session.client.token).post("/organizations", name="One")
    assert error_in(refused)[:2] == (403, "organization_creator_not_found")
    assert "org:admin" in refused.json()["errors"][0]["message"]


def test_what_is_not_served_says_so(signed_in: SignedIn) -> None:
    page, _ = signed_in("user_ada")
    for method, path in (
        ("PUT", f"{BLUE_RIDGE}/logo"),
        ("GET", f"{BLUE_RIDGE}/billing/subscription"),
        ("POST", f"{BLUE_RIDGE}/domains/orgdmn_1/verify"),
        ("GET", "/billing/plans"),
        ("POST", "/me/passkeys"),
    ):
        refused = page.ask(method, path)
        assert error_in(refused) == (404, "resource_not_found", None)
        assert "LocalClerk does not serve" in refused.json()["errors"][0]["message"]
        assert refused.headers["access-control-allow-origin"] == page.origin


def test_the_backend_api_has_the_same_paths_for_who_has_the_key(
    clerk: LocalClerk, browser: httpx.Client, backend: httpx.Client
) -> None:
    no_key = browser.get("/v1/organizations/org_blue_ridge")
    assert error_in(no_key)[:2] == (401, "clerk_key_invalid")
    assert backend.get("/organizations/org_blue_ridge").json()["private_metadata"] == {}
    with_both = backend.get("/organizations/org_blue_ridge", params={"_clerk_js_version": "6.40.0"})
    assert with_both.json()["private_metadata"] == {}
    for sign in ({"origin": "http://localhost:8000"}, {"cookie": "a=b"}):
        refused = browser.get("/v1/organizations/org_blue_ridge", headers=sign)
        assert error_in(refused)[:2] == (401, "dev_browser_unauthenticated")

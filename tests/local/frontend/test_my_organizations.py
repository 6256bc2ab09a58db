"""Where one is a member or invited, as the switcher, the list and the task of choosing one ask for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from clerk_middleware.local import LocalClerk
from clerk_middleware.local.records import Session
from clerk_middleware.local.seed_file import load_seed

from ..conftest import Clock
from .page import Page, error_in

SignedIn = Callable[..., tuple[Page, Session]]
MINE = "/me/organization_memberships"
INVITED = "/me/organization_invitations"


def ids(page: Page, path: str, **query: str) -> list[str]:
    """The ids of what is listed there, in all."""
    answer = page.get(path, **query)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["response"]["data"]]


def test_memberships_by_the_page(signed_in: SignedIn) -> None:
    page, _ = signed_in("user_grace")
    answer = page.get(MINE, limit="10", offset="0", paginated="true").json()
    assert answer["response"]["total_count"] == 2
    roles = [(item["organization"]["slug"], item["role"]) for item in answer["response"]["data"]]
    assert roles == [("blue-ridge-freight", "org:dispatcher"), ("harbor-lines", "org:admin")]
    assert answer["client"]["object"] == "client"
    second = page.get(MINE, limit="1", offset="1").json()["response"]
    assert [item["organization"]["slug"] for item in second["data"]] == ["harbor-lines"]
    assert error_in(page.get(MINE, offset="x")) == (422, "form_param_value_invalid", "offset")
    assert signed_in("user_sam")[0].get(MINE).json()["response"] == {"data": [], "total_count": 0}


def test_leaving(signed_in: SignedIn, clerk: LocalClerk) -> None:
    page, _ = signed_in("user_grace", "blue-ridge-freight")
    answer = page.ask("DELETE", f"{MINE}/org_blue_ridge").json()
    assert (answer["response"]["object"], answer["response"]["deleted"]) == ("organization_membership", True)
    assert "user_grace" not in clerk.organizations["org_blue_ridge"].members
    (session,) = answer["client"]["sessions"]
    assert session["last_active_organization_id"] is None
    again = page.ask("DELETE", f"{MINE}/org_blue_ridge")
    assert error_in(again) == (404, "resource_not_found", None)


def test_accepting_an_invitation(signed_in: SignedIn, clerk: LocalClerk) -> None:
    invitation = clerk.create_organization_invitation("harbor-lines", "ADA@blueridge.example", "org:member")
    page, _ = signed_in("user_ada")
    listed = page.get(INVITED, status="pending").json()["response"]
    assert listed["total_count"] == 1
    (shown,) = listed["data"]
    assert (shown["id"], shown["role"], shown["status"]) == (invitation.id, "org:member", "pending")
    assert shown["public_organization_data"]["name"] == "Harbor Lines"

    answer = page.post(f"{INVITED}/{invitation.id}/accept").json()
    assert answer["response"]["status"] == "accepted"
    assert clerk.organizations["org_harbor_lines"].members["user_ada"] == "org:member"
    memberships = answer["client"]["sessions"][0]["user"]["organization_memberships"]
    assert [item["organization"]["slug"] for item in memberships] == ["blue-ridge-freight", "harbor-lines"]
    assert (ids(page, INVITED, status="pending"), ids(page, INVITED)) == ([], [invitation.id])
    again = page.post(f"{INVITED}/{invitation.id}/accept")
    assert error_in(again) == (404, "resource_not_found", None)


def test_only_who_is_invited_sees_it_and_accepts_it(signed_in: SignedIn, clerk: LocalClerk) -> None:
    invitation = clerk.create_organization_invitation("harbor-lines", "ada@blueridge.example", "org:admin")
    attacker, _ = signed_in("user_sam")
    assert ids(attacker, INVITED) == []
    stolen = attacker.post(f"{INVITED}/{invitation.id}/accept")
    assert error_in(stolen) == (404, "resource_not_found", None)
    assert "user_sam" not in clerk.organizations["org_harbor_lines"].members


def test_an_address_that_is_not_verified_brings_no_invitations(
    signed_in: SignedIn, clerk: LocalClerk
) -> None:
    invitation = clerk.create_organization_invitation("harbor-lines", "sam@example.com", "org:admin")
    clerk.update_user("user_sam", email_verified=False)
    page, _ = signed_in("user_sam")
    assert ids(page, INVITED) == []
    refused = page.post(f"{INVITED}/{invitation.id}/accept")
    assert error_in(refused) == (404, "resource_not_found", None)
    clerk.update_user("user_sam", email_verified=True)
    assert page.post(f"{INVITED}/{invitation.id}/accept").status_code == 200


def test_an_invitation_that_is_over_is_not_accepted(
    signed_in: SignedIn, clerk: LocalClerk, clock: Clock
) -> None:
    invitation = clerk.create_organization_invitation(
        "harbor-lines", "sam@example.com", "org:member", lifetime=60
    )
    page, _ = signed_in("user_sam")
    clock.now += 60
    assert error_in(page.post(f"{INVITED}/{invitation.id}/accept"))[:2] == (404, "resource_not_found")
    assert "user_sam" not in clerk.organizations["org_harbor_lines"].members


def test_there_are_no_suggestions_and_no_defaults(signed_in: SignedIn) -> None:
    page, _ = signed_in("user_sam")
    answer = page.ask(
        "GET", "/me/organization_suggestions", query={"limit": "10", "status": "pending,accepted"}
    )
    assert answer.json()["response"] == {"data": [], "total_count": 0}
    defaults = page.get("/me/organization_creation_defaults").json()["response"]
    assert defaults["advisory"] is None
    assert defaults["form"]["name"] == ""


@pytest.mark.parametrize(
    "path",
    [MINE, INVITED, "/me/organization_suggestions", "/me/organization_creation_defaults", "/me"],
)
def test_who_is_signed_out_has_none(new_page: Callable[[], Page], signed_in: SignedIn, path: str) -> None:
    _, victims = signed_in("user_ada")
    page = new_page()
    assert error_in(page.get(path)) == (401, "signed_out", None)
    assert error_in(page.get(path, _clerk_session_id=victims.id)) == (404, "resource_not_found", None)
    page.token = "dvb_unknown"
    assert error_in(page.get(path)) == (401, "dev_browser_unauthenticated", None)


def test_each_of_several_sessions_has_its_own(several_sessions: LocalClerk) -> None:
    with several_sessions.serve() as server, httpx.Client(base_url=server.url) as http:
        page = Page(http).begin()
        adas = page.sign_in("ada@example.com")["last_active_session_id"]
        page.sign_in("bob@example.com")
        assert page.get("/me").json()["response"]["id"] == "user_bob"
        assert page.get("/me", _clerk_session_id=adas).json()["response"]["id"] == "user_ada"


def test_a_pending_session_chooses_or_makes_its_organization(clock: Clock) -> None:
    seed = replace(load_seed(None), force_organization_selection=True)
    clerk = LocalClerk(seed, clock=clock)
    with clerk.serve() as server, httpx.Client(base_url=server.url) as http:
        page = Page(http).begin()
        (session,) = page.sign_in("ada@blueridge.example")["sessions"]
        assert (session["status"], session["tasks"]) == ("pending", [{"key": "choose-organization"}])
        (membership,) = page.get(MINE).json()["response"]["data"]
        touched = page.post(
            f"/client/sessions/{session['id']}/touch",
            active_organization_id=membership["organization"]["id"],
        ).json()["response"]
        assert (touched["status"], touched["tasks"]) == ("active", None)

        page.ask("DELETE", "/client/sessions")
        (session,) = page.sign_in("sam@example.com")["sessions"]
        made = page.post("/organizations", name="Sam's").json()["response"]
        touched = page.post(
            f"/client/sessions/{session['id']}/touch", active_organization_id=made["id"]
        ).json()["response"]
        assert (touched["status"], touched["last_active_organization_id"]) == ("active", made["id"])

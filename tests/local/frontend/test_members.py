"""Members of an organization by clerk-js: seeing, inviting, changing their role, removing them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clerk_middleware.local import LocalClerk, rules
from clerk_middleware.local.records import Session

from ..conftest import Clock
from .page import Page, error_in

BLUE_RIDGE = "/organizations/org_blue_ridge"
MEMBERSHIPS = f"{BLUE_RIDGE}/memberships"
INVITATIONS = f"{BLUE_RIDGE}/invitations"
SignedIn = Callable[..., tuple[Page, Session]]


@pytest.fixture
def admin(signed_in: SignedIn) -> Page:
    return signed_in("user_ada", "blue-ridge-freight")[0]


def members(clerk: LocalClerk) -> dict[str, str]:
    return dict(clerk.organizations["org_blue_ridge"].members)


def invite(admin: Page, address: str = "new@example.com", role: str = "org:driver") -> str:
    """The id of an invitation."""
    answer = admin.post(INVITATIONS, email_address=address, role=role)
    assert answer.status_code == 200, answer.text
    invitation: str = answer.json()["response"]["id"]
    return invitation


def test_members_see_each_other(signed_in: SignedIn) -> None:
    page, _ = signed_in("user_rosa")
    answer = page.get(MEMBERSHIPS, limit="2", offset="1", paginated="true").json()["response"]
    assert answer["total_count"] == 5
    assert [member["public_user_data"]["user_id"] for member in answer["data"]] == ["user_carmen", "user_dev"]
    member = answer["data"][0]
    assert (member["object"], member["role"], member["role_name"]) == (
        "organization_membership",
        "org:compliance",
        "Compliance",
    )
    assert member["organization"]["id"] == "org_blue_ridge"
    assert member["public_user_data"]["identifier"] == "carmen@blueridge.example"
    assert "private_metadata" not in str(answer)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"query": "ROSA"}, ["user_rosa"]),
        ({"query": " lindqvist "}, ["user_rosa"]),
        ({"query": "@blueridge"}, ["user_ada", "user_carmen", "user_dev", "user_rosa"]),
        ({"query": "user_dev"}, ["user_dev"]),
        ({"query": "nobody"}, []),
        ({"role": "org:dispatcher"}, ["user_dev", "user_grace"]),
        ({"role": "org:driver,org:admin"}, ["user_ada", "user_rosa"]),
        ({"role": "org:dispatcher", "query": "grace"}, ["user_grace"]),
    ],
)
def test_members_are_searched(admin: Page, query: dict[str, str], found: list[str]) -> None:
    answer = admin.ask("GET", MEMBERSHIPS, query=query).json()["response"]
    assert [member["public_user_data"]["user_id"] for member in answer["data"]] == found
    assert answer["total_count"] == len(found)


def test_another_role_counts_from_the_members_next_token_on(
    admin: Page, signed_in: SignedIn, clerk: LocalClerk
) -> None:
    rosas, _ = signed_in("user_rosa", "blue-ridge-freight")
    answer = admin.ask("PATCH", f"{MEMBERSHIPS}/user_rosa", {"role": "org:admin"}).json()["response"]
    assert (answer["role"], answer["public_user_data"]["user_id"]) == ("org:admin", "user_rosa")
    assert members(clerk)["user_rosa"] == "org:admin"
    assert rosas.ask("PATCH", BLUE_RIDGE, {"name": "Now Rosa's"}).status_code == 200
    assert clerk.webhook_messages[-2].type == "organizationMembership.updated"


def test_a_role_has_to_be_one_of_the_seed(admin: Page, clerk: LocalClerk) -> None:
    refused = admin.ask("PATCH", f"{MEMBERSHIPS}/user_rosa", {"role": "org:owner"})
    assert error_in(refused) == (404, "resource_not_found", None)
    assert "org:driver" in refused.json()["errors"][0]["message"]
    missing = admin.ask("PATCH", f"{MEMBERSHIPS}/user_rosa", {})
    assert error_in(missing) == (422, "form_param_missing", "role")
    assert members(clerk)["user_rosa"] == "org:driver"


def test_who_is_removed_sees_nothing_of_it_any_more(
    admin: Page, signed_in: SignedIn, clerk: LocalClerk
) -> None:
    rosas, _session = signed_in("user_rosa", "blue-ridge-freight")
    answer = admin.ask("DELETE", f"{MEMBERSHIPS}/user_rosa").json()["response"]
    assert (answer["object"], answer["role"]) == ("organization_membership", "org:driver")
    assert "user_rosa" not in members(clerk)
    assert rosas.client()["sessions"][0]["last_active_organization_id"] is None
    assert error_in(rosas.get(MEMBERSHIPS)) == (404, "resource_not_found", None)


@pytest.mark.parametrize("user_id", ["user_sam", "user_nobody"])
def test_who_is_no_member_cannot_be_changed_or_removed(admin: Page, clerk: LocalClerk, user_id: str) -> None:
    before = members(clerk)
    for answer in (
        admin.ask("PATCH", f"{MEMBERSHIPS}/{user_id}", {"role": "org:driver"}),
        admin.ask("DELETE", f"{MEMBERSHIPS}/{user_id}"),
    ):
        assert error_in(answer) == (404, "resource_not_found", None)
    assert members(clerk) == before


def test_somebody_stays_in_charge(admin: Page, clerk: LocalClerk) -> None:
    needed = (400, "organization_minimum_permissions_needed", None)
    demoted = admin.ask("PATCH", f"{MEMBERSHIPS}/user_ada", {"role": "org:driver"})
    assert error_in(demoted) == needed
    assert error_in(admin.ask("DELETE", f"{MEMBERSHIPS}/user_ada")) == needed
    left = admin.ask("DELETE", "/me/organization_memberships/org_blue_ridge")
    assert error_in(left) == needed
    assert members(clerk)["user_ada"] == "org:admin"
    admin.ask("PATCH", f"{MEMBERSHIPS}/user_rosa", {"role": "org:admin"})
    assert admin.ask("DELETE", f"{MEMBERSHIPS}/user_ada").status_code == 200


def test_somebody_is_invited(admin: Page, clerk: LocalClerk) -> None:
    answer = admin.post(INVITATIONS, email_address="New@Example.com", role="org:driver").json()["response"]
    assert (answer["object"], answer["status"]) == ("organization_invitation", "pending")
    assert (answer["email_address"], answer["role"], answer["organization_id"]) == (
        "New@Example.com",
        "org:driver",
        "org_blue_ridge",
    )
    assert clerk._instance.organization_invitations[answer["id"]].inviter == "user_ada"
    assert admin.get(BLUE_RIDGE).json()["response"]["pending_invitations_count"] == 1
    assert clerk.webhook_messages[-1].type == "organizationInvitation.created"


def test_several_are_invited_or_none(admin: Page, clerk: LocalClerk) -> None:
    bulk = f"{INVITATIONS}/bulk"
    addresses = ["a@example.com", "b@example.com", "a@example.com"]
    answer = admin.post(bulk, email_address=addresses, role="org:driver").json()
    assert [invitation["email_address"] for invitation in answer["response"]] == addresses[:2]
    assert answer["client"]["object"] == "client"
    for wrong, code in (
        (["c@example.com", "no address"], "form_param_format_invalid"),
        (["c@example.com", "A@example.com"], "duplicate_record"),
        (["c@example.com", "C@example.com"], "duplicate_record"),
        (["c@example.com", "ROSA@blueridge.example"], "already_a_member_in_organization"),
        ([], "form_param_value_invalid"),
        ([f"{number}@example.com" for number in range(11)], "form_param_value_invalid"),
    ):
        assert error_in(admin.post(bulk, email_address=wrong, role="org:driver"))[1] == code
    assert len(clerk._instance.organization_invitations) == 2


def test_the_components_learn_which_address_is_wrong(admin: Page) -> None:
    invite(admin)
    again = admin.post(INVITATIONS, email_address="new@example.com", role="org:driver")
    assert again.status_code == 400
    assert again.json()["errors"][0]["meta"] == {
        "param_name": "email_address",
        "email_addresses": ["new@example.com"],
    }
    member = admin.post(INVITATIONS, email_address="rosa@blueridge.example", role="org:driver")
    assert member.status_code == 400
    assert "rosa@blueridge.example" in member.json()["errors"][0]["long_message"]


def test_an_invitation_is_taken_back(admin: Page, signed_in: SignedIn, clock: Clock) -> None:
    first = invite(admin)
    revoked = admin.post(f"{INVITATIONS}/{first}/revoke").json()["response"]
    assert (revoked["id"], revoked["status"]) == (first, "revoked")
    again = admin.post(f"{INVITATIONS}/{first}/revoke")
    assert error_in(again) == (400, "organization_invitation_not_pending", None)
    assert error_in(admin.post(f"{INVITATIONS}/orginv_1/revoke")) == (404, "resource_not_found", None)
    second = invite(admin)

    def ids(**query: str) -> list[str]:
        answer = admin.get(INVITATIONS, **query).json()["response"]
        return [invitation["id"] for invitation in answer["data"]]

    assert ids() == [second, first]
    assert ids(status="pending") == [second]
    assert ids(status="pending,revoked", limit="1") == [second]
    clock.now += 31 * 24 * 60 * 60
    admin.token = signed_in("user_ada")[0].token
    assert (ids(status="pending"), ids(status="expired")) == ([], [second])


def test_an_invitation_of_another_organization_is_not_revoked(
    admin: Page, signed_in: SignedIn, clerk: LocalClerk
) -> None:
    id = invite(admin)
    attacker, _ = signed_in("user_grace")
    path = f"/organizations/org_harbor_lines/invitations/{id}/revoke"
    assert error_in(attacker.post(path)) == (404, "resource_not_found", None)
    assert clerk._instance.organization_invitations[id].closed is None


def test_there_is_room_for_so_many_invitations(admin: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAXIMUM_INVITATIONS", 2)
    admin.post(f"{INVITATIONS}/{invite(admin, 'a@example.com')}/revoke")
    form = {"email_address": ["b@example.com", "c@example.com"], "role": "org:driver"}
    refused = admin.ask("POST", f"{INVITATIONS}/bulk", form)
    assert error_in(refused) == (403, "organization_invitation_quota_exceeded", None)
    invite(admin, "b@example.com")


def test_nobody_is_made_a_member_without_being_asked(admin: Page, clerk: LocalClerk) -> None:
    before = members(clerk)
    refused = admin.post(MEMBERSHIPS, user_id="user_sam", role="org:driver")
    assert refused.status_code == 405
    assert members(clerk) == before

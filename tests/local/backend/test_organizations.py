"""Organizations, members and invitations, as Clerk's own client for Python reads and changes them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from clerk_backend_api import Clerk
from clerk_backend_api.models import ClerkErrors

from clerk_middleware.local import LocalClerk

from ..conftest import Clock
from .answers import error_of, events_of, ids

DAY = 86_400_000


def test_an_organization_from_beginning_to_end(clerk: LocalClerk, sdk: Clerk, clock: Clock) -> None:
    clock.now += 60
    made = sdk.organizations.create(
        request={
            "name": "Night Haul",
            "created_by": "user_ada",
            "max_allowed_memberships": 3,
            "public_metadata": {"fleet": 4},
            "private_metadata": {"dot": "123"},
        }
    )
    organization = clerk.organizations[made.id]
    assert (made.slug, made.max_allowed_memberships, made.members_count) == ("night-haul", 3, 1)
    assert (made.public_metadata, made.private_metadata) == ({"fleet": 4}, {"dot": "123"})
    assert (made.created_by, made.created_at) == ("user_ada", 1_750_000_060_000)
    assert organization.members == {"user_ada": "org:admin"}
    assert sdk.organizations.get(organization_id=made.id).slug == "night-haul"
    assert sdk.organizations.get(organization_id="night-haul").id == made.id
    clock.now += 60
    changed = sdk.organizations.update(organization_id=made.id, slug="day-haul", max_allowed_memberships=0)
    assert (changed.name, changed.slug, changed.max_allowed_memberships) == ("Night Haul", "day-haul", 0)
    assert (changed.created_at, changed.updated_at) == (1_750_000_060_000, 1_750_000_120_000)
    assert sdk.organizations.update(organization_id="day-haul", name="Day Haul").name == "Day Haul"
    assert sdk.organizations.delete(organization_id=made.id).deleted
    assert made.id not in clerk.organizations
    assert events_of(clerk) == [
        "organization.created",
        "organizationMembership.created",
        "organization.updated",
        "organization.updated",
        "organizationMembership.deleted",
        "organization.deleted",
    ]


def test_metadata(clerk: LocalClerk, sdk: Clerk) -> None:
    clerk.update_organization(
        "blue-ridge-freight", public_metadata={"a": {"b": 1}}, private_metadata={"p": 1}
    )
    merged = sdk.organizations.merge_metadata(
        organization_id="org_blue_ridge", public_metadata={"a": {"c": 2}}, private_metadata={"p": None}
    )
    assert (merged.public_metadata, merged.private_metadata) == ({"a": {"b": 1, "c": 2}}, {})
    for name in ("public_metadata", "private_metadata"):
        one: Any = {name: {"n": 1}}
        merged = sdk.organizations.merge_metadata(organization_id="org_blue_ridge", **one)
        assert getattr(merged, name)["n"] == 1
    sdk.organizations.merge_metadata(organization_id="org_blue_ridge", private_metadata={"n": None})
    replaced = sdk.organizations.replace_metadata(organization_id="org_blue_ridge", public_metadata={"z": 1})
    assert (replaced.public_metadata, replaced.private_metadata) == ({"z": 1}, {})
    replaced = sdk.organizations.replace_metadata(organization_id="org_blue_ridge", private_metadata={"q": 1})
    assert (replaced.public_metadata, replaced.private_metadata) == ({"z": 1}, {"q": 1})


def test_a_list(clerk: LocalClerk, sdk: Clerk) -> None:
    mine = {id for id, each in clerk.organizations.items() if "user_dev" in each.members}
    found = sdk.organizations.list(user_id=["user_dev"])
    assert {each.id for each in found.data} == mine
    others = sdk.organizations.list(user_id=["-user_dev"])
    assert {each.id for each in others.data} == set(clerk.organizations) - mine
    for query in ("RIDGE", "blue-ridge", "org_blue_ridge"):
        found = sdk.organizations.list(query=query)
        assert (ids(found.data), found.total_count) == (["org_blue_ridge"], 1), query
    assert sdk.organizations.list(query="org_blue").data == []  # an id is known or it is not
    assert ids(sdk.organizations.list(organization_id=["org_blue_ridge"]).data) == ["org_blue_ridge"]
    by_name = sdk.organizations.list(order_by="name")
    assert [each.name for each in by_name.data] == sorted(each.name for each in clerk.organizations.values())
    by_size = sdk.organizations.list(order_by="-members_count", limit=1)
    assert by_size.data[0].members_count == max(len(each.members) for each in clerk.organizations.values())
    assert by_size.total_count == len(clerk.organizations)


def test_organizations_that_are_refused(
    clerk: LocalClerk, backend: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for fields, error in (
        ({}, (422, "form_param_missing")),
        ({"name": "X", "slug": "blue-ridge-freight"}, (422, "form_identifier_exists")),
        ({"name": "X", "slug": "Not A Slug"}, (422, "form_param_format_invalid")),
        ({"name": "X", "created_by": "user_none"}, (404, "resource_not_found")),
        ({"name": "X", "max_allowed_memberships": -1}, (422, "form_param_value_invalid")),
        ({"name": "X", "public_metadata": []}, (422, "form_param_value_invalid")),
    ):
        assert error_of(backend.post("/organizations", json=fields)) == error, fields
    answer = backend.patch("/organizations/org_harbor_lines", json={"slug": "blue-ridge-freight"})
    assert error_of(answer) == (422, "form_identifier_exists")
    assert answer.json()["errors"][0]["meta"] == {"param_name": "slug"}
    for method in ("GET", "PATCH", "DELETE"):
        answer = backend.request(method, "/organizations/org_none", json={})
        assert error_of(answer) == (404, "resource_not_found")
    monkeypatch.setattr("clerk_middleware.local.rules.MAXIMUM_ORGANIZATIONS", len(clerk.organizations))
    assert error_of(backend.post("/organizations", json={"name": "X"})) == (
        403,
        "organization_quota_exceeded",
    )
    assert clerk.organizations == LocalClerk().organizations


def test_a_creator_needs_the_role_of_one(clock: Clock, server: Any, switchboard: Any) -> None:
    clerk = LocalClerk({"users": [{"id": "user_1", "email": "1@example.com", "password": "1"}]}, clock=clock)
    switchboard[0].app = clerk.app
    headers = {"authorization": f"Bearer {clerk.secret_key}"}
    body = {"name": "X", "created_by": "user_1"}
    answer = httpx.post(f"{server.url}/v1/organizations", json=body, headers=headers)
    assert error_of(answer) == (403, "organization_creator_not_found")
    assert "org:admin" in answer.json()["errors"][0]["message"]
    answer = httpx.post(f"{server.url}/v1/organizations", json={"name": "X"}, headers=headers)
    path = f"{server.url}/v1/organizations/{answer.json()['id']}/memberships"
    answer = httpx.post(path, json={"user_id": "user_1", "role": "org:admin"}, headers=headers)
    assert "there are none" in answer.json()["errors"][0]["message"]


class TestMemberships:
    def test_from_beginning_to_end(self, clerk: LocalClerk, sdk: Clerk, clock: Clock) -> None:
        organization = "org_harbor_lines"
        clock.now += 60
        made = sdk.organization_memberships.create(
            organization_id=organization, user_id="user_sam", role="org:driver"
        )
        assert (made.role, made.organization.id, made.created_at) == (
            "org:driver",
            organization,
            1_750_000_060_000,
        )
        assert made.public_user_data
        assert made.public_user_data.identifier == clerk.users["user_sam"].email
        changed = sdk.organization_memberships.update(
            organization_id="harbor-lines", user_id="user_sam", role="org:dispatcher"
        )
        assert (changed.id, changed.role, changed.role_name) == (made.id, "org:dispatcher", "Dispatcher")
        assert clerk.organizations[organization].members["user_sam"] == "org:dispatcher"
        gone = sdk.organization_memberships.delete(organization_id=organization, user_id="user_sam")
        assert (gone.id, gone.role) == (made.id, "org:dispatcher")
        assert "user_sam" not in clerk.organizations[organization].members
        assert events_of(clerk) == [
            f"organizationMembership.{what}" for what in ("created", "updated", "deleted")
        ]

    def test_a_list(self, clerk: LocalClerk, sdk: Clerk, clock: Clock) -> None:
        members = clerk.organizations["org_blue_ridge"].members

        def listed(**filters: Any) -> list[str]:
            found = sdk.organization_memberships.list(organization_id="org_blue_ridge", **filters)
            return [each.public_user_data.user_id for each in found.data if each.public_user_data]

        assert set(listed(limit=100)) == set(members)
        drivers = {user_id for user_id, role in members.items() if role == "org:driver"}
        assert drivers
        assert set(listed(role=["org:driver"])) == drivers
        assert listed(email_address=["dev@blueridge.example"]) == ["user_dev"]
        assert listed(query="dev@") == ["user_dev"]
        assert listed(user_id=["user_dev"]) == ["user_dev"]
        emails = [clerk.users[user_id].email for user_id in listed(order_by="email_address", limit=100)]
        assert emails == sorted(emails)
        clock.now += 60
        clerk.delete_organization_membership("org_blue_ridge", "user_dev")
        clerk.create_organization_membership("org_blue_ridge", "user_dev", "org:driver")
        assert listed(limit=1) == ["user_dev"]
        assert listed(limit=100, order_by="created_at")[-1] == "user_dev"

    def test_those_of_all_organizations(self, clerk: LocalClerk, sdk: Clerk) -> None:
        found = sdk.users.get_instance_organization_memberships(limit=2)
        assert found.total_count == sum(len(each.members) for each in clerk.organizations.values())
        assert len(found.data) == 2

    def test_those_that_are_refused(self, clerk: LocalClerk, sdk: Clerk, backend: httpx.Client) -> None:
        path = "/organizations/org_blue_ridge/memberships"
        for body, error in (
            ({"user_id": "user_none", "role": "org:driver"}, (404, "resource_not_found")),
            ({"user_id": "user_sam", "role": "org:king"}, (422, "form_param_value_invalid")),
            ({"user_id": "user_sam"}, (422, "form_param_missing")),
            ({"user_id": "user_dev", "role": "org:driver"}, (400, "already_a_member_in_organization")),
            (
                {"user_id": "user_sam", "role": "org:driver", "public_metadata": {"a": 1}},
                (422, "form_param_value_invalid"),
            ),
        ):
            assert error_of(backend.post(path, json=body)) == error, body
        for user_id in ("user_none", "user_nobody"):
            answer = backend.patch(f"{path}/{user_id}", json={"role": "org:driver"})
            assert error_of(answer) == (404, "resource_not_found")
        assert error_of(backend.delete("/organizations/org_harbor_lines/memberships/user_dev")) == (
            404,
            "resource_not_found",
        )
        assert clerk.organizations == LocalClerk().organizations

    def test_no_more_than_the_organization_takes(self, clerk: LocalClerk, sdk: Clerk) -> None:
        number = len(clerk.organizations["org_harbor_lines"].members)
        sdk.organizations.update(organization_id="org_harbor_lines", max_allowed_memberships=number)
        new = {"organization_id": "org_harbor_lines", "user_id": "user_sam", "role": "org:driver"}
        with pytest.raises(ClerkErrors, match="organization_membership_quota_exceeded"):
            sdk.organization_memberships.create(**new)
        sdk.organizations.update(organization_id="org_harbor_lines", max_allowed_memberships=number + 1)
        assert sdk.organization_memberships.create(**new).role == "org:driver"


class TestInvitations:
    organization = "org_harbor_lines"

    def invite(self, sdk: Clerk, email: str, **fields: Any) -> Any:
        return sdk.organization_invitations.create(
            organization_id=self.organization, email_address=email, role="org:driver", **fields
        )

    def test_from_beginning_to_end(self, clerk: LocalClerk, sdk: Clerk, clock: Clock) -> None:
        (inviter,) = list(clerk.organizations[self.organization].members)[:1]
        made = self.invite(
            sdk, "new@example.com", inviter_user_id=inviter, expires_in_days=3, public_metadata={"a": 1}
        )
        assert (made.status, made.role, made.organization_id) == ("pending", "org:driver", self.organization)
        assert made.expires_at == 1_750_000_000_000 + 3 * DAY
        assert (made.inviter_id, made.public_metadata) == (inviter, {"a": 1})
        assert made.public_inviter_data.identifier == clerk.users[inviter].email
        both = {"organization_id": self.organization, "invitation_id": made.id}
        assert sdk.organization_invitations.get(**both) == made
        revoked = sdk.organization_invitations.revoke(**both)
        assert revoked.status == "revoked"
        with pytest.raises(ClerkErrors, match="organization_invitation_not_pending"):
            sdk.organization_invitations.revoke(**both)
        assert events_of(clerk) == ["organizationInvitation.created", "organizationInvitation.revoked"]

    def test_lists(self, clerk: LocalClerk, sdk: Clerk, backend: httpx.Client, clock: Clock) -> None:
        first = self.invite(sdk, "b@example.com", expires_in_days=1)
        second, third = (self.invite(sdk, f"{name}@example.com") for name in ("a", "c"))
        elsewhere = clerk.create_organization_invitation("org_blue_ridge", "a@example.com", "org:driver")
        path = f"/organizations/{self.organization}/invitations"
        sdk.organization_invitations.revoke(organization_id=self.organization, invitation_id=third.id)
        clock.now += 2 * 86_400

        def listed(query: str) -> list[str]:
            return ids(backend.get(f"{path}{query}").json()["data"])

        assert listed("") == [third.id, second.id, first.id]
        assert listed("?status=pending") == listed("/pending") == [second.id]
        assert listed("?status=expired&status=revoked") == [third.id, first.id]
        assert listed("?email_address=A@example.com") == [second.id]
        assert listed("?order_by=email_address") == [second.id, first.id, third.id]
        assert error_of(backend.get(f"{path}?status=lost")) == (422, "form_param_value_invalid")
        everywhere = sdk.organization_invitations.get_all(query="a@")
        assert ids(everywhere.data) == [elsewhere.id, second.id]

    def test_several_at_once(self, sdk: Clerk, backend: httpx.Client) -> None:
        bodies: Any = [{"email_address": f"{name}@example.com", "role": "org:driver"} for name in "ab"]
        made = sdk.organization_invitations.bulk_create(
            organization_id=self.organization, request_body=bodies
        )
        assert [each.email_address for each in made.data] == ["a@example.com", "b@example.com"]
        path = f"/organizations/{self.organization}/invitations/bulk"
        for body in ([], bodies * 6, {}, ["a"]):
            assert error_of(backend.post(path, json=body)) == (400, "request_body_invalid")

    def test_those_that_are_refused(
        self, clerk: LocalClerk, backend: httpx.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = f"/organizations/{self.organization}/invitations"
        good = {"email_address": "new@example.com", "role": "org:driver"}
        (member,) = list(clerk.organizations[self.organization].members)[:1]
        for change, error in (
            ({"email_address": "new"}, (422, "form_param_format_invalid")),
            ({"role": "org:king"}, (422, "form_param_value_invalid")),
            ({"inviter_user_id": "user_none"}, (422, "form_param_value_invalid")),
            ({"expires_in_days": 366}, (422, "form_param_value_invalid")),
            ({"expires_in_days": 0}, (422, "form_param_value_invalid")),
            ({"email_address": clerk.users[member].email}, (400, "already_a_member_in_organization")),
        ):
            assert error_of(backend.post(path, json={**good, **change})) == error, change
        made = backend.post(path, json=good).json()
        assert error_of(backend.post(path, json=good)) == (400, "duplicate_record")
        for other in (
            f"{path}/orginv_none",
            f"/organizations/org_blue_ridge/invitations/{made['id']}",
        ):
            assert error_of(backend.get(other)) == (404, "resource_not_found")
            assert error_of(backend.post(f"{other}/revoke")) == (404, "resource_not_found")
        monkeypatch.setattr("clerk_middleware.local.rules.MAXIMUM_INVITATIONS", 2)
        bodies = [{**good, "email_address": f"{name}@example.com"} for name in "ab"]
        full = (403, "organization_invitation_quota_exceeded")
        assert error_of(backend.post(f"{path}/bulk", json=bodies)) == full
        assert backend.post(path, json=bodies[0]).status_code == 200
        assert error_of(backend.post(path, json=bodies[1])) == full


class TestInvitationsToSignUp:
    def test_from_beginning_to_end(self, sdk: Clerk, clock: Clock) -> None:
        made = sdk.invitations.create(
            request={"email_address": "new@example.com", "public_metadata": {"a": 1}, "expires_in_days": 1}
        )
        assert (made.status, made.public_metadata) == ("pending", {"a": 1})
        assert made.expires_at == 1_750_000_000_000 + DAY
        (other,) = sdk.invitations.bulk_create(request=[{"email_address": "other@example.com"}])
        assert ids(sdk.invitations.list()) == [other.id, made.id]
        assert (
            ids(sdk.invitations.list(query="NEW@")) == ids(sdk.invitations.list(query=made.id)) == [made.id]
        )
        assert sdk.invitations.revoke(invitation_id=other.id).status == "revoked"
        assert ids(sdk.invitations.list()) == [made.id]
        revoked: Any = "revoked"
        (shown,) = sdk.invitations.list(status=revoked)
        assert (shown.id, shown.revoked) == (other.id, True)
        clock.now += 86_400
        assert [each.status for each in sdk.invitations.list()] == ["expired"]

    def test_those_that_are_refused(
        self, backend: httpx.Client, sdk: Clerk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body: dict[str, Any] = {"email_address": "new@example.com"}
        made = sdk.invitations.create(request={"email_address": "new@example.com"})
        for email in ("NEW@example.com", "dev@blueridge.example"):
            assert error_of(backend.post("/invitations", json={"email_address": email})) == (
                400,
                "duplicate_record",
            )
        again = backend.post("/invitations", json={**body, "ignore_existing": True})
        assert again.status_code == 200
        sdk.invitations.revoke(invitation_id=made.id)
        assert error_of(backend.post("/invitations", json=body)) == (400, "duplicate_record")
        sdk.invitations.revoke(invitation_id=again.json()["id"])
        assert backend.post("/invitations", json=body).status_code == 200
        answer = backend.post(f"/invitations/{made.id}/revoke")
        assert error_of(answer) == (400, "invitation_already_revoked")
        assert error_of(backend.post("/invitations/inv_none/revoke")) == (404, "resource_not_found")
        monkeypatch.setattr("clerk_middleware.local.rules.MAXIMUM_INVITATIONS", 3)
        assert error_of(backend.post("/invitations", json=body)) == (403, "invitation_quota_exceeded")

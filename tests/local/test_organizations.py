"""Organizations and invitations that change while LocalClerk runs, and the events of what happens."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from clerk_middleware.local import LocalClerk

from .conftest import Clock


def events_of(clerk: LocalClerk) -> list[str]:
    return [message.type for message in clerk.webhook_messages]


def test_an_organization_is_made_changed_and_deleted(clerk: LocalClerk, clock: Clock) -> None:
    made = clerk.create_organization("Acme & Søns", created_by="user_sam", public_metadata={"tier": 1})
    assert (made.name, made.slug, made.created_by) == ("Acme & Søns", "acme-s-ns", "user_sam")
    assert dict(made.members) == {"user_sam": "org:admin"}
    assert clerk.organizations[made.id] == made
    session = clerk.sign_in("user_sam", made.slug)
    clock.now += 10
    changed = clerk.update_organization(made.slug, name="Acme", slug="acme", plan="pro")
    assert (changed.name, changed.slug, changed.plan) == ("Acme", "acme", "pro")
    assert dict(changed.public_metadata) == {"tier": 1}
    assert clerk._instance.times_of(made.id) == (clock() - 10, clock())
    invited = clerk.create_organization_invitation(made.id, "new@example.com", "org:member")
    clerk.delete_organization("acme")
    assert made.id not in clerk.organizations
    assert session.organization_id is None
    assert invited.id not in clerk._instance.organization_invitations
    claims = clerk._instance.keys.claims_if_ours(clerk.session_token(session))
    assert claims is not None
    assert "o" not in claims
    assert events_of(clerk) == [
        "organization.created",
        "organizationMembership.created",
        "session.created",
        "organization.updated",
        "organizationInvitation.created",
        "organizationMembership.deleted",
        "organization.deleted",
    ]


def test_a_slug_is_made_of_the_name_unless_it_is_taken(clerk: LocalClerk) -> None:
    assert clerk.create_organization("Blue Ridge Freight").slug.startswith("blue-ridge-freight-")
    assert clerk.create_organization("北").slug == "organization"
    for taken in ({"slug": "harbor-lines"}, {"id": "org_harbor_lines"}):
        with pytest.raises(ValueError, match="is taken already"):
            clerk.create_organization("Another", **taken)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="The slug 'harbor-lines' is taken"):
        clerk.update_organization("blue-ridge-freight", slug="harbor-lines")


@pytest.mark.parametrize(
    ("slug", "is_one"),
    [
        ("night_haul-2", True),
        ("-", False),
        ("s" * 100, True),
        ("s" * 101, False),
        ("Night", False),
        ("org_blue_ridge", False),
        ("org_blue", False),
    ],
)
def test_what_a_slug_may_be(clerk: LocalClerk, slug: str, is_one: bool) -> None:
    """A slug that were another organization's id would stand for that one once it is gone."""
    with nullcontext() if is_one else pytest.raises(ValueError, match="slug must be"):
        clerk.create_organization("Another", slug=slug)
    assert (clerk.organizations["org_blue_ridge"].slug, len(clerk.organizations)) == (
        "blue-ridge-freight",
        2 + is_one,
    )


def test_a_slug_of_a_seed_may_stay() -> None:
    seed = {
        "users": [{"id": "user_1", "email": "one@example.com", "password": "one"}],
        "organizations": [{"id": "org_1", "slug": "ONE", "name": "One"}],
    }
    clerk = LocalClerk(seed)
    assert clerk.update_organization("org_1", slug="ONE", name="1").name == "1"
    assert clerk.create_organization("1" * 200).slug == "1" * 64


def test_there_is_room_for_so_many_members(clerk: LocalClerk) -> None:
    number = len(clerk.organizations["org_harbor_lines"].members)
    clerk.update_organization("org_harbor_lines", max_allowed_memberships=number + 1)
    invited = clerk.create_organization_invitation("harbor-lines", "dev@blueridge.example", "org:driver")
    with pytest.raises(ValueError, match=f"takes {number + 1} members, with those who are invited"):
        clerk.create_organization_invitation("harbor-lines", "new@example.com", "org:driver")
    clerk.create_organization_membership("harbor-lines", "user_sam", "org:driver")
    with pytest.raises(ValueError, match="takes"):
        clerk.accept_organization_invitation(invited.id, "user_dev")
    clerk.delete_organization_membership("harbor-lines", "user_sam")
    clerk.accept_organization_invitation(invited.id, "user_dev")
    assert len(clerk.organizations["org_harbor_lines"].members) == number + 1


def test_what_an_organization_needs_has_to_be_there(clerk: LocalClerk) -> None:
    with pytest.raises(LookupError, match="no plan 'plus' of organizations; there are: starter, pro"):
        clerk.create_organization("Acme", plan="plus")
    with pytest.raises(LookupError, match="no user 'user_nobody'"):
        clerk.create_organization("Acme", created_by="user_nobody")
    with pytest.raises(LookupError, match="no plan 'gold'"):
        clerk.update_organization("harbor-lines", plan="gold")
    with pytest.raises(LookupError, match="no organization 'acme'"):
        clerk.delete_organization("acme")
    bare = LocalClerk({"users": [{"id": "user_1", "email": "one@example.com", "password": "one"}]})
    with pytest.raises(ValueError, match="no role org:admin"):
        bare.create_organization("Acme", created_by="user_1")
    assert not bare.organizations


def test_an_invitation_is_accepted_by_who_has_the_address(clerk: LocalClerk) -> None:
    invited = clerk.create_organization_invitation(
        "harbor-lines", "DEV@blueridge.example", "org:driver", inviter="user_grace"
    )
    with pytest.raises(LookupError, match="is not for 'user_ada'"):
        clerk.accept_organization_invitation(invited.id, "user_ada")
    accepted = clerk.accept_organization_invitation(invited.id, "user_dev")
    assert accepted.status_at(clerk._instance.clock()) == "accepted"
    assert clerk.organizations["org_harbor_lines"].members["user_dev"] == "org:driver"
    assert events_of(clerk) == [
        "organizationInvitation.created",
        "organizationMembership.created",
        "organizationInvitation.accepted",
    ]
    for again in (
        lambda: clerk.accept_organization_invitation(invited.id, "user_dev"),
        lambda: clerk.revoke_organization_invitation(invited.id),
    ):
        with pytest.raises(ValueError, match="not pending any more"):
            again()


def test_a_member_who_accepts_keeps_the_role(clerk: LocalClerk) -> None:
    invited = clerk.create_organization_invitation("harbor-lines", "dev@blueridge.example", "org:driver")
    clerk.create_organization_membership("harbor-lines", "user_dev", "org:admin")
    clerk.accept_organization_invitation(invited.id, "user_dev")
    assert clerk.organizations["org_harbor_lines"].members["user_dev"] == "org:admin"


def test_an_invitation_that_was_revoked_or_is_too_old(clerk: LocalClerk, clock: Clock) -> None:
    revoked = clerk.create_organization_invitation("harbor-lines", "dev@blueridge.example", "org:driver")
    assert clerk.revoke_organization_invitation(revoked.id).closed == "revoked"
    late = clerk.create_organization_invitation(
        "harbor-lines", "dev@blueridge.example", "org:driver", lifetime=60
    )
    clock.now += 60
    assert late.status_at(clock()) == "expired"
    for invitation in (revoked, late):
        with pytest.raises(ValueError, match="not pending any more"):
            clerk.accept_organization_invitation(invitation.id, "user_dev")
    assert "user_dev" not in clerk.organizations["org_harbor_lines"].members
    with pytest.raises(LookupError, match="no invitation 'orginv_1'"):
        clerk.revoke_organization_invitation("orginv_1")


def test_nobody_is_invited_twice_or_who_is_a_member(clerk: LocalClerk) -> None:
    clerk.create_organization_invitation("harbor-lines", "new@example.com", "org:driver")
    with pytest.raises(ValueError, match="is invited to 'harbor-lines' already"):
        clerk.create_organization_invitation("harbor-lines", "New@example.com", "org:driver")
    with pytest.raises(ValueError, match="is a member of 'harbor-lines' already"):
        clerk.create_organization_invitation("harbor-lines", "grace@harborlines.example", "org:driver")
    with pytest.raises(LookupError, match="no role 'org:captain'"):
        clerk.create_organization_invitation("harbor-lines", "other@example.com", "org:captain")
    with pytest.raises(LookupError, match="no user 'user_nobody'"):
        clerk.create_organization_invitation(
            "harbor-lines", "o@example.com", "org:driver", inviter="user_nobody"
        )

"""Clerk's clients of the Backend API, for Node and Python: what one does, the other and all servers see."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from clerk_backend_api import Clerk, models

from clerk_middleware.local import User

from .stage import NAMES, NodeError, Stage
from .visitor import Visitor

# Of the client's own making: it reads the deprecated fields of its own models.
pytestmark = pytest.mark.filterwarnings(r"ignore:warning. \*\* DEPRECATED \*\*:DeprecationWarning")

BLUE_RIDGE, HARBOR = "org_blue_ridge", "org_harbor_lines"


@pytest.fixture
def python(development: Stage) -> Iterator[Clerk]:
    with client_of(development, development.clerk.secret_key) as client:
        yield client


def client_of(stage: Stage, secret_key: str) -> Clerk:
    return Clerk(bearer_auth=secret_key, server_url=f"{stage.clerk_url}/v1")


@pytest.fixture
def person(development: Stage) -> User:
    """A dispatcher of Blue Ridge Freight, and nobody else's."""
    return new_person(development, "org:dispatcher")


def new_person(stage: Stage, role: str | None = None) -> User:
    name = f"p{secrets.token_hex(4)}"
    user = stage.clerk.create_user(f"{name}@example.com", first_name=name, password="fleet-demo")
    if role:
        stage.clerk.create_organization_membership(BLUE_RIDGE, user.id, role)
    return user


def at_all(stage: Stage, visitor: Visitor, user_id: str | None) -> dict[str, Any]:
    """What all of the servers say of a browser in which that user is signed in: the same."""
    described = [visitor.open(f"{stage.origins[name]}/who").who for name in NAMES]
    assert described.count(described[0]) == len(described)
    assert described[0]["userId"] == user_id
    return described[0]


def signed_in(stage: Stage, visitor: Visitor, user_id: str) -> dict[str, Any]:
    visitor.sign_in(stage.clerk_url, user_id, back_to=f"{stage.origins['express']}/who")
    return at_all(stage, visitor, user_id)


def later(stage: Stage, visitor: Visitor) -> None:
    """The session token expires: the next request gets another."""
    # Browsers forget an expired cookie; an empty one is none, too.
    for name in ("__session", f"__session_{stage.cookie_suffix}"):
        visitor.set_cookie(name, "")


class TestUsers:
    def test_both_read_the_same(self, development: Stage, python: Clerk) -> None:
        ours = development.clerk.users["user_grace"]
        in_node = development.in_node("users", "getUser", ours.id)
        in_python = python.users.get(user_id=ours.id)
        assert in_node["id"] == in_python.id == ours.id
        assert in_node["firstName"] == in_python.first_name == "Grace"
        assert in_node["publicMetadata"] == in_python.public_metadata == {"onboardingComplete": True}
        assert in_node["primaryEmailAddressId"] == in_python.primary_email_address_id
        assert in_node["emailAddresses"][0]["emailAddress"] == ours.email
        assert in_python.email_addresses[0].email_address == ours.email
        assert in_node["createdAt"] == in_python.created_at
        assert in_node["twoFactorEnabled"] is in_python.two_factor_enabled is True

    def test_lists_and_their_pages(self, development: Stage, python: Clerk) -> None:
        people = [new_person(development) for _ in range(3)]
        ids = [person.id for person in people]
        listed = development.in_node("users", "getUserList", {"userId": ids, "limit": 2})
        assert listed["totalCount"] == 3
        rest = development.in_node("users", "getUserList", {"userId": ids, "limit": 2, "offset": 2})
        assert sorted(user["id"] for user in listed["data"] + rest["data"]) == sorted(ids)
        assert development.in_node("users", "getCount", {"userId": ids}) == 3
        by_address = python.users.list(request={"email_address": [people[0].email]})
        assert [user.id for user in by_address] == [ids[0]]
        in_order = python.users.list(request={"user_id": ids, "order_by": "email_address"})
        assert [user.id for user in in_order] == [
            person.id for person in sorted(people, key=lambda person: person.email)
        ]
        found = development.in_node("users", "getUserList", {"query": people[1].first_name})
        assert [user["id"] for user in found["data"]] == [ids[1]]

    def test_who_is_made_by_node_signs_in_and_is_known_everywhere(
        self, development: Stage, python: Clerk, visitor: Visitor
    ) -> None:
        made = development.in_node(
            "users",
            "createUser",
            {
                "emailAddress": [f"{secrets.token_hex(4)}@example.com"],
                "password": "correct horse battery staple",
                "firstName": "Nora",
                "externalId": secrets.token_hex(4),
                "publicMetadata": {"onboardingComplete": False},
            },
        )
        page = visitor.sign_in(
            development.clerk_url,
            made["id"],
            back_to=f"{development.origins['wsgi']}/who",
            password="correct horse battery staple",
        )
        assert page.who["userId"] == made["id"]
        at_all(development, visitor, made["id"])
        assert python.users.get(user_id=made["id"]).external_id == made["externalId"]
        gone = development.in_node("users", "deleteUser", made["id"])
        assert (gone["id"], gone["deleted"]) == (made["id"], True)
        with pytest.raises(models.ClerkErrors):
            python.users.get(user_id=made["id"])
        later(development, visitor)
        at_all(development, visitor, None)

    def test_who_is_made_by_python_is_known_everywhere(
        self, development: Stage, python: Clerk, visitor: Visitor
    ) -> None:
        made = python.users.create(
            email_address=[f"{secrets.token_hex(4)}@example.com"],
            password="fleet-demo-2",
            first_name="Pia",
            last_name="Ångström",
            username=f"pia-{secrets.token_hex(4)}",
        )
        assert development.in_node("users", "getUser", made.id)["lastName"] == "Ångström"
        page = visitor.sign_in(
            development.clerk_url,
            made.id,
            back_to=f"{development.origins['express']}/who",
            password="fleet-demo-2",
        )
        assert page.who["userId"] == made.id
        assert python.users.delete(user_id=made.id).deleted
        with pytest.raises(NodeError) as refused:
            development.in_node("users", "getUser", made.id)
        assert (refused.value.status, refused.value.codes) == (404, ["resource_not_found"])

    def test_metadata_is_in_the_next_token(
        self, development: Stage, python: Clerk, visitor: Visitor, person: User
    ) -> None:
        claims = signed_in(development, visitor, person.id)["sessionClaims"]
        assert claims["publicMetadata"] == {"onboardingComplete": None}
        python.users.update_metadata(
            user_id=person.id,
            public_metadata={"onboardingComplete": True, "depot": {"city": "Oslo"}},
            private_metadata={"salary": 7},
        )
        in_node = development.in_node("users", "getUser", person.id)
        assert in_node["publicMetadata"] == {"onboardingComplete": True, "depot": {"city": "Oslo"}}
        assert in_node["privateMetadata"] == {"salary": 7}
        later(development, visitor)
        claims = at_all(development, visitor, person.id)["sessionClaims"]
        assert claims["publicMetadata"] == {"onboardingComplete": True}
        development.in_node(
            "users", "updateUserMetadata", person.id, {"publicMetadata": {"onboardingComplete": False}}
        )
        later(development, visitor)
        claims = at_all(development, visitor, person.id)["sessionClaims"]
        assert claims["publicMetadata"] == {"onboardingComplete": False}
        read = python.users.get(user_id=person.id)
        assert read.public_metadata == {"onboardingComplete": False, "depot": {"city": "Oslo"}}

    def test_a_change_of_one_is_read_by_the_other(
        self, development: Stage, python: Clerk, person: User
    ) -> None:
        changed = development.in_node("users", "updateUser", person.id, {"lastName": "Berg"})
        assert changed["lastName"] == "Berg"
        assert python.users.get(user_id=person.id).last_name == "Berg"
        python.users.update(user_id=person.id, first_name="Kim")
        in_node = development.in_node("users", "getUser", person.id)
        assert (in_node["firstName"], in_node["lastName"]) == ("Kim", "Berg")

    def test_passwords_are_verified(self, development: Stage, python: Clerk, person: User) -> None:
        asked = {"userId": person.id, "password": "fleet-demo"}
        assert development.in_node("users", "verifyPassword", asked)["verified"]
        assert python.users.verify_password(user_id=person.id, password="fleet-demo").verified
        with pytest.raises(NodeError) as refused:
            development.in_node("users", "verifyPassword", {**asked, "password": "wrong"})
        assert refused.value.status == 422
        with pytest.raises(models.ClerkBaseError):
            python.users.verify_password(user_id=person.id, password="wrong")

    def test_who_is_banned_is_signed_out_and_stays_out(
        self, development: Stage, python: Clerk, visitor: Visitor, person: User
    ) -> None:
        signed_in(development, visitor, person.id)
        assert development.in_node("users", "banUser", person.id)["banned"]
        assert python.users.get(user_id=person.id).banned
        later(development, visitor)
        at_all(development, visitor, None)
        page = visitor.sign_in(
            development.clerk_url, person.id, back_to=f"{development.origins['express']}/who"
        )
        assert page.response.status_code != 200
        at_all(development, visitor, None)
        assert not python.users.unban(user_id=person.id).banned
        signed_in(development, visitor, person.id)

    def test_access_tokens_of_other_providers(self, development: Stage, python: Clerk, person: User) -> None:
        development.clerk.set_oauth_access_token(
            person.id, "google", "ya29.calendar", scopes=["https://www.googleapis.com/auth/calendar"]
        )
        in_node = development.in_node("users", "getUserOauthAccessToken", person.id, "google")
        assert [token["token"] for token in in_node["data"]] == ["ya29.calendar"]
        in_python = python.users.get_o_auth_access_token(user_id=person.id, provider="oauth_google")
        assert [token.token for token in in_python] == ["ya29.calendar"]


class TestOrganizations:
    def test_a_new_role_is_in_the_next_token(
        self, development: Stage, python: Clerk, visitor: Visitor, person: User
    ) -> None:
        who = signed_in(development, visitor, person.id)
        assert who["orgRole"] == "org:dispatcher"
        assert "org:dispatcher:assign_drivers" in who["orgPermissions"]
        changed = development.in_node(
            "organizations",
            "updateOrganizationMembership",
            {"organizationId": BLUE_RIDGE, "userId": person.id, "role": "org:driver"},
        )
        assert changed["role"] == "org:driver"
        later(development, visitor)
        who = at_all(development, visitor, person.id)
        assert (who["orgRole"], "org:driver:log_hos" in who["orgPermissions"]) == ("org:driver", True)
        assert "org:dispatcher:assign_drivers" not in who["orgPermissions"]
        updated = python.organization_memberships.update(
            organization_id=BLUE_RIDGE, user_id=person.id, role="org:admin"
        )
        assert updated.role == "org:admin"
        later(development, visitor)
        assert at_all(development, visitor, person.id)["orgRole"] == "org:admin"

    def test_who_leaves_has_no_organization_any_more(
        self, development: Stage, python: Clerk, visitor: Visitor, person: User
    ) -> None:
        assert signed_in(development, visitor, person.id)["orgId"] == BLUE_RIDGE
        python.organization_memberships.delete(organization_id=BLUE_RIDGE, user_id=person.id)
        later(development, visitor)
        who = at_all(development, visitor, person.id)
        assert (who["orgId"], who["orgRole"], who["orgPermissions"]) == (None, None, None)
        listed = development.in_node("users", "getOrganizationMembershipList", {"userId": person.id})
        assert listed["totalCount"] == 0

    def test_one_that_is_made_by_node_has_members_made_by_python(
        self, development: Stage, python: Clerk, person: User
    ) -> None:
        slug = f"nordic-{secrets.token_hex(4)}"
        made = development.in_node(
            "organizations",
            "createOrganization",
            {
                "name": "Nordic Freight",
                "slug": slug,
                "createdBy": person.id,
                "publicMetadata": {"depot": "Oslo"},
            },
        )
        read = python.organizations.get(organization_id=slug)
        assert (read.id, read.name, read.public_metadata) == (made["id"], "Nordic Freight", {"depot": "Oslo"})
        other = new_person(development)
        python.organization_memberships.create(
            organization_id=made["id"], user_id=other.id, role="org:member"
        )
        members = development.in_node(
            "organizations", "getOrganizationMembershipList", {"organizationId": made["id"]}
        )
        roles = {each["publicUserData"]["userId"]: each["role"] for each in members["data"]}
        assert roles == {person.id: "org:admin", other.id: "org:member"}
        assert python.organization_memberships.list(organization_id=made["id"]).total_count == 2
        python.organizations.update(organization_id=made["id"], name="Nordic Lines")
        found = development.in_node("organizations", "getOrganizationList", {"query": "Nordic Lines"})
        assert made["id"] in [each["id"] for each in found["data"]]
        assert development.in_node("organizations", "deleteOrganization", made["id"])["deleted"]
        with pytest.raises(models.ClerkErrors):
            python.organizations.get(organization_id=made["id"])

    def test_the_active_one_is_in_the_token(
        self, development: Stage, python: Clerk, visitor: Visitor, person: User
    ) -> None:
        python.organization_memberships.create(organization_id=HARBOR, user_id=person.id, role="org:member")
        signed_in(development, visitor, person.id)
        page = visitor.open(f"{development.origins['express']}/orgs/harbor-lines")
        assert page.who["orgId"] == HARBOR
        assert at_all(development, visitor, person.id)["orgRole"] == "org:member"

    def test_invitations(self, development: Stage, python: Clerk) -> None:
        address = f"{secrets.token_hex(4)}@example.com"
        made = development.in_node(
            "organizations",
            "createOrganizationInvitation",
            {
                "organizationId": HARBOR,
                "emailAddress": address,
                "role": "org:driver",
                "inviterUserId": "user_grace",
            },
        )
        assert made["status"] == "pending"
        listed = python.organization_invitations.list(
            organization_id=HARBOR, status=models.ListOrganizationInvitationsQueryParamStatus.PENDING
        )
        (invitation,) = [each for each in listed.data if each.email_address == address]
        assert (invitation.id, invitation.role) == (made["id"], "org:driver")
        revoked = python.organization_invitations.revoke(
            organization_id=HARBOR, invitation_id=made["id"], requesting_user_id="user_grace"
        )
        assert revoked.status == "revoked"
        again = development.in_node(
            "organizations",
            "getOrganizationInvitation",
            {"organizationId": HARBOR, "invitationId": made["id"]},
        )
        assert again["status"] == "revoked"


class TestSessions:
    def test_both_list_the_browsers_session_and_either_revokes_it(
        self, development: Stage, python: Clerk, visitor: Visitor, person: User
    ) -> None:
        session_id = signed_in(development, visitor, person.id)["sessionId"]
        listed = development.in_node("sessions", "getSessionList", {"userId": person.id, "status": "active"})
        assert [session["id"] for session in listed["data"]] == [session_id]
        in_python = python.sessions.list(user_id=person.id, status=models.QueryParamStatus.ACTIVE)
        assert [session.id for session in in_python] == [session_id]
        assert python.sessions.get(session_id=session_id).user_id == person.id
        assert python.sessions.revoke(session_id=session_id).status == "revoked"
        assert development.in_node("sessions", "getSession", session_id)["status"] == "revoked"
        later(development, visitor)
        at_all(development, visitor, None)

    def test_tokens_that_they_get_are_good_everywhere(
        self, development: Stage, python: Clerk, visitor: Visitor, person: User
    ) -> None:
        session_id = signed_in(development, visitor, person.id)["sessionId"]
        tokens = [
            development.in_node("sessions", "getToken", session_id)["jwt"],
            python.sessions.create_token(session_id=session_id).jwt,
        ]
        for token in tokens:
            for described in development.who({"authorization": f"Bearer {token}"}).values():
                assert (described["sessionId"], described["orgId"]) == (session_id, BLUE_RIDGE)

    def test_a_session_that_is_made_by_python(self, development: Stage, python: Clerk, person: User) -> None:
        made = python.sessions.create(request={"user_id": person.id})
        session = development.clerk._instance.session(made.id)
        assert session
        token = development.clerk.session_token(session, azp=development.origins["fastapi"])
        for described in development.who({"authorization": f"Bearer {token}"}).values():
            assert (described["sessionId"], described["userId"]) == (made.id, person.id)

    def test_templates_that_node_makes(
        self, development: Stage, python: Clerk, visitor: Visitor, person: User
    ) -> None:
        # The client for Python drops the claims of a template: its model of them has no fields.
        made = development.in_node(
            "jwtTemplates",
            "create",
            {
                "name": f"depot-{secrets.token_hex(4)}",
                "claims": {"who": "{{user.id}}", "where": "{{org.slug}}"},
                "lifetime": 90,
            },
        )
        assert made["name"] in [template.name for template in python.jwt_templates.list()]
        session_id = signed_in(development, visitor, person.id)["sessionId"]
        answers = [visitor.fetch(f"{origin}/token/{made['name']}") for origin in development.origins.values()]
        tokens = [answer.raise_for_status().json() for answer in answers]
        created = python.sessions.create_token_from_template(
            session_id=session_id, template_name=made["name"]
        )
        assert created.jwt
        for token in (*tokens, created.jwt):
            claims = unverified_claims(token)
            assert (claims["who"], claims["where"]) == (person.id, "blue-ridge-freight")
            assert claims["exp"] == pytest.approx(time.time() + 90, abs=5)
        assert python.jwt_templates.delete(template_id=made["id"]).deleted

    def test_a_testing_token(self, development: Stage, python: Clerk) -> None:
        assert python.testing_tokens.create().token
        assert development.in_node("testingTokens", "createTestingToken")["token"]

    def test_tickets(self, development: Stage, python: Clerk, person: User) -> None:
        in_node = development.in_node(
            "signInTokens", "createSignInToken", {"userId": person.id, "expiresInSeconds": 60}
        )
        assert (in_node["status"], in_node["userId"]) == ("pending", person.id)
        assert python.sign_in_tokens.revoke(sign_in_token_id=in_node["id"]).status == "revoked"
        acting = python.actor_tokens.create(
            request={"user_id": person.id, "actor": {"sub": "user_ada"}, "expires_in_seconds": 60}
        )
        assert acting.user_id == person.id
        assert development.in_node("actorTokens", "revoke", acting.id)["status"] == "revoked"


class TestRefused:
    def test_a_wrong_key(self, development: Stage, version_1: Stage) -> None:
        with (
            client_of(development, version_1.clerk.secret_key) as python,
            pytest.raises(models.ClerkErrors) as refused,
        ):
            python.users.get(user_id="user_dev")
        assert refused.value.status_code == 401
        assert refused.value.data.errors[0].code == "clerk_key_invalid"

    def test_what_is_not_there(self, development: Stage, python: Clerk) -> None:
        with pytest.raises(models.ClerkErrors) as refused:
            python.users.get(user_id="user_nobody")
        assert refused.value.status_code == 404
        assert [error.code for error in refused.value.data.errors] == ["resource_not_found"]
        with pytest.raises(NodeError) as node_refused:
            development.in_node("organizations", "getOrganization", {"organizationId": "org_nowhere"})
        assert (node_refused.value.status, node_refused.value.codes) == (404, ["resource_not_found"])

    def test_what_is_malformed(self, development: Stage, python: Clerk) -> None:
        address = development.clerk.users["user_dev"].email
        with pytest.raises(NodeError) as node_refused:
            development.in_node("users", "createUser", {"emailAddress": [address], "password": "x" * 20})
        assert (node_refused.value.status, node_refused.value.codes) == (422, ["form_identifier_exists"])
        with pytest.raises(models.ClerkErrors) as refused:
            python.organization_memberships.create(
                organization_id=BLUE_RIDGE, user_id="user_sam", role="org:captain"
            )
        assert refused.value.status_code in (400, 404, 422)


def unverified_claims(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims

"""The sessions of a browser: who is shown, tokens, switching organizations, and signing out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from clerk_middleware.local import LocalClerk

from .page import APP, Page, error_in

ADA = "ada@blueridge.example"
GRACE = "grace@harborlines.example"


def signed_in(page: Page, clerk: LocalClerk, user_id: str) -> dict[str, Any]:
    """The SESSION of a page whose user has given all factors."""
    ticket = clerk.create_sign_in_token(user_id).token
    client = page.post("/client/sign_ins", strategy="ticket", ticket=ticket).json()["client"]
    session: dict[str, Any] = client["sessions"][-1]
    return session


def path_of(session: dict[str, Any]) -> str:
    return f"/client/sessions/{session['id']}"


def test_what_a_page_sees_of_who_is_signed_in(page: Page, clerk: LocalClerk, clock: Any) -> None:
    clerk.update_user(
        "user_grace",
        public_metadata={"private_metadata": 1, "image_url": 2},
        private_metadata={"salary": 1},
        unsafe_metadata={"theme": "dark"},
    )
    clerk.update_organization("org_harbor_lines", private_metadata={"credit": 1})
    session = signed_in(page, clerk, "user_grace")
    assert session["status"] == "active"
    assert session["expire_at"] == (clock.now + 604_800) * 1000
    assert session["factor_verification_age"] == [0, -1]
    assert session["actor"] is session["tasks"] is None
    assert session["public_user_data"]["identifier"] == GRACE
    user = session["user"]
    assert user["email_addresses"][0]["email_address"] == GRACE
    assert user["primary_email_address_id"] == user["email_addresses"][0]["id"]
    assert user["password_enabled"] is user["two_factor_enabled"] is user["totp_enabled"] is True
    assert user["unsafe_metadata"] == {"theme": "dark"}
    assert user["public_metadata"] == {"private_metadata": 1, "image_url": 2}  # as the application named them
    memberships = {item["organization"]["slug"]: item for item in user["organization_memberships"]}
    assert set(memberships) == {"blue-ridge-freight", "harbor-lines"}
    assert memberships["harbor-lines"]["role"] == "org:admin"
    assert memberships["harbor-lines"]["organization"]["pending_invitations_count"] == 0
    assert "org:sys_memberships:manage" in memberships["harbor-lines"]["permissions"]
    assert "org:dispatcher:assign_drivers" in memberships["blue-ridge-freight"]["permissions"]
    for secret in ("salary", "credit", "fleet-demo", "424242", "created_by"):
        assert secret not in str(session)


def test_invitations_that_are_pending_are_counted(page: Page, clerk: LocalClerk, clock: Any) -> None:
    clerk.create_organization_invitation("org_blue_ridge", "new@example.com", "org:driver")
    (membership,) = signed_in(page, clerk, "user_ada")["user"]["organization_memberships"]
    assert membership["organization"]["pending_invitations_count"] == 1
    clock.now += 60 * 60 * 24 * 365
    (membership,) = signed_in(page, clerk, "user_ada")["user"]["organization_memberships"]
    assert membership["organization"]["pending_invitations_count"] == 0


def test_permissions_are_those_of_a_token(clerk: LocalClerk, page: Page, claims_of: Any) -> None:
    session = signed_in(page, clerk, "user_ada")
    held = session["user"]["organization_memberships"][0]["permissions"]
    custom = claims_of(session["last_active_token"]["jwt"])["org_membership.permissions"]
    assert [permission for permission in held if not permission.startswith("org:sys_")] == custom


class TestTokens:
    def test_are_for_the_application_that_asks(self, clerk: LocalClerk, page: Page, claims_of: Any) -> None:
        path = path_of(signed_in(page, clerk, "user_ada"))
        page.origin = "http://app.localhost:3000"
        answer = page.post(f"{path}/tokens", organization_id="org_blue_ridge", tab_state="focused").json()
        assert set(answer) == {"object", "jwt"}  # no envelope
        assert answer["object"] == "token"
        assert claims_of(answer["jwt"])["azp"] == "http://app.localhost:3000"

    def test_may_be_for_another_organization(self, clerk: LocalClerk, page: Page, claims_of: Any) -> None:
        session = signed_in(page, clerk, "user_grace")
        path = f"{path_of(session)}/tokens"
        slugs = [
            claims_of(page.post(path, **form).json()["jwt"]).get("o", {}).get("slg")
            for form in ({"organization_id": "org_harbor_lines"}, {"organization_id": ""}, {})
        ]
        assert slugs == ["harbor-lines", None, "blue-ridge-freight"]
        assert page.client()["sessions"][0]["last_active_organization_id"] == "org_blue_ridge"

    @pytest.mark.parametrize("organization", ["org_harbor_lines", "org_nowhere"])
    def test_but_not_for_an_organization_of_others(
        self, clerk: LocalClerk, page: Page, organization: str
    ) -> None:
        path = path_of(signed_in(page, clerk, "user_ada"))
        for response in (
            page.post(f"{path}/tokens", organization_id=organization),
            page.post(f"{path}/touch", active_organization_id=organization),
        ):
            assert error_in(response) == (403, "organization_not_found_or_unauthorized", None)

    def test_of_a_template(self, clerk: LocalClerk, page: Page, claims_of: Any) -> None:
        path = path_of(signed_in(page, clerk, "user_ada"))
        claims = claims_of(page.post(f"{path}/tokens/neon").json()["jwt"])
        assert (claims["sub"], claims["azp"], claims["org.id"]) == ("user_ada", APP, "org_blue_ridge")
        assert error_in(page.post(f"{path}/tokens/none")) == (404, "resource_not_found", None)


class TestTouching:
    def test_changes_the_organization(
        self, clerk: LocalClerk, page: Page, clock: Any, claims_of: Any
    ) -> None:
        path = path_of(signed_in(page, clerk, "user_grace"))
        for organization, slug in (("org_harbor_lines", "harbor-lines"), ("", None)):
            clock.now += 5
            answer = page.post(f"{path}/touch", active_organization_id=organization).json()
            assert answer["response"]["last_active_organization_id"] == (organization or None)
            claims = claims_of(answer["response"]["last_active_token"]["jwt"])
            assert claims.get("o", {}).get("slg") == slug
            assert answer["client"]["updated_at"] == clock.now * 1000  # older tokens are out of date
            assert claims["iat"] * 1000 >= answer["client"]["updated_at"]

    def test_changes_nothing_else(self, clerk: LocalClerk, page: Page, clock: Any) -> None:
        path = path_of(signed_in(page, clerk, "user_grace"))
        before = page.client()
        clock.now += 5
        for form in ({"active_organization_id": "org_blue_ridge", "intent": "focus"}, {}):
            answer = page.post(f"{path}/touch", **form).json()
            assert answer["client"]["updated_at"] == before["updated_at"]
            assert answer["response"]["last_active_organization_id"] == "org_blue_ridge"
            assert answer["response"]["last_active_at"] == clock.now * 1000


class TestSigningOut:
    @pytest.mark.parametrize("action", ["end", "remove"])
    def test_of_one_session(self, clerk: LocalClerk, page: Page, action: str) -> None:
        session = signed_in(page, clerk, "user_ada")
        answer = page.post(f"{path_of(session)}/{action}").json()
        assert answer["response"]["status"] == "ended"
        assert answer["response"]["last_active_token"] is None
        assert answer["client"]["sessions"] == []
        assert answer["client"]["last_active_session_id"] is None

    def test_of_all(self, clerk: LocalClerk, page: Page) -> None:
        signed_in(page, clerk, "user_ada")
        answer = page.ask("DELETE", "/client/sessions").json()
        assert answer["response"]["sessions"] == []
        assert page.client()["sessions"] == []

    def test_and_forgetting_what_is_under_way(self, clerk: LocalClerk, page: Page) -> None:
        page.post("/client/sign_ins", identifier=ADA)
        page.post("/client/sign_ups", first_name="New")
        shown = page.ask("DELETE", "/client").json()["response"]
        assert shown["deleted"] is True
        client = page.ask("PUT", "/client").json()["response"]
        assert client["id"] == shown["id"]
        assert client["sign_in"] is client["sign_up"] is None


@pytest.mark.parametrize("end", ["revoke", "expire", "delete the user"])
def test_a_session_that_ended_signs_out_at_once(clerk: LocalClerk, page: Page, clock: Any, end: str) -> None:
    session = signed_in(page, clerk, "user_ada")
    if end == "revoke":
        clerk.revoke_session(session["id"])
    elif end == "expire":
        clock.now += 604_800
    else:
        clerk.delete_user("user_ada")
    path = path_of(session)
    for response in (
        page.get(path),
        page.post(f"{path}/tokens"),
        page.post(f"{path}/tokens/neon"),
        page.post(f"{path}/touch"),
        page.post(f"{path}/end"),
    ):
        assert error_in(response) == (401, "authentication_invalid", None)
        assert response.json()["meta"]["client"]["sessions"] == []
    assert page.client()["sessions"] == []


def test_a_session_of_another_browser_is_none(clerk: LocalClerk, new_page: Callable[[], Page]) -> None:
    path, other = path_of(signed_in(new_page(), clerk, "user_ada")), new_page()
    signed_in(other, clerk, "user_grace")
    unknown = "/client/sessions/sess_unknown"
    for response in (
        other.get(path),
        other.post(f"{path}/tokens"),
        other.post(f"{path}/touch"),
        other.post(f"{path}/remove"),
        other.get(unknown),
    ):
        assert error_in(response) == (404, "resource_not_found", None)
        assert response.json()["errors"] == other.get(unknown).json()["errors"]


def test_a_page_reads_one_session(clerk: LocalClerk, page: Page) -> None:
    session = signed_in(page, clerk, "user_ada")
    shown = page.get(path_of(session)).json()["response"]
    assert (shown["id"], shown["user"]["id"]) == (session["id"], "user_ada")


class TestSeveralSessions:
    @pytest.fixture
    def clerk(self, several_sessions: LocalClerk) -> LocalClerk:
        return several_sessions

    def test_one_is_the_active_one(self, clerk: LocalClerk, page: Page, clock: Any) -> None:
        ada, bob = (signed_in(page, clerk, user_id) for user_id in ("user_ada", "user_bob"))
        assert page.client()["last_active_session_id"] == bob["id"]
        clock.now += 5
        client = page.post(f"{path_of(ada)}/touch", active_organization_id="").json()["client"]
        assert client["last_active_session_id"] == ada["id"]
        assert client["updated_at"] == clock.now * 1000

    def test_signing_out_of_one_leaves_the_others(self, clerk: LocalClerk, page: Page) -> None:
        ada, bob = (signed_in(page, clerk, user_id) for user_id in ("user_ada", "user_bob"))
        client = page.post(f"{path_of(bob)}/remove").json()["client"]
        assert [session["id"] for session in client["sessions"]] == [ada["id"]]
        assert client["last_active_session_id"] == ada["id"]
        assert page.post(f"{path_of(ada)}/tokens").status_code == 200

    def test_a_revoked_one_is_gone_from_the_list(self, clerk: LocalClerk, page: Page) -> None:
        ada, bob = (signed_in(page, clerk, user_id) for user_id in ("user_ada", "user_bob"))
        clerk.revoke_session(bob["id"])
        client = page.client()
        assert [session["id"] for session in client["sessions"]] == [ada["id"]]
        assert client["last_active_session_id"] is None

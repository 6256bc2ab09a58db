"""Users and memberships that change while LocalClerk runs, and the events of what happens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import httpx
import pytest

from clerk_middleware.local import LocalClerk, LocalServer, Session
from clerk_middleware.local.seed_reader import SeedError

from .conftest import Clock
from .oauth_client import CALLBACK, Tab, exchange, is_good, refresh

Decode = Callable[[str], dict[str, Any]]
BACK = {"redirect_url": "http://localhost:8000/loads"}


def events_of(clerk: LocalClerk) -> list[str]:
    return [message.type for message in clerk.webhook_messages]


def sign_in(browser: httpx.Client, user_id: str, password: str) -> httpx.Response:
    return browser.post("/sign-in", params=BACK, data={"user_id": user_id, "password": password})


def client_session(clerk: LocalClerk, browser: httpx.Client) -> Session | None:
    """The session of the browser, as LocalClerk's own cookie says it."""
    token = next(value for name, value in browser.cookies.items() if name.startswith("__local_clerk_client"))
    client = clerk._instance.client_of(token)
    return clerk._instance.session_of(client) if client else None


@pytest.fixture
def elsewhere(server: LocalServer) -> Iterator[httpx.Client]:
    """A browser of somebody else."""
    with httpx.Client(base_url=server.url) as client:
        yield client


# Users


def test_a_new_user_signs_in(clerk: LocalClerk, browser: httpx.Client, backend: httpx.Client) -> None:
    user = clerk.create_user("new@example.com", password="new-password", first_name="Nell", plan="plus")
    assert clerk.users[user.id] is user
    assert (user.email, user.first_name, user.email_verified) == ("new@example.com", "Nell", True)
    assert "Nell" in browser.get("/sign-in").text
    assert sign_in(browser, user.id, "wrong").status_code == 422
    assert sign_in(browser, user.id, "new-password").status_code == 303
    session = client_session(clerk, browser)
    assert session is not None
    assert session.user_id == user.id
    assert backend.get(f"/users/{user.id}").json()["first_name"] == "Nell"
    assert clerk.issue_session_token(user.id)


def test_a_new_user_has_an_id_and_a_password(clerk: LocalClerk, browser: httpx.Client) -> None:
    first, second = clerk.create_user("1@example.com"), clerk.create_user("2@example.com")
    assert first.id.startswith("user_")
    assert first.id != second.id
    assert first.password != second.password
    assert len(first.password) >= 16
    assert sign_in(browser, first.id, first.password).status_code == 303
    assert clerk.create_user("3@example.com", id="user_three").id == "user_three"


def test_the_event_of_a_new_user_is_the_backend_apis_user(
    clerk: LocalClerk, backend: httpx.Client, clock: Clock
) -> None:
    clock.now += 60
    user = clerk.create_user("new@example.com", private_metadata={"notes": "none"})
    (message,) = clerk.webhook_messages
    assert message.type == "user.created"
    assert message.data == backend.get(f"/users/{user.id}").json()
    assert message.data["email_addresses"][0]["email_address"] == "new@example.com"
    assert message.data["private_metadata"] == {"notes": "none"}
    assert message.data["created_at"] == message.data["updated_at"] == 1_750_000_060_000


def test_a_user_changes(clerk: LocalClerk, clock: Clock, claims_of: Decode) -> None:
    before = clerk.users["user_dev"]
    clock.now += 60
    user = clerk.update_user("user_dev", first_name="Devi", last_name=None, public_metadata={"lang": "sv"})
    assert clerk.users["user_dev"] == user
    assert (user.first_name, user.last_name, user.public_metadata) == ("Devi", None, {"lang": "sv"})
    assert (user.email, user.password, user.plan) == (before.email, before.password, before.plan)
    (message,) = clerk.webhook_messages
    assert (message.type, message.data["first_name"]) == ("user.updated", "Devi")
    assert message.data["created_at"] == 1_750_000_000_000
    assert message.data["updated_at"] == 1_750_000_060_000
    assert list(clerk.users)[: len(clerk.users)] == list(LocalClerk().users)  # in the same order


def test_a_changed_user_may_keep_the_address(clerk: LocalClerk) -> None:
    assert clerk.update_user("user_dev", email="DEV@blueridge.example").email == "DEV@blueridge.example"


def test_changing_back_what_was_seen(clerk: LocalClerk, claims_of: Decode) -> None:
    clerk.update_user("user_dev", public_metadata={"onboardingComplete": "quite"})
    claims = claims_of(clerk.issue_session_token("user_dev"))
    assert claims["publicMetadata"] == {"onboardingComplete": "quite"}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"email": "ADA@blueridge.example"}, "The e-mail address 'ADA@blueridge.example' is taken already"),
        ({"email": ""}, "email: must be printable text"),
        ({"username": "dev@blueridge.example"}, "username: must hold no @"),
        ({"password": "line\nfeed"}, "password: must be printable text"),
        ({"last_name": "a\nb"}, "last_name: must be printable text"),
        ({"totp_secret": "JBSWY3DPEHPK3PXP"}, "totp_secret: must be 23 to 128 characters"),
        ({"totp_secret": "A" * 25}, "totp_secret: must be 23 to 128 characters"),
        ({"totp_secret": "a" * 32}, "totp_secret: must be 23 to 128 characters"),
        ({"id": "user_ada"}, "id: 'user_ada' is taken already"),
        ({"id": "ada"}, "id: 'ada' must be letters, digits, _ and -, and begin with user_"),
        ({"plan": "starter"}, "plan: 'starter' is no plan of scope 'user'"),
        ({"first_nam": "Nell"}, "first_nam: is no key of a seed; did you mean 'first_name'"),
        ({"password": None}, "password: is missing"),
        ({"public_metadata": {"since": date(2020, 1, 1)}}, "public_metadata: must be what JSON can say"),
    ],
)
def test_users_that_cannot_be(clerk: LocalClerk, fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        clerk.create_user(**{"email": "new@example.com", **fields})
    if "id" not in fields:
        with pytest.raises(ValueError, match=re.escape(problem)):
            clerk.update_user("user_dev", **fields)
    assert clerk.webhook_messages == ()
    assert clerk.users == LocalClerk().users


def test_dates_in_the_metadata_of_a_seed() -> None:
    """TOML has them, the Backend API could not show them."""
    user = {
        "id": "user_1",
        "email": "1@example.com",
        "password": "1",
        "public_metadata": {"on": date.today()},
    }
    with pytest.raises(SeedError, match=r"\[users 1\] public_metadata: must be what JSON can say"):
        LocalClerk({"users": [user]})


def test_nobody_by_that_id(clerk: LocalClerk) -> None:
    for use in (clerk.update_user, clerk.delete_user):
        with pytest.raises(LookupError, match="no user 'user_none'; there are: user_ada, "):
            use("user_none")


def test_a_deleted_user_is_gone(clerk: LocalClerk, browser: httpx.Client, backend: httpx.Client) -> None:
    elsewhere = clerk.sign_in("user_dev")
    sign_in(browser, "user_dev", "fleet-demo")
    mine, other = client_session(clerk, browser), clerk.sign_in("user_ada")
    assert mine is not None
    clerk.delete_user("user_dev")
    assert "user_dev" not in clerk.users
    assert all("user_dev" not in organization.members for organization in clerk.organizations.values())
    assert (mine.closed, elsewhere.closed, other.closed) == ("removed", "removed", None)
    assert "Dev Patel" not in browser.get("/").text
    assert sign_in(browser, "user_dev", "fleet-demo").status_code == 422
    assert backend.get("/users/user_dev").status_code == 404
    answer = backend.post(f"/sessions/{mine.id}/tokens")
    assert answer.json()["errors"][0]["message"] == "The session is removed."
    with pytest.raises(LookupError):
        clerk.sign_in("user_dev")


def test_the_events_of_a_deletion(clerk: LocalClerk) -> None:
    session = clerk.sign_in("user_dev")
    clerk.delete_user("user_dev")
    _, membership, ended, deleted = clerk.webhook_messages
    assert membership.type == "organizationMembership.deleted"
    assert membership.data["public_user_data"]["user_id"] == "user_dev"
    assert (ended.type, ended.data["id"], ended.data["status"]) == ("session.removed", session.id, "removed")
    assert deleted.type == "user.deleted"
    assert deleted.data == {"object": "user", "id": "user_dev", "deleted": True}


def test_what_a_deleted_user_gave_programs_is_worthless(clerk: LocalClerk, backend: httpx.Client) -> None:
    keys = [clerk.create_api_key(subject) for subject in ("user_dev", "user_ada")]
    tokens = [clerk.create_oauth_access_token(user_id) for user_id in ("user_dev", "user_ada")]
    clerk.delete_user("user_dev")
    answers = [backend.post("/api_keys/verify", json={"secret": key.secret}) for key in keys]
    assert [answer.status_code for answer in answers] == [404, 200]
    assert [is_good(backend, token.token) for token in tokens] == [False, True]


@pytest.mark.parametrize("when", ["before the code is redeemed", "before the token is refreshed"])
def test_what_a_deleted_user_granted_is_worthless(
    clerk: LocalClerk, tab: Tab, elsewhere: httpx.Client, client: httpx.Client, when: str
) -> None:
    application = clerk.create_oauth_application("Portal", [CALLBACK], public=False, consent_screen=False)
    assert sign_in(elsewhere, "user_ada", "fleet-demo").status_code == 303
    others = exchange(client, application, Tab(elsewhere, "user_ada").allow(application)).json()
    code = tab.allow(application)
    if when.endswith("redeemed"):
        clerk.delete_user("user_dev")
        answer = exchange(client, application, code)
    else:
        tokens = exchange(client, application, code).json()
        clerk.delete_user("user_dev")
        answer = refresh(client, application, tokens["refresh_token"])
        userinfo = client.get(
            "/oauth/userinfo", headers={"authorization": f"Bearer {tokens['access_token']}"}
        )
        assert userinfo.status_code == 401
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert refresh(client, application, others["refresh_token"]).status_code == 200


def test_a_user_deleted_between_the_factors(clerk: LocalClerk, browser: httpx.Client) -> None:
    assert sign_in(browser, "user_grace", "fleet-demo").headers["location"].startswith("/sign-in/factor-two")
    clerk.delete_user("user_grace")
    answer = browser.post("/sign-in/factor-two", params=BACK, data={"code": "424242"})
    assert answer.headers["location"].startswith("/sign-in?")


def test_a_user_deleted_while_the_password_is_checked(clerk: LocalClerk) -> None:
    instance = clerk._instance
    session = instance.new_session("user_dev")
    clerk.delete_user("user_dev")
    instance.sign_in(instance.new_client(), session)
    assert session.closed == "removed"
    assert events_of(clerk)[-2:] == ["session.created", "session.removed"]


def test_everybody_may_be_deleted(clerk: LocalClerk, browser: httpx.Client) -> None:
    for user_id in clerk.users:
        clerk.delete_user(user_id)
    assert browser.get("/sign-in").status_code == 200
    with pytest.raises(LookupError, match="there are: none"):
        clerk.delete_user("user_dev")


# By the Backend API


@pytest.mark.parametrize("path", ["/email_addresses/idn_1", "/domains"])
def test_what_is_not_served_looks_like_no_wrong_id(backend: httpx.Client, path: str) -> None:
    answer = backend.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
    assert answer.json()["errors"][0]["message"].startswith(f"LocalClerk does not serve GET /v1{path}.")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"email_address": ["ann@localhost"]}, "email_address must be a valid e-mail address"),
        ({"username": "ann"}, "username must be 4 to 64 letters"),
        ({"username": "dev@blueridge.example"}, "username must be 4 to 64 letters"),
        ({"password": "x" * 7}, "Passwords must be 8 or more characters"),
        ({"password": "x" * 73}, "Passwords must be 72 or fewer characters"),
        ({"first_name": "n" * 257}, "first_name must be printable text of at most 256"),
    ],
)
def test_the_apis_are_as_strict_as_clerk(
    clerk: LocalClerk, backend: httpx.Client, fields: dict[str, Any], problem: str
) -> None:
    """A seed, and who makes users in code, need not be: a test has short passwords."""
    answers = [backend.post("/users", json={"email_address": ["new@example.com"], **fields})]
    if "email_address" not in fields:
        answers.append(backend.patch("/users/user_dev", json=fields))
    for answer in answers:
        assert answer.status_code == 422
        assert problem in answer.json()["errors"][0]["message"]
    assert clerk.users == LocalClerk().users
    assert clerk.create_user("ann@localhost", username="ann", password="x").username == "ann"


def test_the_backend_api_makes_changes_and_deletes_users(clerk: LocalClerk, backend: httpx.Client) -> None:
    created = backend.post(
        "/users",
        json={
            "email_address": ["new@example.com"],
            "password": "new-password",
            "public_metadata": {"lang": "sv"},
        },
    )
    assert created.status_code == 200
    user = clerk.users[created.json()["id"]]
    assert (user.email, user.password, user.public_metadata) == (
        "new@example.com",
        "new-password",
        {"lang": "sv"},
    )
    updated = backend.patch(f"/users/{user.id}", json={"first_name": "Nell"})
    assert (updated.status_code, updated.json()["first_name"]) == (200, "Nell")
    assert clerk.users[user.id].password == "new-password"
    deleted = backend.delete(f"/users/{user.id}")
    assert deleted.json() == {"object": "user", "id": user.id, "deleted": True}
    assert user.id not in clerk.users
    assert events_of(clerk) == ["user.created", "user.updated", "user.deleted"]
    answers = [dict(message.data) for message in clerk.webhook_messages]
    assert answers == [created.json(), updated.json(), deleted.json()]


def test_users_that_the_backend_api_refuses(
    clerk: LocalClerk, backend: httpx.Client, browser: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for answer, status, code in (
        (backend.post("/users", json={}), 422, "form_param_value_invalid"),
        (
            backend.post("/users", json={"email_address": ["ada@blueridge.example"]}),
            422,
            "form_identifier_exists",
        ),
        (backend.patch("/users/user_dev", json={"password": " " * 2000}), 422, "form_param_value_invalid"),
        (backend.patch("/users/user_none", json={}), 404, "resource_not_found"),
        (backend.delete("/users/user_none"), 404, "resource_not_found"),
        (browser.post("/v1/users", json={"email_address": ["new@example.com"]}), 401, "clerk_key_invalid"),
        (browser.delete("/v1/users/user_dev"), 401, "clerk_key_invalid"),
    ):
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)
    monkeypatch.setattr("clerk_middleware.local.rules.MAXIMUM_USERS", len(clerk.users))
    answer = backend.post("/users", json={"email_address": ["new@example.com"]})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "user_quota_exceeded")
    assert clerk.users == LocalClerk().users


@pytest.mark.parametrize("status", [5, {}, "reserved", [5], [None], True])
def test_a_status_of_addresses_that_is_none(backend: httpx.Client, clerk: LocalClerk, status: Any) -> None:
    body = {"email_address": ["new@example.com"], "email_address_identification_status": status}
    answer = backend.post("/users", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "form_param_value_invalid")
    assert clerk.users == LocalClerk().users


@pytest.mark.parametrize(
    ("status", "is_verified"), [(["reserved"], False), (["verified"], True), (None, True)]
)
def test_the_status_of_an_address(
    backend: httpx.Client, clerk: LocalClerk, status: Any, is_verified: bool
) -> None:
    body = {"email_address": ["new@example.com"], "email_address_identification_status": status}
    made = backend.post("/users", json=body).json()
    assert clerk.users[made["id"]].email_verified is is_verified


# Memberships


def test_a_membership_begins_changes_and_ends(clerk: LocalClerk, clock: Clock, claims_of: Decode) -> None:
    def role() -> str:
        claims = claims_of(clerk.issue_session_token("user_sam", organization="harbor-lines"))
        return str(claims["o"]["rol"])

    clock.now += 60
    clerk.create_organization_membership("harbor-lines", "user_sam", "org:driver")
    assert role() == "driver"
    clock.now += 60
    clerk.update_organization_membership("org_harbor_lines", "user_sam", "org:dispatcher")
    assert role() == "dispatcher"
    clerk.delete_organization_membership("harbor-lines", "user_sam")
    with pytest.raises(LookupError, match="no member"):
        role()
    assert events_of(clerk) == [
        f"organizationMembership.{what}" for what in ("created", "updated", "deleted")
    ]
    created, updated, deleted = (message.data for message in clerk.webhook_messages)
    assert (created["role"], updated["role"], deleted["role"]) == (
        "org:driver",
        "org:dispatcher",
        "org:dispatcher",
    )
    assert created["id"] == updated["id"] == deleted["id"]
    assert updated["created_at"] == created["created_at"] == created["updated_at"] == 1_750_000_060_000
    assert updated["updated_at"] == 1_750_000_120_000
    assert created["public_user_data"]["identifier"] == "sam@example.com"
    assert created["organization"]["slug"] == "harbor-lines"
    assert created["organization"]["members_count"] == 2
    assert "org:dispatcher:assign_drivers" in updated["permissions"]


def test_a_session_goes_on_without_the_organization(clerk: LocalClerk, claims_of: Decode) -> None:
    session = clerk.sign_in("user_grace", "harbor-lines")
    assert "o" in claims_of(clerk.session_token(session))
    clerk.delete_organization_membership("harbor-lines", "user_grace")
    assert "o" not in claims_of(clerk.session_token(session))


def test_memberships_that_cannot_be(clerk: LocalClerk) -> None:
    create, update = clerk.create_organization_membership, clerk.update_organization_membership
    for use, problem in (
        (lambda: create("nowhere", "user_sam", "org:driver"), "no organization 'nowhere'; there are: org_"),
        (lambda: create("harbor-lines", "user_none", "org:driver"), "no user 'user_none'"),
        (lambda: create("harbor-lines", "user_sam", "org:none"), "no role 'org:none'; there are: org:admin"),
        (lambda: create("harbor-lines", "user_grace", "org:driver"), "is a member of 'harbor-lines' already"),
        (lambda: update("harbor-lines", "user_sam", "org:driver"), "is no member of 'harbor-lines'"),
        (lambda: clerk.delete_organization_membership("harbor-lines", "user_sam"), "is no member of"),
    ):
        with pytest.raises((LookupError, ValueError), match=problem):
            use()
    assert clerk.webhook_messages == ()
    assert clerk.organizations == LocalClerk().organizations


# Sessions


def test_the_events_of_a_browser(clerk: LocalClerk, browser: httpx.Client, clock: Clock) -> None:
    browser.headers["user-agent"] = "a browser " + "x" * 1000
    sign_in(browser, "user_dev", "fleet-demo")
    session = client_session(clerk, browser)
    assert session is not None
    clock.now += 60
    browser.post("/sign-out", params=BACK)
    created, ended = clerk.webhook_messages
    assert (created.type, ended.type) == ("session.created", "session.ended")
    assert created.data == {
        "object": "session",
        "id": session.id,
        "client_id": session.client and session.client.id,
        "user_id": "user_dev",
        "status": "active",
        "actor": None,
        "tasks": None,
        "last_active_organization_id": "org_blue_ridge",
        "last_active_at": 1_750_000_000_000,
        "expire_at": 1_750_604_800_000,
        "abandon_at": 1_752_592_000_000,
        "created_at": 1_750_000_000_000,
        "updated_at": 1_750_000_000_000,
    }
    assert (ended.data["id"], ended.data["status"]) == (session.id, "ended")
    assert ended.data["updated_at"] == 1_750_000_060_000
    for message in (created, ended):
        http_request = message.payload["event_attributes"]["http_request"]
        assert http_request["client_ip"] == "127.0.0.1"
        assert http_request["user_agent"].startswith("a browser xxx")
        assert len(http_request["user_agent"]) == 500


def test_signing_in_anew_ends_the_session_before(clerk: LocalClerk, browser: httpx.Client) -> None:
    sign_in(browser, "user_dev", "fleet-demo")
    sign_in(browser, "user_ada", "fleet-demo")
    assert events_of(clerk) == ["session.created", "session.ended", "session.created"]


def test_the_events_of_code_are_of_no_browser(clerk: LocalClerk) -> None:
    session = clerk.sign_in("user_dev")
    clerk.revoke_session(session.id)
    clerk.revoke_session(session.id)  # is revoked already
    assert events_of(clerk) == ["session.created", "session.revoked"]
    for message in clerk.webhook_messages:
        http_request = message.payload["event_attributes"]["http_request"]
        assert http_request == {"client_ip": "127.0.0.1", "user_agent": "LocalClerk"}


def test_a_revocation_by_the_backend_api(clerk: LocalClerk, backend: httpx.Client) -> None:
    session = clerk.sign_in("user_dev")
    answer = backend.post(f"/sessions/{session.id}/revoke")
    assert events_of(clerk) == ["session.created", "session.revoked"]
    assert answer.json() == clerk.webhook_messages[-1].data


def test_a_token_of_no_session_is_no_event(clerk: LocalClerk) -> None:
    clerk.issue_session_token("user_dev")
    assert clerk.webhook_messages == ()

"""Users, as Clerk's own client for Python reads and changes them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from clerk_backend_api import Clerk
from clerk_backend_api.models import ClerkErrors, SDKError

from clerk_middleware.local import LocalClerk, LocalServer, SeedError
from clerk_middleware.local.seed import SocialToken

from ..conftest import Clock
from .answers import error_of, events_of, ids

#: The client warns of fields of its own, whoever sets none of them.
pytestmark = pytest.mark.filterwarnings("ignore:warning. .. DEPRECATED:DeprecationWarning")


def seed_with(fields: dict[str, Any]) -> dict[str, Any]:
    return {"users": [{"id": "user_1", "email": "1@example.com", "password": "1", **fields}]}


def listed(sdk: Clerk, **request: Any) -> list[str]:
    return ids(sdk.users.list(request=request))


def test_a_user_from_beginning_to_end(clerk: LocalClerk, sdk: Clerk) -> None:
    made = sdk.users.create(
        email_address=["nell@example.com"],
        first_name="Nell",
        username="nell",
        external_id="crm-7",
        password="a-password",
        public_metadata={"lang": "sv"},
        private_metadata={"notes": {"since": 2020}},
    )
    user = clerk.users[made.id]
    assert (user.email, user.username, user.external_id) == ("nell@example.com", "nell", "crm-7")
    assert (made.first_name, made.external_id) == ("Nell", "crm-7")
    assert made.email_addresses[0].email_address == "nell@example.com"
    assert (made.public_metadata, made.private_metadata) == ({"lang": "sv"}, {"notes": {"since": 2020}})
    assert sdk.users.get(user_id=made.id) == made
    changed = sdk.users.update(user_id=made.id, first_name=None, last_name="Vik", external_id=None)
    assert (changed.first_name, changed.last_name, changed.external_id) == (None, "Vik", None)
    assert (changed.username, clerk.users[made.id].password) == ("nell", "a-password")
    deleted = sdk.users.delete(user_id=made.id)
    assert (deleted.id, deleted.deleted) == (made.id, True)
    assert made.id not in clerk.users
    assert events_of(clerk) == ["user.created", "user.updated", "user.deleted"]


def test_the_async_client(clerk: LocalClerk, server: LocalServer) -> None:
    async def asked() -> tuple[Any, Any]:
        async with Clerk(bearer_auth=clerk.secret_key, server_url=f"{server.url}/v1") as sdk:
            made = await sdk.users.create_async(email_address=["nell@example.com"])
            return made, await sdk.users.list_async(request={"query": "nell@"})

    made, found = asyncio.run(asked())
    assert found == [made]


def test_an_address_that_is_reserved_is_not_verified(clerk: LocalClerk, sdk: Clerk) -> None:
    statuses: Any = ["reserved"]
    made = sdk.users.create(
        email_address=["nell@example.com"], email_address_identification_status=statuses, locked=True
    )
    assert (clerk.users[made.id].email_verified, clerk.users[made.id].locked) == (False, True)


def test_metadata_is_merged_at_every_level(clerk: LocalClerk, sdk: Clerk) -> None:
    clerk.update_user("user_dev", public_metadata={"a": {"b": 1, "c": 2}, "d": [1], "e": 5})
    clerk.update_user("user_dev", private_metadata={"kept": True})
    user = sdk.users.update_metadata(
        user_id="user_dev", public_metadata={"a": {"b": None, "f": {"g": None}}, "d": [2], "e": {"h": 1}}
    )
    assert user.public_metadata == {"a": {"c": 2, "f": {}}, "d": [2], "e": {"h": 1}}
    assert user.private_metadata == {"kept": True}
    user = sdk.users.replace_metadata(user_id="user_dev", public_metadata={"x": 1}, private_metadata={})
    assert (user.public_metadata, user.private_metadata) == ({"x": 1}, {})


def test_merged_metadata_is_no_larger_than_what_is_given_at_once(
    clerk: LocalClerk, backend: httpx.Client
) -> None:
    path = "/users/user_dev/metadata"
    assert backend.patch(path, json={"public_metadata": {"a": "x" * 3000}}).status_code == 200
    before = clerk.users["user_dev"]
    answer = backend.patch(path, json={"public_metadata": {"b": "x" * 3000}})
    assert error_of(answer) == (422, "form_param_value_invalid")
    assert clerk.users["user_dev"] == before


def test_what_is_taken_is_refused_by_name(clerk: LocalClerk, sdk: Clerk) -> None:
    clerk.update_user("user_ada", username="ada_1", external_id="crm-1")
    for fields in (
        {"email_address": ["ADA@blueridge.example"]},
        {"email_address": ["new@example.com"], "username": "Ada_1"},
        {"email_address": ["new@example.com"], "external_id": "crm-1"},
    ):
        with pytest.raises(ClerkErrors) as caught:
            sdk.users.create(**fields)
        (error,) = caught.value.data.errors
        assert (error.code, error.meta) == ("form_identifier_exists", {"param_name": list(fields)[-1]})
    with pytest.raises(ClerkErrors):
        sdk.users.update(user_id="user_dev", username="ada_1")
    assert sdk.users.update(user_id="user_ada", username="ada_1").username == "ada_1"


def test_what_users_of_localclerk_do_not_have(backend: httpx.Client) -> None:
    for fields in (
        {"phone_number": ["+15555550100"]},
        {"password_digest": "$2b$12$x"},
        {"backup_codes": ["1"]},
        {"totp_secret": "not base32"},
    ):
        answer = backend.post("/users", json={"email_address": ["new@example.com"], **fields})
        assert error_of(answer) == (422, "form_param_value_invalid")
        answer = backend.patch("/users/user_dev", json=fields)
        assert error_of(answer) == (422, "form_param_value_invalid")
    answer = backend.post("/users", json={"email_address": ["no address"]})
    assert error_of(answer) == (422, "form_param_format_invalid")


class TestList:
    def test_the_newest_first(self, clerk: LocalClerk, sdk: Clerk, clock: Clock) -> None:
        seeded = list(clerk.users)
        clock.now += 1
        first, second = clerk.create_user("1@example.com").id, clerk.create_user("2@example.com").id
        assert listed(sdk, limit=500) == [second, first, *reversed(seeded)]
        assert listed(sdk, limit=500, order_by="created_at") == [*seeded, first, second]

    def test_ordered(self, clerk: LocalClerk, sdk: Clerk) -> None:
        clerk.update_user("user_dev", first_name="Aaron")
        clerk.update_user("user_ada", first_name=None)
        ascending = listed(sdk, limit=500, order_by="first_name")
        assert (ascending[0], ascending[-1]) == ("user_dev", "user_ada")
        descending = listed(sdk, limit=500, order_by="-first_name")
        assert (descending[-2], descending[-1]) == ("user_dev", "user_ada")
        emails = [user.email for user in clerk.users.values()]
        found = sdk.users.list(request={"limit": 500, "order_by": "+email_address"})
        assert [user.email_addresses[0].email_address for user in found] == sorted(emails)

    def test_filters(self, clerk: LocalClerk, sdk: Clerk) -> None:
        clerk.update_user("user_dev", username="DevOps", external_id="crm-1", banned=True)
        for request in (
            {"email_address": ["DEV@blueridge.example", "nobody@example.com"]},
            {"user_id": ["user_dev"]},
            {"user_id": ["+user_dev"]},
            {"external_id": ["crm-1"]},
            {"username": ["devops"]},
            {"username_query": "OPS"},
            {"email_address_query": "DEV@"},
            {"query": "vop"},
            {"query": "r_dev"},
            {"banned": True},
            {"user_id": ["user_dev", "user_ada", "-user_ada"]},
        ):
            assert listed(sdk, **request) == ["user_dev"], request
            assert sdk.users.count(request=request).total_count == 1
        for request in ({"phone_number": ["+1"]}, {"web3_wallet": ["0x"]}, {"phone_number_query": "1"}):
            assert listed(sdk, **request) == []
        full_name = clerk.users["user_ada"].full_name
        assert full_name
        assert listed(sdk, name_query=full_name.upper()) == ["user_ada"]

    def test_members_of_organizations(self, clerk: LocalClerk, sdk: Clerk) -> None:
        members = set(clerk.organizations["org_blue_ridge"].members)
        assert set(listed(sdk, organization_id=["org_blue_ridge"], limit=500)) == members
        others = set(listed(sdk, organization_id=["-org_blue_ridge"], limit=500))
        assert others == set(clerk.users) - members
        assert sdk.users.count(request={"organization_id": ["org_blue_ridge"]}).total_count == len(members)

    def test_times(self, clerk: LocalClerk, sdk: Clerk, clock: Clock) -> None:
        clock.now += 10
        session = clerk.sign_in("user_dev")
        session.last_active_at += 5
        assert listed(sdk, last_sign_in_at_after=1_750_000_009_999) == ["user_dev"]
        assert listed(sdk, last_sign_in_at_after=1_750_000_010_000) == []
        assert listed(sdk, last_active_at_before=1_750_000_015_001) == ["user_dev"]
        assert listed(sdk, last_active_at_before=1_750_000_015_000) == []
        assert listed(sdk, created_at_after=1_750_000_000_000) == []
        assert len(listed(sdk, created_at_before=1_750_000_000_001, limit=500)) == len(clerk.users)
        user = sdk.users.get(user_id="user_dev")
        assert (user.last_sign_in_at, user.last_active_at) == (1_750_000_010_000, 1_750_000_015_000)
        assert listed(sdk, order_by="-last_active_at")[0] == "user_dev"

    def test_what_is_no_filter(self, backend: httpx.Client) -> None:
        for query in (
            "order_by=password",
            "created_at_after=today",
            "created_at_after=" + "9" * 16,
            "&".join(f"user_id=user_{number}" for number in range(101)),
            "query=" + "x" * 1001,
        ):
            assert error_of(backend.get(f"/users?{query}")) == (422, "form_param_value_invalid")
        assert ids(backend.get("/users?user_id=+user_dev").json()) == ["user_dev"]


class TestSecurity:
    def test_a_ban_ends_the_sessions(self, clerk: LocalClerk, sdk: Clerk) -> None:
        session, other = clerk.sign_in("user_dev"), clerk.sign_in("user_ada")
        assert sdk.users.ban(user_id="user_dev").banned is True
        assert clerk.users["user_dev"].banned
        assert (session.closed, other.closed) == ("revoked", None)
        assert events_of(clerk)[-2:] == ["user.updated", "session.revoked"]
        with pytest.raises(SDKError, match="user_banned"):
            sdk.sessions.create(request={"user_id": "user_dev"})
        assert sdk.users.unban(user_id="user_dev").banned is False
        assert sdk.sessions.create(request={"user_id": "user_dev"}).status == "active"

    def test_bans_of_several(self, clerk: LocalClerk, sdk: Clerk, backend: httpx.Client) -> None:
        both = ["user_dev", "user_ada"]
        assert ids(sdk.users.bulk_ban(user_ids=both)) == both
        assert [clerk.users[id].banned for id in both] == [True, True]
        sdk.users.bulk_unban(user_ids=both)
        answer = backend.post("/users/ban", json={"user_ids": [*both, "user_none"]})
        assert error_of(answer) == (422, "form_param_value_invalid")
        assert not any(user.banned for user in clerk.users.values())

    def test_a_lock_keeps_the_sessions(self, clerk: LocalClerk, sdk: Clerk) -> None:
        session = clerk.sign_in("user_dev")
        assert sdk.users.lock(user_id="user_dev").locked is True
        assert (clerk.users["user_dev"].locked, session.closed) == (True, None)
        assert sdk.users.unlock(user_id="user_dev").locked is False

    def test_a_new_password_signs_out(self, clerk: LocalClerk, sdk: Clerk) -> None:
        session = clerk.sign_in("user_dev")
        sdk.users.update(user_id="user_dev", password="another-one")
        assert session.closed is None
        sdk.users.update(user_id="user_dev", first_name="D", sign_out_of_other_sessions=True)
        assert session.closed is None
        sdk.users.update(user_id="user_dev", password="a-third-one", sign_out_of_other_sessions=True)
        assert session.closed == "revoked"
        assert clerk.users["user_dev"].password == "a-third-one"

    def test_passwords_are_verified(self, sdk: Clerk, backend: httpx.Client) -> None:
        assert sdk.users.verify_password(user_id="user_dev", password="fleet-demo").verified
        answer = backend.post("/users/user_dev/verify_password", json={"password": "wrong"})
        assert error_of(answer) == (422, "incorrect_password")

    def test_a_second_factor_is_verified_until_there_is_none(
        self, clerk: LocalClerk, sdk: Clerk, backend: httpx.Client
    ) -> None:
        clerk.update_user("user_dev", second_factor_code="123456")
        assert sdk.users.verify_totp(user_id="user_dev", code="123456").verified
        answer = backend.post("/users/user_dev/verify_totp", json={"code": "000000"})
        assert error_of(answer) == (422, "form_code_incorrect")
        assert sdk.users.get(user_id="user_dev").totp_enabled
        assert sdk.users.disable_mfa(user_id="user_dev").user_id == "user_dev"
        assert not sdk.users.get(user_id="user_dev").totp_enabled
        answer = backend.post("/users/user_dev/verify_totp", json={"code": "123456"})
        assert error_of(answer) == (400, "totp_missing_for_user")


class TestSocialConnections:
    def test_a_token_from_code(self, clerk: LocalClerk, sdk: Clerk) -> None:
        clerk.set_oauth_access_token("user_dev", "google", "ya29.first", scopes=["calendar.readonly"])
        for provider in ("google", "oauth_google"):
            (token,) = sdk.users.get_o_auth_access_token(user_id="user_dev", provider=provider)
            assert (token.token, token.scopes) == ("ya29.first", ["calendar.readonly"])
            assert token.provider == "oauth_google"
        (account,) = sdk.users.get(user_id="user_dev").external_accounts
        assert (account.id, account.approved_scopes) == (token.external_account_id, "calendar.readonly")
        clerk.set_oauth_access_token("user_dev", "google", "ya29.second")
        (token,) = sdk.users.get_o_auth_access_token(user_id="user_dev", provider="google")
        assert token.token == "ya29.second"
        assert events_of(clerk) == ["user.updated"] * 2
        assert sdk.users.get_o_auth_access_token(user_id="user_dev", provider="github") == []
        assert sdk.users.get_o_auth_access_token(user_id="user_ada", provider="google") == []

    def test_a_token_of_the_seed(self) -> None:
        accounts = {"google": {"token": "ya29.seed", "scopes": ["a"]}, "custom_erp": {"token": "erp"}}
        clerk = LocalClerk(seed_with({"oauth_access_tokens": accounts}))
        tokens = clerk.users["user_1"].oauth_access_tokens
        assert tokens == {
            "google": SocialToken(token="ya29.seed", scopes=("a",)),
            "custom_erp": SocialToken(token="erp"),
        }

    @pytest.mark.parametrize(
        ("accounts", "problem"),
        [
            ({"oauth_google": {"token": "t"}}, "is named without oauth_"),
            ({"Google": {"token": "t"}}, "in small letters, such as google"),
            ({"google": {"scopes": []}}, "token: is missing"),
            ({"google": {"token": "t", "scope": []}}, "did you mean 'scopes'"),
            ({"google": "t"}, "must be a table"),
        ],
    )
    def test_a_seed_that_is_wrong(self, clerk: LocalClerk, accounts: Any, problem: str) -> None:
        with pytest.raises(SeedError, match=problem):
            LocalClerk(seed_with({"oauth_access_tokens": accounts}))
        with pytest.raises(ValueError, match=problem):
            clerk.update_user("user_dev", oauth_access_tokens=accounts)

    def test_an_account_that_is_disconnected(self, clerk: LocalClerk, sdk: Clerk) -> None:
        clerk.set_oauth_access_token("user_dev", "google", "ya29.first")
        clerk.set_oauth_access_token("user_dev", "github", "gho_1")
        clerk.set_oauth_access_token("user_dev", "google", None)
        assert sdk.users.get_o_auth_access_token(user_id="user_dev", provider="google") == []
        assert list(clerk.users["user_dev"].oauth_access_tokens) == ["github"]

    def test_other_changes_keep_it(self, clerk: LocalClerk, sdk: Clerk) -> None:
        clerk.set_oauth_access_token("user_dev", "google", "ya29.first", scopes=["a", "b"])
        kept = clerk.users["user_dev"].oauth_access_tokens
        sdk.users.update(user_id="user_dev", first_name="D")
        assert clerk.users["user_dev"].oauth_access_tokens == kept
        assert "ya29" not in repr(clerk.users["user_dev"])

    def test_it_counts_its_part(self, clerk: LocalClerk, backend: httpx.Client) -> None:
        """``@clerk/backend`` asks so."""
        clerk.set_oauth_access_token("user_dev", "google", "ya29.first")
        answer = backend.get("/users/user_dev/oauth_access_tokens/oauth_google?paginated=true").json()
        assert (answer["total_count"], answer["data"][0]["token"]) == (1, "ya29.first")


def test_a_seed_says_who_may_not_sign_in() -> None:
    user = LocalClerk(seed_with({"external_id": "crm-1", "banned": True, "locked": True})).users["user_1"]
    assert (user.external_id, user.banned, user.locked) == ("crm-1", True, True)
    user = LocalClerk(seed_with({})).users["user_1"]
    assert (user.external_id, user.banned, user.locked) == (None, False, False)


@pytest.mark.parametrize("key", ["username", "external_id"])
def test_two_users_of_a_seed_are_not_called_the_same(key: str) -> None:
    other = {"id": "user_2", "email": "2@example.com", "password": "2", key: "SAME"}
    seed = seed_with({key: "same"})
    with pytest.raises(SeedError, match=f"{key}: 'SAME' is taken already"):
        LocalClerk({"users": [*seed["users"], other]})


class TestRelations:
    def test_memberships(self, clerk: LocalClerk, sdk: Clerk) -> None:
        found = sdk.users.get_organization_memberships(user_id="user_dev")
        mine = [each for each in clerk.organizations.values() if "user_dev" in each.members]
        assert [each.organization.id for each in found.data] == ids(mine)
        assert (found.total_count, found.data[0].role) == (len(mine), mine[0].members["user_dev"])

    def test_invitations(self, clerk: LocalClerk, sdk: Clerk) -> None:
        email = clerk.users["user_sam"].email.upper()
        mine = clerk.create_organization_invitation("harbor-lines", email, "org:driver")
        clerk.create_organization_invitation("harbor-lines", "else@example.com", "org:driver")
        found = sdk.users.get_organization_invitations(user_id="user_sam")
        assert ids(found.data) == [mine.id]
        shown = found.data[0].public_organization_data
        assert shown
        assert shown.slug == "harbor-lines"
        revoked: Any = "revoked"
        found = sdk.users.get_organization_invitations(user_id="user_sam", status=revoked)
        assert (found.data, found.total_count) == ([], 0)

"""Machines, API keys and OAuth applications, as Clerk's own client for Python asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from clerk_backend_api import Clerk
from clerk_backend_api.models import ClerkBaseError

from clerk_middleware.local import LocalClerk, LocalServer, OAuthApplication
from clerk_middleware.local.oauth.grants import Grant

from ..conftest import Clock
from .answers import error_of, ids

#: The client warns of fields of its own, whoever sets none of them.
pytestmark = pytest.mark.filterwarnings("ignore:warning. .. DEPRECATED:DeprecationWarning")


@pytest.fixture
def tracking(clerk: LocalClerk, server: LocalServer) -> Iterator[Clerk]:
    """The client of a machine that may call the fleet API."""
    secret_key = clerk.machines["mch_tracking"].secret_key
    with Clerk(bearer_auth=secret_key, server_url=f"{server.url}/v1") as sdk:
        yield sdk


class TestMachines:
    def test_from_beginning_to_end(self, clerk: LocalClerk, sdk: Clerk, clock: Clock) -> None:
        made = sdk.machines.create(request={"name": "Yard", "scoped_machines": ["mch_billing"]})
        assert (made.name, ids(made.scoped_machines)) == ("Yard", ["mch_billing"])
        assert made.instance_id == clerk._instance.id
        assert made.default_token_ttl == 3600
        clock.now += 60
        changed = sdk.machines.update(machine_id=made.id, name="Gate")
        assert (changed.name, changed.default_token_ttl, changed.updated_at) == (
            "Gate",
            3600,
            1_750_000_060_000,
        )
        assert sdk.machines.update(machine_id=made.id, default_token_ttl=60).default_token_ttl == 60
        assert sdk.machines.get(machine_id=made.id).name == "Gate"
        scope = sdk.machines.create_scope(machine_id="mch_billing", to_machine_id=made.id)
        assert (scope.from_machine_id, scope.to_machine_id) == ("mch_billing", made.id)
        token, other = clerk.create_m2m_token(made.id), clerk.create_m2m_token("mch_billing")
        sdk.machines.delete(machine_id=made.id)
        assert made.id not in clerk.machines
        assert made.id not in clerk.machines["mch_billing"].scopes
        assert (token.revoked, other.revoked) == (True, False)

    def test_a_list(self, clerk: LocalClerk, sdk: Clerk) -> None:
        found = sdk.machines.list(order_by="name", limit=2)
        names = sorted(machine.name for machine in clerk.machines.values())
        assert ([each.name for each in found.data], found.total_count) == (names[:2], len(names))
        assert ids(sdk.machines.list(query="TRACK").data) == ["mch_tracking"]
        assert ids(sdk.machines.list(query="mch_tracking").data) == ["mch_tracking"]

    def test_a_new_secret_key(
        self, clerk: LocalClerk, sdk: Clerk, backend: httpx.Client, server: LocalServer, clock: Clock
    ) -> None:
        def status(secret: str) -> int:
            headers = {"authorization": f"Bearer {secret}"}
            return httpx.post(f"{server.url}/v1/m2m_tokens", headers=headers).status_code

        first = clerk.machines["mch_tracking"].secret_key
        second = sdk.machines.rotate_secret_key(machine_id="mch_tracking", previous_token_ttl=60).secret
        assert sdk.machines.get_secret_key(machine_id="mch_tracking").secret == second
        clock.now += 59
        assert (status(first), status(second)) == (201, 201)
        clock.now += 1
        assert (status(first), status(second)) == (401, 201)
        third = sdk.machines.rotate_secret_key(machine_id="mch_tracking", previous_token_ttl=0).secret
        assert (status(second), status(third)) == (401, 201)
        for body in ({}, {"previous_token_ttl": 28_801}):
            answer = backend.post("/machines/mch_tracking/secret_key/rotate", json=body)
            assert error_of(answer) == (422, "form_param_value_invalid")


class TestM2MTokens:
    def test_made_verified_revoked(self, tracking: Clerk, sdk: Clerk) -> None:
        made = tracking.m2m.create_token(seconds_until_expiration=60, claims={"a": 1})
        verified = sdk.m2m.verify_token(token=made.token)
        assert (verified.id, verified.subject, verified.claims) == (made.id, "mch_tracking", {"a": 1})
        revoked = sdk.m2m.revoke_token(m2m_token_id=made.id, revocation_reason="leaked")
        assert (revoked.revoked, revoked.revocation_reason) == (True, "leaked")
        with pytest.raises(ClerkBaseError, match="resource_not_found"):
            sdk.m2m.verify_token(token=made.token)

    def test_a_list(self, clerk: LocalClerk, tracking: Clerk, sdk: Clerk, clock: Clock) -> None:
        expired = clerk.create_m2m_token("mch_tracking", lifetime=60)
        revoked, good = (clerk.create_m2m_token("mch_tracking") for _ in range(2))
        clerk.create_m2m_token("mch_billing")
        clerk.revoke_m2m_token(revoked.id)
        clock.now += 60
        for client in (tracking, sdk):
            assert ids(client.m2m.list_tokens(subject="mch_tracking").m2m_tokens) == [good.id]
        found = sdk.m2m.list_tokens(subject="mch_tracking", expired=True, revoked=True)
        assert ids(found.m2m_tokens) == [expired.id, revoked.id, good.id]
        found = sdk.m2m.list_tokens(subject="mch_tracking", expired=True, limit=1, offset=1)
        assert (ids(found.m2m_tokens), found.total_count) == ([good.id], 2)

    def test_a_machine_sees_its_own_alone(self, clerk: LocalClerk, browser: httpx.Client) -> None:
        clerk.create_m2m_token("mch_billing")
        headers = {"authorization": f"Bearer {clerk.machines['mch_tracking'].secret_key}"}
        answer = browser.get("/v1/m2m_tokens?subject=mch_billing", headers=headers)
        assert error_of(answer) == (403, "resource_forbidden")


class TestAPIKeys:
    def test_from_beginning_to_end(self, clerk: LocalClerk, sdk: Clerk, clock: Clock) -> None:
        made = sdk.api_keys.create_api_key(
            name="CI", subject="user_dev", scopes=["read"], seconds_until_expiration=60
        )
        assert sdk.api_keys.verify_api_key(secret=made.secret).id == made.id
        assert sdk.api_keys.get_api_key_secret(api_key_id=made.id).secret == made.secret
        clock.now += 30
        changed = sdk.api_keys.update_api_key(api_key_id=made.id, description="nightly", scopes=["write"])
        assert (changed.description, changed.scopes) == ("nightly", ["write"])
        assert (changed.expiration, changed.updated_at) == (1_750_000_060_000, 1_750_000_030_000)
        changed = sdk.api_keys.update_api_key(
            api_key_id=made.id, claims={"a": 1}, description=None, seconds_until_expiration=60
        )
        assert (changed.scopes, changed.claims, changed.description) == (["write"], {"a": 1}, None)
        assert changed.expiration == 1_750_000_090_000
        changed = sdk.api_keys.update_api_key(
            api_key_id=made.id, subject="user_dev", seconds_until_expiration=None
        )
        assert changed.expiration is None
        assert sdk.api_keys.revoke_api_key(api_key_id=made.id).revoked
        assert sdk.api_keys.delete_api_key(api_key_id=made.id).id == made.id
        assert made.id not in clerk.api_keys

    def test_a_key_stays_whose_it_is(self, clerk: LocalClerk, backend: httpx.Client) -> None:
        key = clerk.create_api_key("user_dev")
        answer = backend.patch(f"/api_keys/{key.id}", json={"subject": "user_ada", "scopes": ["x"]})
        assert error_of(answer) == (422, "form_param_value_invalid")
        assert (key.subject, key.scopes) == ("user_dev", ())

    def test_a_list(self, clerk: LocalClerk, sdk: Clerk, clock: Clock) -> None:
        expired = clerk.create_api_key("user_sam", name="Old", lifetime=60)
        revoked, good = (clerk.create_api_key("user_sam", name=name) for name in ("Lost", "Good"))
        clerk.revoke_api_key(revoked.id)
        clock.now += 60
        assert ids(sdk.api_keys.get_api_keys(subject="user_sam").data) == [good.id]
        yes: Any = "true"
        found = sdk.api_keys.get_api_keys(subject="user_sam", include_invalid=yes)
        assert ids(found.data) == [expired.id, revoked.id, good.id]
        found = sdk.api_keys.get_api_keys(subject="user_sam", include_invalid=yes, query="lOST")
        assert ids(found.data) == [revoked.id]


class TestOAuthApplications:
    def test_from_beginning_to_end(self, clerk: LocalClerk, sdk: Clerk, clock: Clock) -> None:
        made = sdk.oauth_applications.create(
            request={"name": "Portal", "redirect_uris": ["http://127.0.0.1/callback"]}
        )
        assert made.client_secret
        assert (made.callback_url, made.scopes) == ("http://127.0.0.1/callback", "profile email")
        clock.now += 60
        changed = sdk.oauth_applications.update(
            oauth_application_id=made.id, name="Gate", scopes="email", consent_screen_enabled=False
        )
        assert (changed.name, changed.scopes, changed.consent_screen_enabled) == ("Gate", "email", False)
        assert (changed.redirect_uris, changed.updated_at) == (made.redirect_uris, 1_750_000_060_000)
        uris = ["http://127.0.0.1/other"]
        changed = sdk.oauth_applications.update(oauth_application_id=made.id, redirect_uris=uris)
        assert (changed.name, changed.redirect_uris) == ("Gate", uris)
        rotated = sdk.oauth_applications.rotate_secret(oauth_application_id=made.id)
        assert rotated.client_secret not in (None, made.client_secret)
        application = clerk._instance.oauth_applications.with_id(made.id)
        assert application
        assert application.client_secret == rotated.client_secret
        assert sdk.oauth_applications.get(oauth_application_id=made.id).name == "Gate"
        assert ids(sdk.oauth_applications.list(name_query="GAT").data) == [made.id]
        assert sdk.oauth_applications.delete(oauth_application_id=made.id).deleted

    def test_tokens(
        self, clerk: LocalClerk, sdk: Clerk, backend: httpx.Client, public: OAuthApplication
    ) -> None:
        token = clerk.create_oauth_access_token("user_dev", client_id=public.client_id)
        other = clerk.create_oauth_access_token("user_dev")
        verified: Any = sdk.oauth_access_tokens.verify(access_token=token.token)
        assert (verified.client_id, verified.subject, verified.revoked) == (
            public.client_id,
            "user_dev",
            False,
        )
        sdk.oauth_applications.revoke_token(oauth_application_id=public.id, token=token.token)
        with pytest.raises(ClerkBaseError, match="resource_not_found"):
            sdk.oauth_access_tokens.verify(access_token=token.token)
        for text in (other.token, "oat_none"):
            answer = backend.post(f"/oauth_applications/{public.id}/revoke_token", json={"token": text})
            assert error_of(answer) == (404, "resource_not_found")
        assert not other.is_revoked

    def test_a_refresh_token_stands_for_all_that_was_granted(
        self,
        clerk: LocalClerk,
        backend: httpx.Client,
        public: OAuthApplication,
        confidential: OAuthApplication,
    ) -> None:
        grant = Grant(application=public, user_id="user_dev", scopes=("profile",), signed_in_at=0)
        refresh_token = clerk._instance.grants.new_refresh_token(grant)
        body = {"token": refresh_token}
        answer = backend.post(f"/oauth_applications/{confidential.id}/revoke_token", json=body)
        assert error_of(answer) == (404, "resource_not_found")
        assert not grant.revoked
        answer = backend.post(f"/oauth_applications/{public.id}/revoke_token", json=body)
        assert (answer.status_code, answer.content) == (204, b"")
        assert grant.revoked

    def test_changes_that_are_refused(
        self, clerk: LocalClerk, backend: httpx.Client, public: OAuthApplication
    ) -> None:
        dynamic = clerk._instance.oauth_applications.create(
            name="x", redirect_uris=public.redirect_uris, scopes=(), public=True, dynamic=True
        )
        for id, body in (
            (public.id, {"public": False}),
            (public.id, {"redirect_uris": ["javascript:alert(1)"]}),
            (public.id, {"scopes": "everything"}),
            (dynamic.id, {"consent_screen_enabled": False}),
        ):
            answer = backend.patch(f"/oauth_applications/{id}", json={"name": "new", **body})
            assert error_of(answer) == (422, "form_param_value_invalid"), body
        assert public.name == "Portal"
        answer = backend.post(f"/oauth_applications/{public.id}/rotate_secret")
        assert error_of(answer) == (403, "resource_forbidden")


def test_what_the_client_for_python_calls_a_token(clerk: LocalClerk, backend: httpx.Client) -> None:
    """`authenticate_request` of `clerk_backend_api` sends every kind of token as ``secret``."""
    token = clerk.create_m2m_token("mch_tracking").token
    assert backend.post("/m2m_tokens/verify", json={"secret": token}).status_code == 200
    oauth_token = clerk.create_oauth_access_token("user_dev").token
    path = "/oauth_applications/access_tokens/verify"
    assert backend.post(path, json={"secret": oauth_token}).status_code == 200
    assert error_of(backend.post(path, json={})) == (422, "form_param_missing")

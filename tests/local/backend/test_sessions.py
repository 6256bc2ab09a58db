"""Sessions, clients, tickets and JWT templates, as Clerk's own client for Python asks for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from clerk_backend_api import Clerk

from clerk_middleware.local import LocalClerk
from clerk_middleware.local.sign_ins import SignIns

from ..conftest import Clock
from .answers import error_of, events_of, ids

Decode = Callable[[str], dict[str, Any]]


class TestSessions:
    def test_a_list(self, clerk: LocalClerk, sdk: Clerk, clock: Clock) -> None:
        first = clerk.sign_in("user_dev")
        clock.now += 60
        second = clerk.sign_in("user_dev", "blue-ridge-freight")
        clerk.sign_in("user_ada")
        assert ids(sdk.sessions.list(user_id="user_dev")) == [second.id, first.id]
        assert first.client
        assert ids(sdk.sessions.list(client_id=first.client.id)) == [first.id]
        assert sdk.sessions.list(user_id="user_ada", client_id=first.client.id) == []
        clerk.revoke_session(first.id)
        status: Any
        for status, found in (("active", [second]), ("revoked", [first]), ("replaced", [])):
            assert ids(sdk.sessions.list(user_id="user_dev", status=status)) == [each.id for each in found]

    def test_a_list_needs_somebody(self, backend: httpx.Client) -> None:
        assert error_of(backend.get("/sessions")) == (422, "form_param_missing")
        answer = backend.get("/sessions?user_id=user_dev&status=lost")
        assert error_of(answer) == (422, "form_param_value_invalid")

    def test_what_is_shown(self, clerk: LocalClerk, sdk: Clerk, backend: httpx.Client, clock: Clock) -> None:
        session = clerk.sign_in("user_dev", "blue-ridge-freight", actor={"sub": "user_ada"})
        clock.now += 60
        shown = sdk.sessions.get(session_id=session.id)
        assert (shown.status, shown.user_id) == ("active", "user_dev")
        assert shown.last_active_organization_id == "org_blue_ridge"
        assert shown.last_active_at == 1_750_000_000_000
        # The client's model of an actor holds nothing.
        assert backend.get(f"/sessions/{session.id}").json()["actor"] == {"sub": "user_ada"}

    def test_one_that_is_pending(self, clock: Clock, server: Any, switchboard: Any) -> None:
        seed = {
            "sessions": {"force_organization_selection": True},
            "users": [{"id": "user_1", "email": "1@example.com", "password": "1"}],
        }
        clerk = LocalClerk(seed, clock=clock)
        switchboard[0].app = clerk.app
        with Clerk(bearer_auth=clerk.secret_key, server_url=f"{server.url}/v1") as sdk:
            shown = sdk.sessions.create(request={"user_id": "user_1"})
            assert shown.status == "pending"
            assert shown.tasks
            assert [task.key for task in shown.tasks] == ["choose-organization"]
            assert sdk.sessions.create_token(session_id=shown.id).jwt

    def test_one_that_is_made(
        self, clerk: LocalClerk, sdk: Clerk, backend: httpx.Client, claims_of: Decode
    ) -> None:
        made = sdk.sessions.create(
            request={"user_id": "user_dev", "active_organization_id": "org_blue_ridge"}
        )
        assert (made.status, made.last_active_organization_id) == ("active", "org_blue_ridge")
        token = sdk.sessions.create_token(session_id=made.id, expires_in_seconds=90).jwt
        assert token
        claims = claims_of(token)
        assert (claims["sid"], claims["sub"], claims["exp"]) == (made.id, "user_dev", 1_750_000_090)
        assert events_of(clerk) == ["session.created"]
        assert sdk.sessions.revoke(session_id=made.id).status == "revoked"
        assert events_of(clerk) == ["session.created", "session.revoked"]
        for body, error in (
            ({"user_id": "user_none"}, (404, "resource_not_found")),
            ({}, (422, "form_param_missing")),
            (
                {"user_id": "user_dev", "active_organization_id": "org_harbor_lines"},
                (422, "form_param_value_invalid"),
            ),
        ):
            assert error_of(backend.post("/sessions", json=body)) == error
        assert error_of(backend.get("/sessions/sess_none")) == (404, "resource_not_found")

    def test_a_refresh_answers_a_token(
        self, clerk: LocalClerk, sdk: Clerk, backend: httpx.Client, claims_of: Decode
    ) -> None:
        session = clerk.sign_in("user_dev")
        answer: Any = sdk.sessions.refresh(
            session_id=session.id,
            expired_token=clerk.session_token(session, issued_at=1_749_999_000),
            refresh_token=session.refresh_token,
            request_origin="http://localhost:8000",
        )
        assert claims_of(answer.jwt)["azp"] == "http://localhost:8000"
        answer = sdk.sessions.refresh(
            session_id=session.id,
            expired_token=clerk.session_token(session, issued_at=1_749_999_000),
            refresh_token=session.refresh_token,
            request_origin="http://localhost:8000",
            format_="cookie",  # type: ignore[arg-type]
        )
        assert any(line.startswith("__session=") for line in answer.cookies)
        body = {
            "expired_token": clerk.session_token(session, issued_at=1_749_999_000),
            "refresh_token": session.refresh_token,
            "request_origin": "http://localhost:8000",
        }
        assert set(backend.post(f"/sessions/{session.id}/refresh", json=body).json()) == {"object", "jwt"}


class TestClients:
    def test_a_client(self, clerk: LocalClerk, sdk: Clerk, backend: httpx.Client) -> None:
        session = clerk.sign_in("user_dev")
        client = session.client
        assert client
        shown = sdk.clients.get(client_id=client.id)
        assert (shown.session_ids, ids(shown.sessions)) == ([session.id], [session.id])
        assert shown.last_active_session_id == session.id
        assert sdk.clients.verify(request={"token": client.token}) == shown
        clerk.revoke_session(session.id)
        shown = sdk.clients.get(client_id=client.id)
        assert (shown.session_ids, shown.last_active_session_id) == ([], None)
        SignIns(clerk._instance).begin(client, clerk.users["user_dev"])
        assert client.sign_in
        assert sdk.clients.get(client_id=client.id).sign_in_id == client.sign_in.id
        assert client.token not in backend.get(f"/clients/{client.id}").text

    def test_one_that_is_not(self, backend: httpx.Client) -> None:
        assert error_of(backend.get("/clients/client_none")) == (404, "resource_not_found")
        answer = backend.post("/clients/verify", json={"token": "dvb_none"})
        assert error_of(answer) == (404, "resource_not_found")


class TestTickets:
    def test_a_sign_in_token(self, clerk: LocalClerk, sdk: Clerk, clock: Clock) -> None:
        made = sdk.sign_in_tokens.create(request={"user_id": "user_dev", "expires_in_seconds": 60})
        assert (made.status, made.user_id) == ("pending", "user_dev")
        assert made.token
        instance = clerk._instance
        attempt = SignIns(instance).by_ticket(instance.new_client(), made.token)
        assert attempt
        assert attempt.session_id
        assert sdk.sessions.get(session_id=attempt.session_id).user_id == "user_dev"
        late = sdk.sign_in_tokens.create(request={"user_id": "user_dev", "expires_in_seconds": 60})
        clock.now += 60
        assert late.token
        assert SignIns(instance).by_ticket(instance.new_client(), late.token) is None

    def test_an_actor_token(
        self, clerk: LocalClerk, sdk: Clerk, backend: httpx.Client, claims_of: Decode
    ) -> None:
        actor = {"sub": "user_ada", "reason": "support"}
        body = {"user_id": "user_dev", "actor": actor, "session_max_duration_in_seconds": 600}
        made = backend.post("/actor_tokens", json=body).json()
        assert (made["status"], made["actor"]) == ("pending", actor)
        instance = clerk._instance
        attempt = SignIns(instance).by_ticket(instance.new_client(), made["token"])
        assert attempt
        session = instance.session(attempt.session_id or "")
        assert session
        assert claims_of(clerk.session_token(session))["act"] == actor
        assert session.expires_at == session.created_at + 600
        by_client = sdk.actor_tokens.create(request={"user_id": "user_dev", "actor": {"sub": "user_ada"}})
        ticket = instance.tickets.get(by_client.id)
        assert ticket
        assert (ticket.session_lifetime, ticket.expires_at - ticket.created_at) == (1800, 3600)

    def test_revoked(self, clerk: LocalClerk, sdk: Clerk, backend: httpx.Client) -> None:
        sign_in = sdk.sign_in_tokens.create(request={"user_id": "user_dev"})
        actor = sdk.actor_tokens.create(request={"user_id": "user_dev", "actor": {"sub": "user_ada"}})
        assert error_of(backend.post(f"/actor_tokens/{sign_in.id}/revoke")) == (404, "resource_not_found")
        revoked = sdk.sign_in_tokens.revoke(sign_in_token_id=sign_in.id)
        assert (revoked.status, revoked.token) == ("revoked", None)
        assert sdk.actor_tokens.revoke(actor_token_id=actor.id).status == "revoked"
        instance = clerk._instance
        for token in (sign_in.token, actor.token):
            assert token
            assert SignIns(instance).by_ticket(instance.new_client(), token) is None
        answer = backend.post(f"/actor_tokens/{actor.id}/revoke")
        assert error_of(answer) == (400, "actor_token_cannot_be_revoked_code")
        assert "is revoked" in answer.json()["errors"][0]["message"]

    @pytest.mark.parametrize(
        ("path", "body", "error"),
        [
            ("/sign_in_tokens", {"user_id": "user_none"}, (404, "resource_not_found")),
            ("/sign_in_tokens", {}, (422, "form_param_missing")),
            (
                "/sign_in_tokens",
                {"user_id": "user_dev", "expires_in_seconds": 0},
                (422, "form_param_value_invalid"),
            ),
            ("/actor_tokens", {"user_id": "user_dev"}, (422, "form_param_missing")),
            ("/actor_tokens", {"user_id": "user_dev", "actor": {}}, (422, "form_param_value_invalid")),
            (
                "/actor_tokens",
                {"user_id": "user_dev", "actor": {"sub": 1}},
                (422, "form_param_value_invalid"),
            ),
        ],
    )
    def test_refused(self, backend: httpx.Client, path: str, body: Any, error: Any) -> None:
        assert error_of(backend.post(path, json=body)) == error

    def test_a_testing_token(self, sdk: Clerk) -> None:
        made = sdk.testing_tokens.create()
        assert made.expires_at == 1_750_003_600
        assert made.token != sdk.testing_tokens.create().token


class TestJWTTemplates:
    def test_those_of_the_seed(self, clerk: LocalClerk, sdk: Clerk) -> None:
        templates = sdk.jwt_templates.list()
        assert [each.name for each in templates] == list(clerk._seed.jwt_templates)
        assert sdk.jwt_templates.get(template_id=templates[0].id) == templates[0]
        assert ids(LocalClerk()._instance.jwt_templates.all()) == ids(templates)  # at each start

    def test_from_beginning_to_end(
        self, clerk: LocalClerk, sdk: Clerk, backend: httpx.Client, clock: Clock, claims_of: Decode
    ) -> None:
        """The client's model of claims holds nothing, hence the plain requests."""
        session = clerk.sign_in("user_dev")

        def issued(name: str) -> dict[str, Any]:
            token = sdk.sessions.create_token_from_template(session_id=session.id, template_name=name).jwt
            assert token
            return claims_of(token)

        body = {"name": "db", "claims": {"who": "{{user.id}}"}, "lifetime": 300, "allowed_clock_skew": 7}
        made = backend.post("/jwt_templates", json=body).json()
        assert made["claims"] == {"who": "{{user.id}}"}
        claims = issued("db")
        assert (claims["who"], claims["exp"], claims["nbf"]) == ("user_dev", 1_750_000_300, 1_749_999_993)
        clock.now += 60
        changed = backend.patch(
            f"/jwt_templates/{made['id']}", json={"name": "db2", "claims": {"x": 1}}
        ).json()
        assert (changed["id"], changed["name"], changed["lifetime"]) == (made["id"], "db2", 300)
        assert (changed["allowed_clock_skew"], changed["created_at"]) == (7, made["created_at"])
        assert changed["updated_at"] == 1_750_000_060_000
        assert issued("db2")["x"] == 1
        again = sdk.jwt_templates.update(template_id=made["id"], name="db2", claims={}, lifetime=30)
        assert again.lifetime == 30
        answer = backend.post(f"/sessions/{session.id}/tokens/db")
        assert error_of(answer) == (404, "resource_not_found")
        answer = backend.post(f"/sessions/{session.id}/tokens/db2", json={"expires_in_seconds": 45})
        assert claims_of(answer.json()["jwt"])["exp"] == 1_750_000_105
        assert sdk.jwt_templates.delete(template_id=made["id"]).deleted
        answer = backend.post(f"/sessions/{session.id}/tokens/db2")
        assert error_of(answer) == (404, "resource_not_found")
        assert error_of(backend.get(f"/jwt_templates/{made['id']}")) == (404, "resource_not_found")

    def test_refused(self, backend: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
        good = {"name": "db", "claims": {}}
        for change, error in (
            ({"name": "a b"}, (422, "form_param_value_invalid")),
            ({"name": "neon"}, (422, "form_identifier_exists")),
            ({"claims": None}, (422, "form_param_missing")),
            ({"claims": {"sub": "me"}}, (422, "form_param_value_invalid")),
            ({"lifetime": 29}, (422, "form_param_value_invalid")),
            ({"allowed_clock_skew": 301}, (422, "form_param_value_invalid")),
            ({"custom_signing_key": True}, (422, "form_param_value_invalid")),
        ):
            assert error_of(backend.post("/jwt_templates", json={**good, **change})) == error, change
        made = backend.post("/jwt_templates", json=good).json()
        answer = backend.patch(f"/jwt_templates/{made['id']}", json={**good, "name": "neon"})
        assert error_of(answer) == (422, "form_identifier_exists")
        answer = backend.patch(f"/jwt_templates/{made['id']}", json=good)
        assert answer.status_code == 200
        monkeypatch.setattr("clerk_middleware.local.backend.jwt_templates.MAXIMUM_TEMPLATES", 2)
        answer = backend.post("/jwt_templates", json={**good, "name": "other"})
        assert error_of(answer) == (403, "quota_exceeded")

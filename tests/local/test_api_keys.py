"""API keys: the Backend API's endpoints, and what a test makes of them in code."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from clerk_middleware.local import APIKey, LocalClerk

NOT_FOUND = (404, "resource_not_found")


def error_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/json"
    (error,) = response.json()["errors"]
    return response.status_code, error["code"]


def create(backend: httpx.Client, **changes: Any) -> httpx.Response:
    return backend.post("/api_keys", json={"name": "CI", "subject": "user_dev", **changes})


def verify(backend: httpx.Client, secret: str) -> dict[str, Any]:
    response = backend.post("/api_keys/verify", json={"secret": secret})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    answer: dict[str, Any] = response.json()
    return answer


def test_a_key_is_made_and_verified(backend: httpx.Client, clock: Any) -> None:
    made = create(
        backend,
        scopes=["read:loads", "read:loads"],
        claims={"carrier": {"id": 7}},
        description="for the build",
        created_by="user_ada",
        seconds_until_expiration=60,
    ).json()
    secret = made.pop("secret")
    assert secret.startswith("ak_")
    assert len(secret) >= 35
    assert made == {
        "object": "api_key",
        "id": made["id"],
        "type": "api_key",
        "name": "CI",
        "subject": "user_dev",
        "scopes": ["read:loads"],
        "claims": {"carrier": {"id": 7}},
        "revoked": False,
        "revocation_reason": None,
        "expired": False,
        "expiration": 1_750_000_060_000,
        "created_by": "user_ada",
        "description": "for the build",
        "last_used_at": None,
        "created_at": 1_750_000_000_000,
        "updated_at": 1_750_000_000_000,
    }
    clock.now += 1
    assert verify(backend, secret) == made
    assert backend.get(f"/api_keys/{made['id']}").json() == made | {"last_used_at": 1_750_000_001_000}
    clock.now += 59
    assert error_of(backend.post("/api_keys/verify", json={"secret": secret})) == NOT_FOUND
    assert backend.get(f"/api_keys/{made['id']}").json()["last_used_at"] == 1_750_000_001_000


def test_the_keys_of_a_subject(clerk: LocalClerk, backend: httpx.Client) -> None:
    first, second = clerk.create_api_key("user_dev"), clerk.create_api_key("user_dev")
    clerk.create_api_key("user_ada")
    listed = backend.get("/api_keys", params={"subject": "user_dev"}).json()
    assert [key["id"] for key in listed["data"]] == [first.id, second.id]
    assert listed["total_count"] == 2
    assert "secret" not in listed["data"][0]
    assert error_of(backend.get("/api_keys")) == (422, "form_param_missing")


def test_the_key_of_the_seed(backend: httpx.Client) -> None:
    key = verify(backend, "ak_local_dispatch_board")
    assert (key["id"], key["subject"], key["scopes"]) == (
        "ak_dispatch_board", "org_blue_ridge", ["read:loads"],
    )  # fmt: skip
    assert key["claims"] is None


def test_a_revoked_key_is_as_good_as_unknown(clerk: LocalClerk, backend: httpx.Client, clock: Any) -> None:
    key = clerk.create_api_key("user_dev")
    clock.now += 5
    answer = backend.post(f"/api_keys/{key.id}/revoke", json={"revocation_reason": "leaked"}).json()
    assert (answer["revoked"], answer["revocation_reason"]) == (True, "leaked")
    assert answer["updated_at"] == 1_750_000_005_000
    again = backend.post(f"/api_keys/{key.id}/revoke").json()
    assert again["revocation_reason"] == "leaked"
    assert error_of(backend.post("/api_keys/verify", json={"secret": key.secret})) == NOT_FOUND
    assert again["last_used_at"] is None


def test_a_deleted_key_is_gone(clerk: LocalClerk, backend: httpx.Client) -> None:
    key = clerk.create_api_key("user_dev")
    assert backend.delete(f"/api_keys/{key.id}").json() == {
        "object": "api_key", "id": key.id, "deleted": True,
    }  # fmt: skip
    for response in (
        backend.post("/api_keys/verify", json={"secret": key.secret}),
        backend.get(f"/api_keys/{key.id}"),
        backend.delete(f"/api_keys/{key.id}"),
        backend.post(f"/api_keys/{key.id}/revoke"),
    ):
        assert error_of(response) == (404, "resource_not_found")


@pytest.mark.parametrize("secret", ["ak_unknown", "", None, 1, ["ak_x"], "\ud800", "x" * 200_000])
def test_what_is_no_key(clerk: LocalClerk, backend: httpx.Client, secret: Any) -> None:
    key = clerk.create_api_key("user_dev")
    response = backend.post("/api_keys/verify", content=json.dumps({"secret": secret}))
    expected = (
        (404, "resource_not_found") if isinstance(secret, str) and secret else (422, "form_param_missing")
    )
    assert error_of(response) == expected
    assert error_of(backend.post("/api_keys/verify", json={"secret": key.id})) == (404, "resource_not_found")


DEEP: Any = {}
for _ in range(30):
    DEEP = {"a": DEEP}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": None}, "form_param_missing"),
        ({"name": 5}, "form_param_missing"),
        ({"name": "a\nb"}, "form_param_value_invalid"),
        ({"name": "\ud800"}, "form_param_value_invalid"),
        ({"name": "x" * 1001}, "form_param_value_invalid"),
        ({"subject": "user_nobody"}, "form_param_value_invalid"),
        ({"subject": "mch_tracking"}, "form_param_value_invalid"),
        ({"created_by": "org_blue_ridge"}, "form_param_value_invalid"),
        ({"created_by": []}, "form_param_value_invalid"),
        ({"description": ""}, "form_param_value_invalid"),
        ({"scopes": "read"}, "form_param_value_invalid"),
        ({"scopes": [1]}, "form_param_value_invalid"),
        ({"scopes": ["x"] * 101}, "form_param_value_invalid"),
        ({"claims": []}, "form_param_value_invalid"),
        ({"claims": DEEP}, "form_param_value_invalid"),
        ({"claims": {"a": "x" * 5000}}, "form_param_value_invalid"),
        ({"claims": {"a": float("nan")}}, "form_param_value_invalid"),
        ({"claims": {"a": "\ud800"}}, "form_param_value_invalid"),
        ({"seconds_until_expiration": 0}, "form_param_value_invalid"),
        ({"seconds_until_expiration": 1.5}, "form_param_value_invalid"),
        ({"seconds_until_expiration": True}, "form_param_value_invalid"),
        ({"seconds_until_expiration": 10**12}, "form_param_value_invalid"),
    ],
)
def test_a_key_that_is_not_made(backend: httpx.Client, change: dict[str, Any], code: str) -> None:
    body = {"name": "CI", "subject": "user_dev", **change}
    assert error_of(backend.post("/api_keys", content=json.dumps(body))) == (422, code)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"[" * 100_000])
def test_garbage(backend: httpx.Client, content: bytes) -> None:
    for path in ("/api_keys", "/api_keys/verify", "/m2m_tokens/verify"):
        assert error_of(backend.post(path, content=content)) == (400, "request_body_invalid")


def test_only_the_secret_key_may_ask(clerk: LocalClerk, browser: httpx.Client) -> None:
    key = clerk.create_api_key("user_dev")
    machine = clerk.machines["mch_tracking"].secret_key
    endpoints = [
        ("GET", "/api_keys"), ("POST", "/api_keys"), ("POST", "/api_keys/verify"),
        ("GET", f"/api_keys/{key.id}"), ("DELETE", f"/api_keys/{key.id}"),
        ("POST", f"/api_keys/{key.id}/revoke"),
    ]  # fmt: skip
    for method, path in endpoints:
        for authorization in ("", f"Bearer {key.secret}", f"Bearer {machine}", f"Basic {clerk.secret_key}"):
            response = browser.request(method, f"/v1{path}", headers={"authorization": authorization})
            assert error_of(response) == (401, "clerk_key_invalid")
    assert not key.revoked


def test_in_code(clerk: LocalClerk, backend: httpx.Client, clock: Any) -> None:
    claims = {"a": [1]}
    key = clerk.create_api_key(
        "org_blue_ridge", name="board", scopes=["read:loads"], claims=claims, lifetime=10
    )
    assert isinstance(key, APIKey)
    assert clerk.api_keys[key.id] is key
    claims["a"].append(2)
    answer = verify(backend, key.secret)
    assert (answer["name"], answer["claims"], answer["expiration"]) == (
        "board",
        {"a": [1]},
        1_750_000_010_000,
    )
    clerk.revoke_api_key(key.id)
    assert error_of(backend.post("/api_keys/verify", json={"secret": key.secret})) == NOT_FOUND
    with pytest.raises(LookupError, match="'user_nobody' is neither a user nor an organization"):
        clerk.create_api_key("user_nobody")
    with pytest.raises(LookupError, match="no token of id 'ak_none'"):
        clerk.revoke_api_key("ak_none")
    with pytest.raises(TypeError):
        clerk.create_api_key("user_dev", claims={"a": object()})


def test_calls_are_counted(clerk: LocalClerk, backend: httpx.Client) -> None:
    assert clerk.calls("/api_keys/verify") == 0
    for _ in range(3):
        verify(backend, "ak_local_dispatch_board")
    clerk.fail("/api_keys/verify", status=500)
    assert backend.post("/api_keys/verify", json={"secret": "x"}).status_code == 500
    backend.get("/api_keys/ak_dispatch_board")
    assert clerk.calls("/api_keys/verify") == clerk.calls("/v1/api_keys/verify") == 4
    assert clerk.calls("/api_keys/*") == 5
    assert clerk.calls("/m2m_tokens/verify") == 0


def test_keys_do_not_grow_without_end(clerk: LocalClerk) -> None:
    tokens = clerk._instance.api_keys
    first = clerk.create_api_key("user_dev")
    for _ in range(10_001):
        clerk.create_api_key("user_dev")
    assert len(tokens.all()) == len(tokens._ids) == 10_000
    assert tokens.get(first.id) is None
    assert tokens.presented(first.secret) is None

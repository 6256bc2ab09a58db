"""The Backend API, as an application's server asks it, and as somebody without its key would."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest

from clerk_middleware.local import LocalClerk, LocalServer, Session

Decode = Callable[[str], dict[str, Any]]


@pytest.fixture
def session(clerk: LocalClerk) -> Session:
    return clerk.sign_in("user_dev", "blue-ridge-freight")


def code_of(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body["clerk_trace_id"]
    (error,) = body["errors"]
    assert set(error) == {"code", "message", "long_message", "meta"}
    return str(error["code"])


def test_the_key_set_verifies_the_tokens(clerk: LocalClerk, backend: httpx.Client) -> None:
    token = clerk.issue_session_token("user_ada")
    response = backend.get("/jwks")
    assert response.headers["content-type"] == "application/json"
    (jwk,) = response.json()["keys"]
    assert jwk["kid"] == jwt.get_unverified_header(token)["kid"]
    assert set(jwk) == {"kty", "n", "e", "kid", "use", "alg"}
    assert jwt.decode(
        token,
        jwt.PyJWK(jwk).key,
        ["RS256"],
        options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
    )


def test_nothing_is_answered_without_the_secret_key(clerk: LocalClerk, browser: httpx.Client) -> None:
    key = clerk.secret_key
    wrong = ["Bearer", "Bearer sk_test_wrong", f"Basic {key}", key, f"Bearer {key}x", "Bearer sk_test_\u00e9"]
    endpoints = {
        "/jwks": "GET",
        "/clients/handshake_payload?nonce=x": "GET",
        "/sessions/sess_1/refresh": "POST",
        "/sessions/sess_1/tokens": "POST",
        "/sessions/sess_1/tokens/neon": "POST",
        "/sessions/sess_1/revoke": "POST",
        "/users/user_dev": "GET",
    }
    for path, method in endpoints.items():
        for headers in ({}, *({"authorization": value.encode()} for value in wrong)):
            response = browser.request(method, f"/v1{path}", headers=headers)
            assert response.status_code == 401
            assert code_of(response) == "clerk_key_invalid"
            assert key not in response.text


def test_an_endpoint_that_is_not_there(backend: httpx.Client) -> None:
    response = backend.get("/nothing")
    assert (response.status_code, code_of(response)) == (404, "resource_not_found")
    response = backend.post("/jwks")
    assert (response.status_code, code_of(response)) == (405, "method_not_allowed")
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD"}


def test_a_session_token(
    clerk: LocalClerk, backend: httpx.Client, session: Session, claims_of: Decode
) -> None:
    session.authorized_party = "http://localhost:8000"
    response = backend.post(f"/sessions/{session.id}/tokens")
    assert response.json()["object"] == "token"
    claims = claims_of(response.json()["jwt"])
    assert claims["sid"] == session.id
    assert claims["o"]["id"] == "org_blue_ridge"
    assert claims["azp"] == "http://localhost:8000"
    assert claims["exp"] - claims["iat"] == 60
    longer = backend.post(f"/sessions/{session.id}/tokens", json={"expires_in_seconds": 600})
    longer_claims = claims_of(longer.json()["jwt"])
    assert longer_claims["exp"] - longer_claims["iat"] == 600


def test_a_lifetime_that_is_none(backend: httpx.Client, session: Session) -> None:
    for lifetime in (29, 10**12, "60", True, 60.5):
        response = backend.post(f"/sessions/{session.id}/tokens", json={"expires_in_seconds": lifetime})
        assert (response.status_code, code_of(response)) == (422, "form_param_value_invalid")


def test_a_template_token(backend: httpx.Client, session: Session, claims_of: Decode) -> None:
    token = backend.post(f"/sessions/{session.id}/tokens/neon").json()["jwt"]
    assert jwt.get_unverified_header(token)["cat"] == "cl_B7d4PD222AAA"
    claims = claims_of(token)
    assert claims["sub"] == "user_dev"
    assert claims["org.role"] == "org:dispatcher"
    assert claims["nbf"] == claims["iat"] - 5
    assert {"sid", "v", "o", "fea", "pla", "fva"}.isdisjoint(claims)
    response = backend.post(f"/sessions/{session.id}/tokens/nothing")
    assert (response.status_code, code_of(response)) == (404, "resource_not_found")


def test_a_closed_session_gets_no_tokens(
    clerk: LocalClerk, clock: Any, backend: httpx.Client, session: Session
) -> None:
    paths = [f"/sessions/{session.id}/tokens", f"/sessions/{session.id}/tokens/neon"]
    assert code_of(backend.post("/sessions/sess_unknown/tokens")) == "resource_not_found"
    clock.now += 7 * 24 * 60 * 60
    for path in paths:
        assert "expired" in backend.post(path).json()["errors"][0]["message"]
    clerk.revoke_session(session.id)
    for path in paths:
        response = backend.post(path)
        assert (response.status_code, code_of(response)) == (401, "session_not_active")
        assert "revoked" in response.json()["errors"][0]["message"]


def refresh_body(clerk: LocalClerk, session: Session, **changes: Any) -> dict[str, Any]:
    return {
        "format": "cookie",
        "expired_token": clerk.session_token(session, issued_at=1_749_999_000),
        "refresh_token": session.refresh_token,
        "request_origin": "http://localhost:8000",
        "request_headers": {"accept": ["text/html"]},
        **changes,
    }


def test_a_refresh_answers_cookies(
    clerk: LocalClerk, backend: httpx.Client, session: Session, claims_of: Decode
) -> None:
    response = backend.post(f"/sessions/{session.id}/refresh", json=refresh_body(clerk, session))
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body["object"] == "cookies"
    token, uat = body["cookies"]
    assert uat == "__client_uat=1750000000; Path=/; Max-Age=31536000; SameSite=Lax"
    claims = claims_of(token.removeprefix("__session=").partition(";")[0])
    assert claims["iat"] == 1_750_000_000
    assert claims["azp"] == "http://localhost:8000"


def test_a_refresh_with_suffixed_cookies(clerk: LocalClerk, backend: httpx.Client, session: Session) -> None:
    body = refresh_body(clerk, session, request_origin="https://localhost")
    cookies = backend.post(f"/sessions/{session.id}/refresh?suffixed_cookies=true", json=body).json()[
        "cookies"
    ]
    suffix = clerk._instance.cookie_suffix
    assert [line.partition("=")[0] for line in cookies] == [
        "__session", f"__session_{suffix}", "__client_uat", f"__client_uat_{suffix}",
    ]  # fmt: skip
    assert all(line.endswith("; Secure") for line in cookies)


def test_a_refresh_is_for_the_holder_of_both_tokens(
    clerk: LocalClerk, backend: httpx.Client, session: Session
) -> None:
    other = clerk.sign_in("user_ada")
    stranger = LocalClerk()
    attempts = {
        "refresh_token_invalid": [
            {"refresh_token": other.refresh_token},
            {"refresh_token": "rt_guess"},
            {"refresh_token": "\ud800"},
        ],
        "session_token_invalid": [
            {"expired_token": clerk.session_token(other)},
            {"expired_token": stranger.issue_session_token("user_dev", session_id=session.id)},
            {"expired_token": clerk.issue_session_token("user_ada", session_id=session.id)},
            {"expired_token": "e30.e30."},
            {"expired_token": "\ud800"},
        ],
    }
    for code, changes in attempts.items():
        for change in changes:
            content = json.dumps(refresh_body(clerk, session, **change))
            response = backend.post(f"/sessions/{session.id}/refresh", content=content)
            assert (response.status_code, code_of(response)) == (401, code)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"expired_token": None}, "form_param_missing"),
        ({"refresh_token": ""}, "form_param_missing"),
        ({"request_origin": 1}, "form_param_missing"),
        ({"request_origin": "localhost"}, "form_param_value_invalid"),
        ({"request_origin": "http://["}, "form_param_value_invalid"),
        ({"request_origin": "http://a\r\nset-cookie: x"}, "form_param_value_invalid"),
        ({"format": "jwt"}, "form_param_value_invalid"),
    ],
)
def test_a_refresh_that_lacks_something(
    clerk: LocalClerk, backend: httpx.Client, session: Session, change: dict[str, Any], code: str
) -> None:
    response = backend.post(f"/sessions/{session.id}/refresh", json=refresh_body(clerk, session, **change))
    assert (response.status_code, code_of(response)) == (422, code)


def test_a_revoked_session_is_not_refreshed(
    clerk: LocalClerk, backend: httpx.Client, session: Session
) -> None:
    clerk.revoke_session(session.id)
    response = backend.post(f"/sessions/{session.id}/refresh", json=refresh_body(clerk, session))
    assert (response.status_code, code_of(response)) == (401, "session_not_active")


def test_a_token_from_before_a_rotation_is_refreshed(
    clerk: LocalClerk, backend: httpx.Client, session: Session
) -> None:
    body = refresh_body(clerk, session)
    clerk.rotate_key()
    assert backend.post(f"/sessions/{session.id}/refresh", json=body).status_code == 200


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[]", b'"x"', b"[" * 100_000])
def test_a_body_that_is_no_object(backend: httpx.Client, session: Session, content: bytes) -> None:
    response = backend.post(f"/sessions/{session.id}/refresh", content=content)
    assert (response.status_code, code_of(response)) == (400, "request_body_invalid")


def test_a_body_that_is_too_large(backend: httpx.Client, session: Session) -> None:
    response = backend.post(f"/sessions/{session.id}/refresh", content=b" " * 300_000)
    assert (response.status_code, code_of(response)) == (413, "request_invalid")


def test_a_nonce_is_taken_once_and_in_time(clerk: LocalClerk, clock: Any, backend: httpx.Client) -> None:
    nonces = clerk._instance.nonces
    nonce, late = nonces.put(["a=b"]), nonces.put(["c=d"])
    assert backend.get("/clients/handshake_payload", params={"nonce": nonce}).json() == {
        "directives": ["a=b"]
    }
    clock.now += 60
    for gone in (nonce, late, "", "unknown"):
        response = backend.get("/clients/handshake_payload", params={"nonce": gone})
        assert (response.status_code, code_of(response)) == (404, "resource_not_found")
    assert code_of(backend.get("/clients/handshake_payload")) == "resource_not_found"


def test_failing_on_demand(
    clerk: LocalClerk, server: LocalServer, backend: httpx.Client, session: Session
) -> None:
    clerk.fail("/jwks", status=429, retry_after=7)
    limited = backend.get("/jwks")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    assert code_of(limited) == "too_many_requests"
    assert backend.get("/jwks").status_code == 200
    clerk.fail("/v1/sessions/*/tokens", status=503, times=None)
    for _ in range(3):
        response = backend.post(f"/sessions/{session.id}/tokens")
        assert (response.status_code, code_of(response)) == (503, "unexpected_error")
        assert "retry-after" not in response.headers
    clerk.recover()
    assert backend.post(f"/sessions/{session.id}/tokens").status_code == 200


def test_answering_slowly_on_demand(clerk: LocalClerk, backend: httpx.Client) -> None:
    clerk.delay("/jwks", 5, times=1)
    with pytest.raises(httpx.ReadTimeout):
        backend.get("/jwks", timeout=0.1)
    assert backend.get("/jwks").status_code == 200
    clerk.delay("/jwks", 0.01)
    assert backend.get("/jwks").status_code == 200


def test_a_session_is_revoked(clerk: LocalClerk, backend: httpx.Client, session: Session) -> None:
    answer = backend.post(f"/sessions/{session.id}/revoke")
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in ("object", "id", "user_id", "status")} == {
        "object": "session",
        "id": session.id,
        "user_id": "user_dev",
        "status": "revoked",
    }
    assert code_of(backend.post(f"/sessions/{session.id}/tokens")) == "session_not_active"
    assert backend.post(f"/sessions/{session.id}/revoke").json()["status"] == "revoked"
    assert code_of(backend.post("/sessions/sess_none/revoke")) == "resource_not_found"


def test_a_user(backend: httpx.Client) -> None:
    answer = backend.get("/users/user_grace")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    user = answer.json()
    expected = {
        "object": "user",
        "id": "user_grace",
        "first_name": "Grace",
        "email": "grace@harborlines.example",
        "created_at": 1_750_000_000_000,
    }
    (email,) = user["email_addresses"]
    assert {**user, "email": email["email_address"]}.items() >= expected.items()
    assert user["primary_email_address_id"] == email["id"] == "idn_grace"
    assert email["object"] == "email_address"
    assert email["verification"]["status"] == "verified"
    assert email["verification"]["strategy"] == "email_code"
    assert user["two_factor_enabled"] is True
    assert backend.get("/users/user_dev").json()["two_factor_enabled"] is False


def test_a_user_of_whom_little_is_known(switchboard: Any) -> None:
    board, server = switchboard
    metadata = {"public_metadata": {"a": 1}, "private_metadata": {"b": [2]}, "unsafe_metadata": {"c": None}}
    eve = {"id": "user_eve", "email": "eve@example.com", "password": "x", "email_verified": False, **metadata}
    clerk = LocalClerk({"users": [eve]})
    board.app = clerk.app
    headers = {"authorization": f"Bearer {clerk.secret_key}"}
    user = httpx.get(f"{server.url}/v1/users/user_eve", headers=headers).json()
    assert user["email_addresses"][0]["verification"]["status"] == "unverified"
    assert (user["first_name"], user["last_name"], user["username"]) == (None, None, None)
    assert {name: user[name] for name in metadata} == metadata
    assert "password" not in user


def test_a_user_who_is_not_there(backend: httpx.Client) -> None:
    response = backend.get("/users/user_nobody")
    assert (response.status_code, code_of(response)) == (404, "resource_not_found")
    assert backend.post("/users/user_dev").status_code == 405

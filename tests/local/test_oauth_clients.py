"""How OAuth clients prove who they are, give tokens back, and read who the user is."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from clerk_middleware.local import LocalClerk, OAuthApplication

from .oauth_client import (
    Tab,
    error_of,
    exchange,
    is_good,
    refresh,
)


class TestClientAuthentication:
    def test_basic_and_post(self, tab: Tab, client: httpx.Client, confidential: OAuthApplication) -> None:
        secret = confidential.client_secret
        assert secret is not None
        assert exchange(client, confidential, tab.allow(confidential)).status_code == 200
        client.auth = (confidential.client_id, secret)
        code = tab.allow(confidential)
        assert exchange(client, confidential, code, client_secret=None).status_code == 200
        code = tab.allow(confidential)
        response = exchange(client, confidential, code, client_secret=None, client_id=None)
        assert response.status_code == 200

    def test_more_than_one_way(self, client: httpx.Client, confidential: OAuthApplication) -> None:
        client.auth = (confidential.client_id, "x")
        assert error_of(exchange(client, confidential, "code")) == "invalid_request"
        response = exchange(client, confidential, "code", client_secret=None, client_id="client_other")
        assert error_of(response) == "invalid_request"

    @pytest.mark.parametrize(
        "changes",
        [
            {"client_secret": None},
            {"client_secret": "wrong"},
            {"client_secret": "\u00e9"},
            {"client_id": None},
            {"client_id": "client_none"},
        ],
    )
    def test_wrong(
        self, tab: Tab, client: httpx.Client, confidential: OAuthApplication, changes: dict[str, Any]
    ) -> None:
        code = tab.allow(confidential)
        response = exchange(client, confidential, code, **changes)
        assert error_of(response, 401) == "invalid_client"
        assert "www-authenticate" not in response.headers
        assert exchange(client, confidential, code).status_code == 200

    def test_wrong_by_basic(self, client: httpx.Client, confidential: OAuthApplication) -> None:
        client.auth = (confidential.client_id, "wrong")
        response = exchange(client, confidential, "x", client_secret=None)
        assert error_of(response, 401) == "invalid_client"
        assert response.headers["www-authenticate"].startswith("Basic ")

    def test_a_public_one_has_no_secret(
        self, tab: Tab, client: httpx.Client, public: OAuthApplication
    ) -> None:
        response = exchange(client, public, tab.allow(public), client_secret="x")
        assert error_of(response, 401) == "invalid_client"

    @pytest.mark.parametrize("header", ["Bearer x", "Basic", "Basic !", "Basic /w==", "Basic \u00e9"])
    def test_garbage(self, client: httpx.Client, public: OAuthApplication, header: str) -> None:
        client.headers["authorization"] = header
        assert error_of(exchange(client, public, "x")) == "invalid_request"


class TestBodies:
    @pytest.mark.parametrize(
        ("content", "kind"),
        [
            (b'{"grant_type": "authorization_code"}', "application/json"),
            (b"grant_type=authorization_code", "text/plain"),
            (b"grant_type=authorization_code&grant_type=refresh_token", "application/x-www-form-urlencoded"),
            (b"grant_type=%ff", "application/x-www-form-urlencoded"),
            (b"\xff=1", "application/x-www-form-urlencoded"),
            (b"&".join([b"a=b"] * 60), "application/x-www-form-urlencoded"),
        ],
    )
    def test_garbage(self, client: httpx.Client, content: bytes, kind: str) -> None:
        for path in ("/oauth/token", "/oauth/revoke"):
            response = client.post(path, content=content, headers={"content-type": kind})
            assert error_of(response) == "invalid_request"

    def test_huge(self, client: httpx.Client) -> None:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        response = client.post("/oauth/token", content=b"a=" + b"b" * 300_000, headers=headers)
        assert error_of(response, 413) == "invalid_request"
        assert error_of(client.post("/oauth/register", content=b" " * 300_000), 413) == "invalid_request"


class TestRevocation:
    def test_a_refresh_token_takes_all_with_it(
        self, tab: Tab, client: httpx.Client, backend: httpx.Client, public: OAuthApplication
    ) -> None:
        tokens = exchange(client, public, tab.allow(public)).json()
        form = {"client_id": public.client_id, "token": tokens["refresh_token"]}
        assert client.post("/oauth/revoke", data=form).status_code == 200
        assert not is_good(backend, tokens["access_token"])
        assert error_of(refresh(client, public, tokens["refresh_token"])) == "invalid_grant"

    def test_an_access_token_goes_alone(
        self, tab: Tab, client: httpx.Client, backend: httpx.Client, public: OAuthApplication
    ) -> None:
        tokens = exchange(client, public, tab.allow(public)).json()
        form = {"client_id": public.client_id, "token": tokens["access_token"]}
        assert client.post("/oauth/revoke", data=form).status_code == 200
        assert not is_good(backend, tokens["access_token"])
        assert refresh(client, public, tokens["refresh_token"]).status_code == 200

    def test_those_of_others_stay(
        self, clerk: LocalClerk, tab: Tab, client: httpx.Client, backend: httpx.Client,
        public: OAuthApplication,
    ) -> None:  # fmt: skip
        other = clerk.create_oauth_application("Other", ["http://127.0.0.1/callback"])
        tokens = exchange(client, public, tab.allow(public)).json()
        for token in (tokens["access_token"], tokens["refresh_token"], "unknown"):
            form = {"client_id": other.client_id, "token": token}
            assert client.post("/oauth/revoke", data=form).status_code == 200
        assert is_good(backend, tokens["access_token"])
        assert refresh(client, public, tokens["refresh_token"]).status_code == 200
        form = {"client_id": "client_none", "token": tokens["access_token"]}
        assert error_of(client.post("/oauth/revoke", data=form), 401) == "invalid_client"


class TestUserinfo:
    def test_by_scope(self, clerk: LocalClerk, client: httpx.Client) -> None:
        def claims(*scopes: str) -> set[str]:
            token = clerk.create_oauth_access_token("user_dev", scopes=scopes).token
            response = client.get("/oauth/userinfo", headers={"authorization": f"Bearer {token}"})
            assert response.json()["sub"] == response.json()["user_id"] == "user_dev"
            return set(response.json()) - {"object", "sub", "user_id"}

        assert claims() == set()
        assert claims("profile") == {"name", "given_name", "family_name"}
        assert claims("email") == {"email", "email_verified"}
        assert claims("public_metadata") == {"public_metadata", "unsafe_metadata"}
        assert claims("private_metadata") == {"private_metadata"}

    def test_refused(self, clerk: LocalClerk, client: httpx.Client, clock: Any) -> None:
        revoked = clerk.create_oauth_access_token("user_dev")
        clerk.revoke_oauth_access_token(revoked.id)
        expired = clerk.create_oauth_access_token("user_dev", lifetime=-1)
        for token in ("", "x", revoked.token, expired.token, clerk.issue_session_token("user_dev")):
            headers = {"authorization": f"Bearer {token}".strip()}
            response = client.get("/oauth/userinfo", headers=headers)
            assert error_of(response, 401) == "invalid_token"
            assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'

"""Where OAuth applications come from: they register themselves, or the Backend API or code makes them."""

from __future__ import annotations

from typing import Any

import httpx
import jwt
import pytest

from clerk_middleware.local import LocalClerk, LocalServer, OAuthApplication

from .oauth_client import (
    CALLBACK,
    Tab,
    error_of,
    exchange,
    is_good,
    register,
    verified,
)


class TestRegistration:
    def test_a_public_client(self, clerk: LocalClerk, client: httpx.Client, tab: Tab) -> None:
        response = register(client, scope="openid read:loads", grant_types=["authorization_code", "implicit"])
        assert response.status_code == 201
        assert response.headers["access-control-allow-origin"] == "*"
        answer = response.json()
        assert answer == {
            "client_id": answer["client_id"],
            "client_id_issued_at": 1_750_000_000,
            "client_name": "Planner",
            "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "scope": "openid read:loads",
        }
        application = clerk._instance.oauth_applications.get(answer["client_id"])
        assert application is not None
        assert application.consent_screen
        assert exchange(client, application, tab.allow(application)).status_code == 200

    def test_a_confidential_client(self, client: httpx.Client) -> None:
        answer = register(client, token_endpoint_auth_method=None, client_name=None).json()
        assert answer["token_endpoint_auth_method"] == "client_secret_basic"
        assert len(answer["client_secret"]) >= 32
        assert answer["client_secret_expires_at"] == 0
        assert "private_metadata" not in answer["scope"]
        assert "read:loads" in answer["scope"]

    @pytest.mark.parametrize(
        "uri",
        [
            "https://client.example/cb", "https://client.example:8443/cb?x=1", "http://localhost:3000/cb",
            "http://127.0.0.1/cb", "http://[::1]:3000/cb", "com.example.app:/cb", "cursor://callback/mcp",
            "vscode-insiders://x.y/cb", "HTTPS://client.example/",
        ],
    )  # fmt: skip
    def test_redirect_uris_that_do(self, client: httpx.Client, uri: str) -> None:
        assert register(client, redirect_uris=[uri]).json()["redirect_uris"] == [uri]

    @pytest.mark.parametrize(
        "uri",
        [
            "javascript:alert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)", " javascript:alert(1)",
            "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:https://a.example/1",
            "view-source:https://a.example", "intent://x#Intent;end", "about:blank",
            "http://client.example/cb", "http://localhost.evil.example/cb", "http://127.0.0.1.evil.example/",
            "http://127.0.0.1@evil.example/", "https://user@client.example/", "https://client.example/#x",
            "https://client.example/cb#", "https:///cb", "https://", "https:client.example", "//evil.example",
            "/callback", "", "client.example", "https://client.example\\@evil.example/", "https://a b/",
            "https://a.example/\r\nset-cookie: x", "https://\u00e9.example/", "https://a;b.example/",
            "https://a.example:99999/", "https://[::1", "https://a.example/<script>", "com.example.app:",
            "https://a.example/" + "x" * 2000, "https://*.example/", "https://a%2eexample/",
            # What systems open, to the delight of who wrote the link.
            "ms-msdt:/id", "ms-settings:privacy", "MS-Word:ofe", "search:query=x", "search-ms:query=x",
            "steam://run/1", "itms-apps://x", "x-apple.systempreferences:x", "X-Apple.x:y", "tel:1",
            "mailto:a@b.example", "ssh://a.example", "fleet:/cb",
        ],
    )  # fmt: skip
    def test_redirect_uris_that_do_not(self, client: httpx.Client, uri: str) -> None:
        assert error_of(register(client, redirect_uris=[uri])) == "invalid_redirect_uri"
        assert error_of(register(client, redirect_uris=[CALLBACK, uri])) == "invalid_redirect_uri"

    @pytest.mark.parametrize("uris", [None, [], CALLBACK, {}, [1], [None], [CALLBACK] * 11])
    def test_redirect_uris_that_are_none(self, client: httpx.Client, uris: Any) -> None:
        assert error_of(register(client, redirect_uris=uris)) == "invalid_redirect_uri"

    @pytest.mark.parametrize(
        "change",
        [
            {"client_name": 1}, {"client_name": ""}, {"client_name": "x" * 101}, {"client_name": "a\u202eb"},
            {"client_name": "\ud800"}, {"scope": "admin"}, {"scope": ["profile"]},
            {"token_endpoint_auth_method": "private_key_jwt"}, {"token_endpoint_auth_method": {}},
            {"grant_types": ["client_credentials"]}, {"grant_types": "authorization_code"},
            {"response_types": ["token"]},
        ],
    )  # fmt: skip
    def test_metadata_that_does_not(self, client: httpx.Client, change: dict[str, Any]) -> None:
        assert error_of(register(client, **change)) == "invalid_client_metadata"

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
    def test_garbage(self, client: httpx.Client, content: bytes) -> None:
        assert error_of(client.post("/oauth/register", content=content)) == "invalid_client_metadata"

    def test_switched_off(self, switchboard: Any, client: httpx.Client) -> None:
        board, _ = switchboard
        user = {"id": "user_1", "email": "a@b.c", "password": "x"}
        board.app = LocalClerk({"users": [user], "oauth": {"dynamic_client_registration": False}}).app
        assert error_of(register(client), 403) == "access_denied"
        metadata = client.get("/.well-known/oauth-authorization-server").json()
        assert "registration_endpoint" not in metadata

    def test_clients_without_end(self, clerk: LocalClerk, client: httpx.Client, tab: Tab) -> None:
        applications = clerk._instance.oauth_applications
        used = applications.get(register(client).json()["client_id"])
        unused = applications.get(register(client).json()["client_id"])
        assert used is not None
        assert unused is not None
        tab.allow(used)
        for _ in range(1001):
            last = applications.create(
                name="x", redirect_uris=[CALLBACK], scopes=(), public=True, dynamic=True
            )
        assert len([each for each in applications.all() if each.is_dynamic]) == 1000
        assert applications.get(used.client_id) is used
        assert applications.get(unused.client_id) is None
        assert applications.get(last.client_id) is last
        assert applications.get("client_carrier_portal") is not None


class TestBackendAPI:
    def test_applications(self, backend: httpx.Client, server: LocalServer) -> None:
        body = {
            "name": "Yard", "redirect_uris": [CALLBACK], "scopes": "profile read:loads", "public": False,
            "consent_screen_enabled": False,
        }  # fmt: skip
        made = backend.post("/oauth_applications", json=body).json()
        assert made.pop("client_secret")
        assert (made["object"], made["name"], made["public"]) == ("oauth_application", "Yard", False)
        assert (made["scopes"], made["consent_screen_enabled"]) == ("profile read:loads", False)
        assert made["token_fetch_url"] == f"{server.url}/oauth/token"
        assert backend.get(f"/oauth_applications/{made['id']}").json() == made
        listed = backend.get("/oauth_applications").json()
        assert [each["name"] for each in listed["data"]] == ["Yard", "Carrier portal"]
        body = {"name": "Phone", "redirect_uris": [CALLBACK], "scopes": ["email"], "public": True}
        assert backend.post("/oauth_applications", json=body).json()["client_secret"] is None

    @pytest.mark.parametrize(
        "change",
        [
            {"name": None}, {"redirect_uris": []}, {"redirect_uris": ["javascript:x"]}, {"scopes": "admin"},
            {"scopes": 1}, {"public": "yes"}, {"consent_screen_enabled": 0},
        ],
    )  # fmt: skip
    def test_wrong(self, backend: httpx.Client, change: dict[str, Any]) -> None:
        body = {"name": "Yard", "redirect_uris": [CALLBACK], **change}
        assert backend.post("/oauth_applications", json=body).status_code == 422

    def test_not_there(self, backend: httpx.Client) -> None:
        for response in (
            backend.get("/oauth_applications/oa_none"),
            backend.delete("/oauth_applications/oa_none"),
            backend.post("/oauth_applications/access_tokens/verify", json={"access_token": "oat_none"}),
        ):
            assert response.status_code == 404
            assert response.json()["errors"][0]["code"] == "resource_not_found"

    def test_only_with_the_secret_key(self, browser: httpx.Client) -> None:
        for method, path in (
            ("GET", ""), ("POST", ""), ("GET", "/oa_carrier_portal"), ("DELETE", "/oa_carrier_portal"),
            ("POST", "/access_tokens/verify"),
        ):  # fmt: skip
            response = browser.request(method, f"/v1/oauth_applications{path}")
            assert response.status_code == 401
            assert response.json()["errors"][0]["code"] == "clerk_key_invalid"


def test_in_code(clerk: LocalClerk, backend: httpx.Client, confidential: OAuthApplication) -> None:
    token = clerk.create_oauth_access_token("user_ada", token_format="opaque")
    assert token.token.startswith("oat_")
    answer = verified(backend, token.token)
    assert (answer["scopes"], answer["client_id"], answer["name"]) == (["profile"], "client_test", "test")
    clerk.revoke_oauth_access_token(token.id)
    assert not is_good(backend, token.token)
    named = clerk.create_oauth_access_token("user_ada", client_id=confidential.client_id, lifetime=-1)
    assert named.name == "Portal"
    assert not is_good(backend, named.token)
    claims = jwt.decode(named.token, options={"verify_signature": False})
    assert claims["iss"].startswith("https://")
    assert "aud" not in claims  # good at every resource
    one, two = "https://mcp.example/mcp", "https://api.example"
    for resources, audience in (([one], one), ([one, two], [one, two])):
        meant = clerk.create_oauth_access_token("user_ada", resources=resources)
        assert jwt.decode(meant.token, options={"verify_signature": False})["aud"] == audience
    for arguments, message in (
        ({"user_id": "user_none"}, "no user 'user_none'"),
        ({"user_id": "user_ada", "client_id": "client_none"}, "no OAuth application of client id"),
    ):
        with pytest.raises(LookupError, match=message):
            clerk.create_oauth_access_token(**arguments)
    with pytest.raises(LookupError, match="no token of id"):
        clerk.revoke_oauth_access_token("oat_none")
    with pytest.raises(ValueError, match="http is for loopback alone"):
        clerk.create_oauth_application("x", ["http://client.example/"])

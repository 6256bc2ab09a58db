"""The OAuth authorization server, as clients ask it, and as somebody would who wants what is not theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest

from clerk_middleware import Authenticator, ClerkConfig, ClerkRequest
from clerk_middleware.local import LocalClerk, LocalServer, OAuthApplication

from .oauth_client import (
    CALLBACK,
    CHALLENGE,
    VERIFIER,
    Tab,
    error_of,
    exchange,
    is_good,
    refresh,
    verified,
)

Decode = Callable[[str], dict[str, Any]]


class TestMetadata:
    def test_both_documents(self, browser: httpx.Client, server: LocalServer) -> None:
        response = browser.get("/.well-known/oauth-authorization-server")
        metadata = response.json()
        assert response.headers["access-control-allow-origin"] == "*"
        assert metadata["issuer"] == server.url
        for name in ("authorization", "token", "registration", "revocation", "userinfo"):
            assert metadata[f"{name}_endpoint"].startswith(f"{server.url}/oauth/")
        assert metadata["jwks_uri"] == f"{server.url}/.well-known/jwks.json"
        assert metadata["code_challenge_methods_supported"] == ["S256"]
        assert metadata["response_types_supported"] == ["code"]
        assert metadata["grant_types_supported"] == ["authorization_code", "refresh_token"]
        assert set(metadata["token_endpoint_auth_methods_supported"]) == {
            "client_secret_basic", "client_secret_post", "none",
        }  # fmt: skip
        assert {"profile", "openid", "offline_access", "read:loads"} <= set(metadata["scopes_supported"])
        assert browser.get("/.well-known/openid-configuration").json() == metadata
        assert "keys" in browser.get(metadata["jwks_uri"]).json()

    def test_by_another_name(self, server: LocalServer) -> None:
        document = httpx.get(
            f"{server.url}/.well-known/oauth-authorization-server", headers={"host": "clerk.localhost:80"}
        ).json()
        assert document["issuer"] == "http://clerk.localhost:80"

    @pytest.mark.parametrize("path", ["/oauth/token", "/oauth/register", "/oauth/revoke"])
    def test_a_page_may_ask_first(self, browser: httpx.Client, path: str) -> None:
        headers = {"origin": "https://client.example", "access-control-request-method": "POST"}
        response = browser.options(path, headers=headers)
        assert response.status_code == 204
        assert response.headers["access-control-allow-origin"] == "*"
        assert response.headers["access-control-allow-methods"] == "POST"
        assert "content-type" in response.headers["access-control-allow-headers"]
        assert "access-control-allow-credentials" not in response.headers
        assert browser.post(path, content=b"").headers["access-control-allow-origin"] == "*"
        assert browser.get(path).status_code == 405


class TestCode:
    def test_the_whole_way(
        self, clerk: LocalClerk, tab: Tab, client: httpx.Client, backend: httpx.Client,
        public: OAuthApplication, claims_of: Decode, server: LocalServer,
    ) -> None:  # fmt: skip
        answer = tab.decide(public, "allow", scope="openid profile read:loads", nonce="n1")
        assert answer == {"code": answer["code"], "state": "the state", "iss": server.url}
        response = exchange(client, public, answer["code"])
        assert response.status_code == 200
        assert response.headers["cache-control"] == "no-store"
        tokens = response.json()
        assert tokens["token_type"] == "Bearer"
        assert tokens["expires_in"] == 86_400
        assert tokens["scope"] == "openid profile read:loads"
        header = jwt.get_unverified_header(tokens["access_token"])
        assert header["typ"] == "at+jwt"
        claims = claims_of(tokens["access_token"])
        assert claims == {
            "iss": server.url,
            "sub": "user_dev",
            "client_id": public.client_id,
            "scope": "openid profile read:loads",
            "iat": 1_750_000_000,
            "nbf": 1_750_000_000,
            "exp": 1_750_086_400,
            "jti": claims["jti"],
        }
        assert verified(backend, tokens["access_token"]) == {
            "object": "clerk_idp_oauth_access_token",
            "id": claims["jti"],
            "client_id": public.client_id,
            "type": "oauth:access_token",
            "name": "Portal",
            "subject": "user_dev",
            "scopes": ["openid", "profile", "read:loads"],
            "revoked": False,
            "revocation_reason": None,
            "expired": False,
            "expiration": 1_750_086_400_000,
            "created_at": 1_750_000_000_000,
            "updated_at": 1_750_000_000_000,
        }
        options: Any = {"verify_exp": False, "verify_iat": False}
        identity = jwt.decode(
            tokens["id_token"], clerk.jwt_key, ["RS256"], audience=public.client_id, options=options
        )
        assert identity == {
            "iss": server.url,
            "sub": "user_dev",
            "aud": public.client_id,
            "iat": 1_750_000_000,
            "exp": 1_750_086_400,
            "auth_time": 1_750_000_000,
            "nonce": "n1",
            "name": "Dev Patel",
            "given_name": "Dev",
            "family_name": "Patel",
        }

    def test_neither_token_is_a_session(
        self, clerk: LocalClerk, tab: Tab, client: httpx.Client, public: OAuthApplication, clock: Any,
        server: LocalServer,
    ) -> None:  # fmt: skip
        tokens = exchange(client, public, tab.allow(public)).json()
        config = ClerkConfig.from_env(
            clerk.environment(server.url), authorized_parties=["http://localhost:8000"]
        )
        with Authenticator(config, clock=clock) as authenticator:
            for name in ("id_token", "access_token"):
                headers = {"authorization": f"Bearer {tokens[name]}"}
                state = authenticator.authenticate_request(
                    ClerkRequest("GET", "http://localhost:8000/", headers)
                )
                assert state.status == "signed-out", name

    def test_opaque_tokens(self, clock: Any, switchboard: Any) -> None:
        board, server = switchboard
        user = {"id": "user_1", "email": "a@b.c", "password": "x"}
        clerk = LocalClerk({"users": [user], "oauth": {"token_format": "opaque", "access_token_lifetime": 5}})
        board.app = clerk.app
        application = clerk.create_oauth_application("x", [CALLBACK])
        with httpx.Client(base_url=server.url) as http:
            http.post("/sign-in", data={"user_id": "user_1", "password": "x"})
            code = Tab(http, "user_1").allow(application)
            tokens = exchange(http, application, code).json()
        assert tokens["access_token"].startswith("oat_")
        assert tokens["expires_in"] == 5
        assert "id_token" not in tokens

    def test_one_without_pkce_has_its_secret(
        self, tab: Tab, client: httpx.Client, confidential: OAuthApplication
    ) -> None:
        without = {"code_challenge": None, "code_challenge_method": None}
        code = tab.allow(confidential, **without)
        assert error_of(exchange(client, confidential, code)) == "invalid_grant"  # nobody sent a challenge
        assert exchange(client, confidential, code, code_verifier=None).status_code == 200
        code = tab.allow(confidential)
        assert error_of(exchange(client, confidential, code, code_verifier=None)) == "invalid_grant"

    @pytest.mark.parametrize("verifier", [None, "", "wrong", CHALLENGE, VERIFIER + "x", "\u00e9" * 50])
    def test_the_verifier_has_to_fit(
        self, tab: Tab, client: httpx.Client, public: OAuthApplication, verifier: str | None
    ) -> None:
        response = exchange(client, public, tab.allow(public), code_verifier=verifier)
        assert error_of(response) == "invalid_grant"

    def test_a_second_use_revokes_what_the_first_gave(
        self, tab: Tab, client: httpx.Client, backend: httpx.Client, public: OAuthApplication
    ) -> None:
        code = tab.allow(public)
        tokens = exchange(client, public, code).json()
        assert is_good(backend, tokens["access_token"])
        assert error_of(exchange(client, public, code)) == "invalid_grant"
        assert not is_good(backend, tokens["access_token"])
        assert error_of(refresh(client, public, tokens["refresh_token"])) == "invalid_grant"
        headers = {"authorization": f"Bearer {tokens['access_token']}"}
        assert error_of(client.get("/oauth/userinfo", headers=headers), 401) == "invalid_token"

    def test_a_code_is_bound(
        self, clerk: LocalClerk, tab: Tab, client: httpx.Client, public: OAuthApplication, clock: Any
    ) -> None:
        other = clerk.create_oauth_application("Other", ["http://127.0.0.1/callback"])
        code = tab.allow(public)
        assert error_of(exchange(client, other, code)) == "invalid_grant"
        for redirect_uri in ("http://127.0.0.1/callback", "http://127.0.0.1:3334/callback", CALLBACK + "/"):
            response = exchange(client, public, code, redirect_uri=redirect_uri)
            assert error_of(response) == "invalid_grant"
        clock.now += 599
        assert exchange(client, public, code).status_code == 200
        late = tab.allow(public)
        clock.now += 600
        assert error_of(exchange(client, public, late)) == "invalid_grant"
        assert error_of(exchange(client, public, "guess")) == "invalid_grant"

    @pytest.mark.parametrize("missing", ["grant_type", "code", "redirect_uri"])
    def test_a_parameter_is_missing(
        self, tab: Tab, client: httpx.Client, public: OAuthApplication, missing: str
    ) -> None:
        form = {
            "grant_type": "authorization_code",
            "client_id": public.client_id,
            "code": tab.allow(public),
            "redirect_uri": CALLBACK,
        }
        del form[missing]
        response = client.post("/oauth/token", data=form)
        assert error_of(response) == "invalid_request"
        assert missing in response.json()["error_description"]

    def test_other_grants(self, client: httpx.Client, confidential: OAuthApplication) -> None:
        for grant_type in ("password", "client_credentials", "implicit"):
            response = exchange(client, confidential, "x", grant_type=grant_type)
            assert error_of(response) == "unsupported_grant_type"

    def test_resources(
        self, tab: Tab, client: httpx.Client, public: OAuthApplication, clerk: LocalClerk
    ) -> None:
        def audience(response: httpx.Response) -> Any:
            token = response.json()["access_token"]
            return jwt.decode(token, options={"verify_signature": False})["aud"]

        one, two = "https://mcp.example/mcp", "https://api.example/"
        tokens = exchange(client, public, tab.allow(public, resource=[one, two]))
        assert audience(tokens) == [one, two]
        token = tokens.json()["refresh_token"]
        assert error_of(refresh(client, public, token, resource="https://evil.example/")) == "invalid_target"
        narrowed = refresh(client, public, token, resource=two)
        assert audience(narrowed) == two
        assert audience(refresh(client, public, narrowed.json()["refresh_token"])) == [one, two]
        code = tab.allow(public, resource=one)
        assert error_of(exchange(client, public, code, resource=two)) == "invalid_target"


class TestRefresh:
    def test_it_rotates(
        self, tab: Tab, client: httpx.Client, backend: httpx.Client, public: OAuthApplication, clock: Any
    ) -> None:
        first = exchange(client, public, tab.allow(public)).json()
        clock.now += 100_000
        assert not is_good(backend, first["access_token"])
        second = refresh(client, public, first["refresh_token"]).json()
        assert second["refresh_token"] != first["refresh_token"]
        assert is_good(backend, second["access_token"])
        third = refresh(client, public, second["refresh_token"]).json()
        # Somebody else has the one that was replaced: nobody keeps anything.
        assert error_of(refresh(client, public, first["refresh_token"])) == "invalid_grant"
        assert error_of(refresh(client, public, third["refresh_token"])) == "invalid_grant"
        assert not is_good(backend, third["access_token"])

    def test_scopes_can_be_fewer_not_more(
        self, tab: Tab, client: httpx.Client, public: OAuthApplication
    ) -> None:
        token = exchange(client, public, tab.allow(public, scope="profile email")).json()["refresh_token"]
        for scope in ("profile read:loads", "openid"):
            assert error_of(refresh(client, public, token, scope=scope)) == "invalid_scope"
        fewer = refresh(client, public, token, scope="email").json()
        assert fewer["scope"] == "email"
        assert refresh(client, public, fewer["refresh_token"]).json()["scope"] == "profile email"

    def test_it_is_of_one_client(
        self, clerk: LocalClerk, tab: Tab, client: httpx.Client, public: OAuthApplication,
        confidential: OAuthApplication,
    ) -> None:  # fmt: skip
        tokens = exchange(client, public, tab.allow(public)).json()
        assert error_of(refresh(client, confidential, tokens["refresh_token"])) == "invalid_grant"
        assert error_of(refresh(client, public, tokens["access_token"])) == "invalid_grant"
        assert refresh(client, public, tokens["refresh_token"]).status_code == 200

    def test_a_deleted_application(
        self, tab: Tab, client: httpx.Client, backend: httpx.Client, public: OAuthApplication
    ) -> None:
        tokens = exchange(client, public, tab.allow(public)).json()
        assert backend.delete(f"/oauth_applications/{public.id}").json()["deleted"] is True
        assert not is_good(backend, tokens["access_token"])
        assert error_of(refresh(client, public, tokens["refresh_token"]), 401) == "invalid_client"


def test_it_fails_on_demand(clerk: LocalClerk, client: httpx.Client, public: OAuthApplication) -> None:
    clerk.fail("/oauth/token", status=503)
    assert exchange(client, public, "x").status_code == 503
    assert error_of(exchange(client, public, "x")) == "invalid_grant"
    assert clerk.calls("/oauth/token") == 2

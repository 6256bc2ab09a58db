"""Which tokens the verifier takes, and what it says of them."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import httpx
import pytest

from clerk_middleware import AsyncAuthenticator, BackendAPIError, ClerkConfig, ConfigurationError, OAuthAuth
from clerk_middleware.local import LocalClerk
from clerk_middleware_mcp import ClerkAccessToken, ClerkTokenVerifier

from .conftest import RESOURCE

pytestmark = pytest.mark.anyio


class TestJWT:
    async def test_says_whose_token_it_is(self, verifier: Any, jwt_of: Any) -> None:
        expires = int(time.time()) + 100
        text = jwt_of(exp=expires)
        token = await verifier.verify_token(text)
        assert isinstance(token, ClerkAccessToken)
        assert (token.subject, token.client_id) == ("user_rosa", "client_1")
        assert token.scopes == ["profile", "email"]
        assert token.expires_at == expires
        assert token.claims == {"iss": "https://clerk.example.com"}
        assert token.token == text
        assert isinstance(token.auth, OAuthAuth)
        assert (token.auth.user_id, token.auth.id) == ("user_rosa", "oat_1")

    async def test_tells_no_secret(self, verifier: Any, jwt_of: Any) -> None:
        text = jwt_of()
        token = await verifier.verify_token(text)
        assert text not in repr(token) + str(token)
        assert "auth" not in token.model_dump()

    async def test_of_fractions_of_a_second_and_without_an_issuer(self, verifier: Any, jwt_of: Any) -> None:
        expires = int(time.time()) + 100
        token = await verifier.verify_token(jwt_of(exp=expires + 0.5, iss=...))
        assert token.expires_at == expires
        assert token.claims is None

    @pytest.mark.parametrize(
        "changed",
        [
            {"exp": 1_700_000_000},
            {"nbf": 4_000_000_000},
            {"sub": ...},
            {"sub": "mch_1"},  # an M2M token, whatever its typ says
            {"client_id": ...},
            {"client_id": 5},
            {"header": {"typ": "JWT"}},
            {"header": {"typ": "JWT", "cat": "cl_B7d4PD222AAA"}},
            {"header": {"crit": ["x"]}},
        ],
    )
    async def test_that_is_not_good_is_refused(self, verifier: Any, jwt_of: Any, changed: Any) -> None:
        assert await verifier.verify_token(jwt_of(**changed)) is None

    async def test_of_a_stranger_is_refused(self, verifier: Any) -> None:
        now = int(time.time())
        claims = {"sub": "user_rosa", "client_id": "c", "scope": "", "iat": now, "exp": now + 600}
        stranger = LocalClerk()._instance.keys.sign(claims, {"typ": "at+jwt"})
        assert await verifier.verify_token(stranger) is None

    async def test_that_was_changed_is_refused(self, verifier: Any, jwt_of: Any) -> None:
        header, claims, signature = jwt_of().split(".")
        other = jwt_of(sub="user_ada").split(".")[1]
        assert await verifier.verify_token(f"{header}.{other}.{signature}") is None
        assert await verifier.verify_token(f"{header}.{claims}.") is None

    @pytest.mark.parametrize(
        "rest", [" ", " x", "\n", "\r\nx: y", ",", ";", "\t", "\0", ",Bearer x", "\u00e9"]
    )
    async def test_with_something_behind_it_is_refused(self, verifier: Any, jwt_of: Any, rest: str) -> None:
        assert await verifier.verify_token(jwt_of() + rest) is None
        assert await verifier.verify_token(rest + jwt_of()) is None


class TestAudience:
    @pytest.mark.parametrize(
        "audience",
        [
            RESOURCE,
            [RESOURCE],
            ["https://other.example.com", RESOURCE],
            f"{RESOURCE}/",
            "HTTPS://Fleet.Example.com:443/mcp",
        ],
    )
    async def test_of_this_server_is_its_resource(self, verifier: Any, jwt_of: Any, audience: Any) -> None:
        token = await verifier.verify_token(jwt_of(aud=audience))
        assert token.resource == RESOURCE

    async def test_none_is_good_for_any_server(self, verifier: Any, jwt_of: Any) -> None:
        token = await verifier.verify_token(jwt_of())
        assert token.resource is None

    @pytest.mark.parametrize(
        "audience",
        [
            "https://other.example.com/mcp",
            "https://fleet.example.com",
            "https://fleet.example.com/mcp/admin",
            "http://fleet.example.com/mcp",
            "https://fleet.example.com/MCP",
            "https://fleet.example.com/mcp?x",
            "https://fleet.example.com/mcp//",
            ["https://other.example.com/mcp"],
            "fleet",
            "",
            [],
            [None, 5],
            None,
            {"https://fleet.example.com/mcp": True},
        ],
    )
    async def test_of_another_server_is_refused(
        self, verifier: Any, jwt_of: Any, audience: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        text = jwt_of(aud=audience)
        with caplog.at_level(logging.DEBUG, "clerk_middleware"):
            assert await verifier.verify_token(text) is None
        assert "'aud' is not https://fleet.example.com/mcp" in caplog.text
        assert text not in caplog.text

    async def test_of_the_configuration_goes_first(self, config_of: Any, jwt_of: Any) -> None:
        config = config_of(audience="fleet")
        verifier = ClerkTokenVerifier(config, resource_server_url=RESOURCE)
        token = await verifier.verify_token(jwt_of(aud="fleet"))
        assert token is not None
        assert token.resource is None
        assert await verifier.verify_token(jwt_of(aud=RESOURCE)) is None
        assert await verifier.verify_token(jwt_of()) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a b",
        "a\r\nx-admin: 1",
        "a\n",
        "\x00",
        "é",
        "oat_x y",
        "oat_x,oat_y",
        'oat_"',
        "=",
        "a" * 16_385,
        "oat_" + "a" * 1_000_000,
        "a" * 100 + "=" * 9,
    ],
)
async def test_what_is_spelled_as_no_token_is_refused_without_asking(config_of: Any, text: str) -> None:
    def forbidden(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    authenticator = AsyncAuthenticator(config_of(), transport=httpx.MockTransport(forbidden))
    verifier = ClerkTokenVerifier(resource_server_url=RESOURCE, authenticator=authenticator)
    assert await verifier.verify_token(text) is None


async def test_other_types_of_token_are_refused(
    instance: LocalClerk, clerk_server: Any, config_of: Any
) -> None:
    config = config_of(api_url=clerk_server.url, jwt_key=None, accepts_token="any")
    verifier = ClerkTokenVerifier(config, resource_server_url=RESOURCE)
    session = instance.issue_session_token("user_rosa")
    key = instance.create_api_key("user_rosa", scopes=["profile"])
    machine = next(iter(instance.machines))
    opaque = instance.create_m2m_token(machine)
    jwt = instance.create_m2m_token(machine, token_format="jwt")
    for text in (session, key.secret, opaque.token, jwt.token, instance.secret_key):
        assert await verifier.verify_token(text) is None
    await verifier.aclose()


class TestOpaqueToken:
    async def test_says_whose_it_is(self, instance: LocalClerk, online: Any, config_of: Any) -> None:
        verifier = ClerkTokenVerifier(config_of(api_url=online.url), resource_server_url=RESOURCE)
        text = instance.create_oauth_access_token("user_ada", scopes=["email"], token_format="opaque").token
        token = await verifier.verify_token(text)
        assert token is not None
        assert (token.subject, token.scopes, token.auth.user_id) == ("user_ada", ["email"], "user_ada")
        assert (token.resource, token.claims, token.expires_at) == (None, None, None)
        assert text not in repr(token)
        await verifier.aclose()

    async def test_that_is_revoked_is_refused(
        self, instance: LocalClerk, online: Any, config_of: Any
    ) -> None:
        config = config_of(api_url=online.url, opaque_token_ttl_in_ms=0)
        verifier = ClerkTokenVerifier(config, resource_server_url=RESOURCE)
        token = instance.create_oauth_access_token("user_ada", token_format="opaque")
        assert await verifier.verify_token(token.token) is not None
        instance.revoke_oauth_access_token(token.id)
        assert await verifier.verify_token(token.token) is None
        await verifier.aclose()

    async def test_that_nobody_knows_is_refused(self, online: Any, config_of: Any) -> None:
        verifier = ClerkTokenVerifier(config_of(api_url=online.url), resource_server_url=RESOURCE)
        assert await verifier.verify_token("oat_" + "a" * 40) is None
        await verifier.aclose()


class TestOutage:
    async def test_is_no_refusal(self, instance: LocalClerk, online: Any, config_of: Any) -> None:
        verifier = ClerkTokenVerifier(config_of(api_url=online.url), resource_server_url=RESOURCE)
        token = instance.create_oauth_access_token("user_ada", token_format="opaque").token
        instance.fail("/oauth_applications/access_tokens/verify", status=503, times=None)
        with pytest.raises(BackendAPIError, match="http_app") as caught:
            await verifier.verify_token(token)
        assert token not in str(caught.value)
        await verifier.aclose()

    async def test_of_the_key_set_is_none_either(self, jwt_of: Any, config_of: Any) -> None:
        transport = httpx.MockTransport(lambda request: httpx.Response(500))
        authenticator = AsyncAuthenticator(config_of(jwt_key=None), transport=transport)
        verifier = ClerkTokenVerifier(resource_server_url=RESOURCE, authenticator=authenticator)
        with pytest.raises(BackendAPIError, match="ClerkMCPMiddleware"):
            await verifier.verify_token(jwt_of())


class TestOptions:
    async def test_a_configuration_of_the_request(self, config_of: Any, jwt_of: Any) -> None:
        asked: list[str] = []

        def config(request: Any) -> ClerkConfig:
            asked.append(str(request.url))
            result: ClerkConfig = config_of()
            return result

        verifier = ClerkTokenVerifier(config, resource_server_url=RESOURCE)
        assert await verifier.verify_token(jwt_of()) is not None
        assert asked == [RESOURCE]

    async def test_the_environment_is_the_default(
        self, instance: LocalClerk, jwt_of: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLERK_JWT_KEY", instance.jwt_key)
        verifier = ClerkTokenVerifier(resource_server_url=RESOURCE)
        assert await verifier.verify_token(jwt_of()) is not None

    async def test_a_given_authenticator_stays_open(
        self, config_of: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed: list[AsyncAuthenticator] = []

        async def close(authenticator: AsyncAuthenticator) -> None:
            closed.append(authenticator)

        monkeypatch.setattr(AsyncAuthenticator, "aclose", close)
        given = AsyncAuthenticator(config_of())
        await ClerkTokenVerifier(resource_server_url=RESOURCE, authenticator=given).aclose()
        assert closed == []
        own = ClerkTokenVerifier(config_of(), resource_server_url=RESOURCE)
        await own.aclose()
        assert closed == [own.authenticator]

    async def test_a_configuration_and_an_authenticator_exclude_each_other(self, config_of: Any) -> None:
        async with AsyncAuthenticator(config_of()) as authenticator:
            with pytest.raises(ConfigurationError, match="exclude"):
                ClerkTokenVerifier(config_of(), resource_server_url=RESOURCE, authenticator=authenticator)

    @pytest.mark.parametrize(
        "url", ["", "/mcp", "mcp", "ftp://x/mcp", f"{RESOURCE}?a=1", f"{RESOURCE}#a", "https://"]
    )
    async def test_a_resource_that_is_no_url(self, config_of: Any, url: str) -> None:
        with pytest.raises(ConfigurationError, match="resource_server_url must be"):
            ClerkTokenVerifier(config_of(), resource_server_url=url)


def test_an_access_token_is_json_like_the_sdks(jwt_of: Any, verifier: Any) -> None:
    import anyio

    token = anyio.run(verifier.verify_token, jwt_of())
    assert json.loads(token.model_dump_json())["client_id"] == "client_1"

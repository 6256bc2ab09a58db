"""The example and other servers behind uvicorn, and clients that bring a token: the SDK's, and raw ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anyio
import httpx
import pytest
from mcp import MCPError

from clerk_middleware import ClerkConfig
from clerk_middleware.local import LocalClerk
from example_apps.mcp_server import create_app

from .raw import Raw, call, initialize
from .serving import MODES, answer_of, connected, serving

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def url(config: ClerkConfig) -> Iterator[str]:
    with serving(lambda url: create_app(config, url=url)) as url:
        yield url


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
async def test_a_tool_knows_who_calls(url: str, token_of: Any, mode: str, token_format: str) -> None:
    async with connected(url, token_of("user_ada", token_format=token_format), mode=mode) as client:
        who = answer_of(await client.call_tool("whoami"))
        assert (who["user_id"], who["scopes"]) == ("user_ada", ["profile"])


@pytest.mark.parametrize("mode", MODES)
async def test_a_tool_that_needs_a_scope(url: str, token_of: Any, mode: str) -> None:
    async with connected(url, token_of("user_rosa", "profile", "read:loads"), mode=mode) as client:
        assert len(answer_of(await client.call_tool("loads"))["result"]) == 2
    async with connected(url, token_of("user_rosa", "profile"), mode=mode) as client:
        with pytest.raises(MCPError, match="This needs the scope read:loads") as caught:
            await client.call_tool("loads")
        assert caught.value.data == {"error": "insufficient_scope", "scope": "profile read:loads"}
        assert answer_of(await client.call_tool("whoami"))["user_id"] == "user_rosa"  # and all goes on


@pytest.mark.parametrize("mode", MODES)
async def test_two_at_once_are_themselves(url: str, token_of: Any, mode: str) -> None:
    seen: dict[str, set[str]] = {"user_ada": set(), "user_rosa": set()}

    async def ask(user_id: str) -> None:
        async with connected(url, token_of(user_id), mode=mode) as client:
            for _ in range(10):
                seen[user_id].add(answer_of(await client.call_tool("whoami"))["user_id"])

    async with anyio.create_task_group() as group:
        for user_id in seen:
            group.start_soon(ask, user_id)
    assert seen == {"user_ada": {"user_ada"}, "user_rosa": {"user_rosa"}}


@pytest.fixture
def raw(url: str) -> Raw:
    return Raw(url)


def result_of(response: httpx.Response) -> Any:
    """The message in an answer, which is an event stream's or JSON."""
    assert response.status_code == 200
    data = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: {")]
    return json.loads(data[-1] if data else response.text)


class TestSessions:
    def test_another_user_has_no_part_in_one(self, raw: Raw, token_of: Any) -> None:
        raw.begin(token_of("user_rosa"))
        assert raw.post(call("whoami"), token_of("user_ada")).status_code == 404

    def test_each_request_is_its_tokens(self, raw: Raw, instance: LocalClerk, token_of: Any) -> None:
        """A session that began without a scope has it as soon as the token does, and no longer."""
        raw.begin(token_of("user_rosa"))
        more = token_of("user_rosa", "profile", "read:loads")
        assert len(result_of(raw.post(call("loads"), more))["result"]["structuredContent"]["result"]) == 2
        assert raw.post(call("loads"), token_of("user_rosa")).status_code == 403

    def test_a_revoked_token_ends_it(self, raw: Raw, instance: LocalClerk) -> None:
        token = instance.create_oauth_access_token("user_rosa", scopes=["profile"], token_format="opaque")
        raw.begin(token.token)
        assert "user_rosa" in raw.post(call("whoami"), token.token).text
        instance.revoke_oauth_access_token(token.id)
        assert raw.post(call("whoami"), token.token).status_code == 401


class TestRefusals:
    def test_without_a_token(self, raw: Raw) -> None:
        response = raw.post(initialize(), None)
        assert response.status_code == 401
        metadata = httpx.URL(raw.url).copy_with(path="/.well-known/oauth-protected-resource/mcp")
        assert f'resource_metadata="{metadata}"' in response.headers["www-authenticate"]

    def test_with_another_type_of_token(self, raw: Raw, instance: LocalClerk) -> None:
        session = instance.issue_session_token("user_rosa")
        key = instance.create_api_key("user_rosa", scopes=["profile"]).secret
        m2m = instance.create_m2m_token(next(iter(instance.machines))).token
        for token in (session, key, m2m, instance.secret_key, "x", "oat_" + "x" * 32):
            response = raw.post(initialize(), token)
            assert response.status_code == 401
            assert 'error="invalid_token"' in response.headers["www-authenticate"]

    @pytest.mark.parametrize(
        "header", ["Basic eDp5", "Bearer", "Token x", "Bearer a b", "Bearer a, Bearer b"]
    )
    def test_with_another_header(self, raw: Raw, header: str) -> None:
        assert raw.post(initialize(), None, authorization=header).status_code == 401

    def test_without_what_the_whole_server_requires(self, raw: Raw, token_of: Any) -> None:
        response = raw.post(initialize(), token_of("user_rosa", "email"))
        assert response.status_code == 403
        assert 'error="insufficient_scope"' in response.headers["www-authenticate"]

    def test_with_a_token_for_another_server(self, raw: Raw, jwt_of: Any) -> None:
        assert raw.post(initialize(), jwt_of(aud="https://other.example.com/mcp")).status_code == 401
        assert raw.post(initialize(), jwt_of(aud=raw.url)).status_code == 200

    def test_under_another_host_name(self, raw: Raw, token_of: Any) -> None:
        token = token_of()
        assert raw.post(initialize(), token, host="evil.example").status_code == 421
        assert raw.post(initialize(), token, origin="https://evil.example").status_code == 403
        assert raw.post(initialize(), token, origin="http://localhost:6274").status_code == 200

    @pytest.mark.parametrize("protocol", ["2025-11-25", "2026-07-28"])
    def test_of_a_tool_for_its_scope_are_403(self, raw: Raw, token_of: Any, protocol: str) -> None:
        token, message = token_of("user_rosa", "profile", "email"), call("loads")
        if protocol == "2025-11-25":
            raw.begin(token)
            response = raw.post(message, token)
        else:
            meta = "io.modelcontextprotocol"
            message["params"]["_meta"] = {
                f"{meta}/protocolVersion": protocol,
                f"{meta}/clientCapabilities": {},
            }
            routing = {"mcp-protocol-version": protocol, "mcp-method": "tools/call", "mcp-name": "loads"}
            response = raw.post(message, token, **routing)
        assert response.status_code == 403
        challenge = response.headers["www-authenticate"]
        assert challenge.startswith('Bearer error="insufficient_scope", scope="profile email read:loads", ')
        metadata = httpx.URL(raw.url).copy_with(path="/.well-known/oauth-protected-resource/mcp")
        assert challenge.endswith(f'resource_metadata="{metadata}"')


class TestOutage:
    @pytest.fixture(autouse=True)
    def clerk_fails(self, instance: LocalClerk, online: Any) -> None:
        instance.fail("/oauth_applications/access_tokens/verify", status=429, retry_after=17, times=None)

    @pytest.fixture
    def its_url(self, config: ClerkConfig) -> Iterator[str]:
        """A server of its own: it remembers that it was asked to wait."""
        with serving(lambda url: create_app(config, url=url)) as url:
            yield url

    def test_is_503_with_the_time_to_wait(self, its_url: str, token_of: Any) -> None:
        response = Raw(its_url).post(initialize(), token_of(token_format="opaque"))
        assert response.status_code == 503
        assert 0 < int(response.headers["retry-after"]) <= 17
        assert "www-authenticate" not in response.headers

    async def test_is_what_the_sdks_client_says(self, its_url: str, token_of: Any) -> None:
        async with connected(its_url, token_of(token_format="opaque"), mode="2026-07-28") as client:
            with pytest.raises(MCPError, match="Clerk can't be asked"):
                await client.call_tool("whoami")

    def test_leaves_the_metadata_open(self, its_url: str, token_of: Any) -> None:
        metadata = httpx.URL(its_url).copy_with(path="/.well-known/oauth-protected-resource/mcp")
        headers = {"authorization": f"Bearer {token_of(token_format='opaque')}"}
        assert httpx.get(metadata, headers=headers).json()["resource"] == its_url

    def test_concerns_no_jwt_whose_key_is_known(
        self, config: ClerkConfig, instance: LocalClerk, token_of: Any
    ) -> None:
        import dataclasses

        known = dataclasses.replace(config, jwt_key=instance.jwt_key)
        with serving(lambda url: create_app(known, url=url)) as url:
            assert Raw(url).post(initialize(), token_of()).status_code == 200

    def test_is_over_when_clerk_is_back(
        self, config: ClerkConfig, instance: LocalClerk, token_of: Any
    ) -> None:
        instance.recover()
        with serving(lambda url: create_app(config, url=url)) as url:
            assert Raw(url).post(initialize(), token_of(token_format="opaque")).status_code == 200


class TestMetadata:
    def test_names_the_authorization_server_and_the_scopes(self, url: str, clerk_server: Any) -> None:
        metadata = httpx.get(httpx.URL(url).copy_with(path="/.well-known/oauth-protected-resource/mcp"))
        assert metadata.headers["content-type"] == "application/json"
        assert metadata.json() == {
            "resource": url,
            "authorization_servers": [clerk_server.url],
            "scopes_supported": ["profile", "read:loads"],  # those of its tools, too
            "bearer_methods_supported": ["header"],
        }

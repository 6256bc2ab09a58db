"""The whole way of an MCP client: it is refused, finds Clerk, registers, has the user consent, and calls."""

from __future__ import annotations

import time
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from importlib import resources
from typing import Any, NamedTuple

import anyio
import httpx
import httpx2
import jwt
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer
from mcp.shared.auth import OAuthClientInformationFull
from pydantic import AnyUrl

from clerk_middleware import ClerkConfig
from clerk_middleware.local import LocalClerk
from clerk_middleware_mcp import ClerkTokenVerifier, http_app
from example_apps.mcp_server import create_app
from example_apps.mcp_server.server import loads, whoami

from .browsers import CALLBACK, Person
from .serving import answer_of, serving

pytestmark = pytest.mark.anyio

#: The answer to an empty message: it is not understood, but its sender was let in.
LET_IN = 400


class World(NamedTuple):
    clerk: LocalClerk
    clerk_url: str
    config: ClerkConfig
    #: The MCP server's, and another's.
    url: str
    other_url: str


def world_of(token_format: str, stack: ExitStack) -> World:
    fleet = tomllib.loads(resources.files("clerk_middleware.local").joinpath("fleet.toml").read_text("utf-8"))
    fleet["oauth"] = fleet.get("oauth", {}) | {"token_format": token_format, "scopes": ["read:loads"]}
    clerk = LocalClerk(fleet)
    local = stack.enter_context(clerk.serve())
    config = ClerkConfig.from_env(clerk.environment(local.url), opaque_token_ttl_in_ms=0)
    urls = [stack.enter_context(serving(lambda url: create_app(config, url=url))) for _ in range(2)]
    return World(clerk, local.url, config, *urls)


@pytest.fixture(scope="module", params=["jwt", "opaque"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with ExitStack() as stack:
        yield world_of(request.param, stack)


@pytest.fixture
async def person() -> AsyncIterator[Callable[..., Person]]:
    people: list[Person] = []

    def make(user_id: str = "user_rosa", **options: Any) -> Person:
        people.append(Person(user_id, **options))
        return people[-1]

    yield make
    for one in people:
        await one.aclose()


@asynccontextmanager
async def assistant(
    url: str, person: Person, seen: list[str] | None = None, **options: Any
) -> AsyncIterator[Client]:
    """The SDK's client of *person*; *seen* gets each request that it makes, and the answer's status."""

    async def note(response: httpx2.Response) -> None:
        request = response.request
        if seen is not None:
            seen.append(f"{request.method} {request.url.path} {response.status_code}")

    async with (
        httpx2.AsyncClient(auth=person.client(url), event_hooks={"response": [note]}, timeout=20) as http,
        Client(streamable_http_client(url, http_client=http), **options) as client,
    ):
        yield client


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_from_a_refusal_to_a_call(world: World, person: Any, mode: Any) -> None:
    rosa, seen = person("user_rosa"), []
    async with assistant(world.url, rosa, seen, mode=mode) as client:
        who = answer_of(await client.call_tool("whoami"))
        assert len(answer_of(await client.call_tool("loads"))["result"]) == 2
    assert seen[:6] == [
        "POST /mcp 401",
        "GET /.well-known/oauth-protected-resource/mcp 200",
        "GET /.well-known/oauth-authorization-server 200",
        "POST /oauth/register 201",
        "POST /oauth/token 200",
        "POST /mcp 200",
    ]
    assert who["user_id"] == "user_rosa"
    assert who["client_id"] == rosa.memory.client.client_id
    # What the server's tools need, and no more of what Clerk offers.
    assert rosa.asked == [{"profile", "read:loads", "offline_access"}]
    assert set(who["scopes"]) == rosa.asked[0]


class TestStepUp:
    """MCP's step-up authorization, upon the 403 of a tool."""

    @pytest.fixture
    def url(self, world: World) -> Iterator[str]:
        """A server that has clients ask for little at first."""

        def make(url: str) -> Any:
            verifier = ClerkTokenVerifier(world.config, resource_server_url=url)
            mcp = MCPServer("Fleet", token_verifier=verifier, auth=verifier.auth_settings(["profile"]))
            mcp.add_tool(whoami)
            mcp.add_tool(loads)
            return http_app(mcp, verifier, scopes_supported=["profile"])

        with serving(make) as url:
            yield url

    @pytest.fixture
    def rosa(self, world: World, person: Any) -> Person:
        """Her client is one that may ask for more later on: it did not register itself."""
        scopes = ["profile", "offline_access", "read:loads"]
        application = world.clerk.create_oauth_application("Assistant", [CALLBACK], scopes=scopes)
        rosa: Person = person("user_rosa")
        rosa.memory.client = OAuthClientInformationFull(
            client_id=application.client_id,
            redirect_uris=[AnyUrl(CALLBACK)],
            token_endpoint_auth_method="none",
        )
        return rosa

    @pytest.mark.parametrize("mode", ["legacy", "auto"])
    async def test_asks_for_more_once_a_tool_needs_it(self, url: str, rosa: Person, mode: Any) -> None:
        seen: list[str] = []
        async with assistant(url, rosa, seen, mode=mode) as client:
            assert answer_of(await client.call_tool("whoami"))["scopes"] == ["profile", "offline_access"]
            seen.clear()
            assert len(answer_of(await client.call_tool("loads"))["result"]) == 2
            assert [line for line in seen if line.startswith("POST")] == [
                "POST /mcp 403",
                "POST /oauth/token 200",
                "POST /mcp 200",
            ]
        assert rosa.asked == [{"profile", "offline_access"}, {"profile", "offline_access", "read:loads"}]

    async def test_keeps_what_there_is_if_the_user_does_not_consent(self, url: str, rosa: Person) -> None:
        async def be_asked() -> None:
            async with assistant(url, rosa) as client:
                rosa.decision = "deny"
                await client.call_tool("loads")

        with pytest.raises(ExceptionGroup) as caught:
            await be_asked()
        assert "No authorization code received" in str(leaves(caught.value))
        async with assistant(url, rosa) as client:
            assert answer_of(await client.call_tool("whoami"))["user_id"] == "user_rosa"


async def test_who_does_not_consent_has_no_assistant(world: World, person: Any) -> None:
    carmen = person("user_carmen", decision="deny")
    with pytest.raises(Exception) as caught:  # a group of what the SDK's tasks raise
        async with assistant(world.url, carmen):
            pass
    assert "No authorization code received" in str(leaves(caught.value))
    assert carmen.memory.tokens is None


async def test_two_at_once_are_themselves(world: World, person: Any) -> None:
    seen: dict[str, set[str]] = {"user_ada": set(), "user_rosa": set()}

    async def ask(user_id: str) -> None:
        async with assistant(world.url, person(user_id)) as client:
            for _ in range(5):
                seen[user_id].add(answer_of(await client.call_tool("whoami"))["user_id"])

    async with anyio.create_task_group() as group:
        for user_id in seen:
            group.start_soon(ask, user_id)
    assert seen == {"user_ada": {"user_ada"}, "user_rosa": {"user_rosa"}}


async def test_an_expired_token_is_refreshed(world: World, person: Any) -> None:
    rosa, seen = person("user_rosa"), []
    provider = rosa.client(world.url)
    rosa.client = lambda url: provider
    async with assistant(world.url, rosa, seen) as client:
        before = rosa.memory.tokens.access_token
        provider.context.token_expiry_time = time.time() - 1
        seen.clear()
        assert answer_of(await client.call_tool("whoami"))["user_id"] == "user_rosa"
    assert seen[:2] == ["POST /oauth/token 200", "POST /mcp 200"]
    assert rosa.memory.tokens.access_token != before
    assert len(rosa.asked) == 1


async def test_a_revoked_token_is_refused(world: World, person: Any) -> None:
    """An opaque one: nobody is asked about a JWT, which is good until it expires."""
    rosa = person("user_rosa")
    async with assistant(world.url, rosa) as client:
        await client.call_tool("whoami")
    token = rosa.memory.tokens.access_token
    headers = {"authorization": f"Bearer {token}"}
    revocation = {"token": token, "client_id": rosa.memory.client.client_id}
    async with httpx.AsyncClient() as http:
        assert (await http.post(world.url, json={}, headers=headers)).status_code == LET_IN
        assert (await http.post(f"{world.clerk_url}/oauth/revoke", data=revocation)).status_code == 200
        status = (await http.post(world.url, json={}, headers=headers)).status_code
    assert status == (401 if token.startswith("oat_") else LET_IN)


async def test_a_jwt_for_one_server_is_none_for_another(world: World, person: Any) -> None:
    rosa = person("user_rosa")
    async with assistant(world.url, rosa) as client:
        await client.call_tool("whoami")
    token = rosa.memory.tokens.access_token
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {token}"}) as http:
        status = (await http.post(world.other_url, json={})).status_code
    if token.startswith("oat_"):
        assert status == LET_IN  # Clerk does not say for whom it is
    else:
        assert jwt.decode(token, options={"verify_signature": False})["aud"] == world.url
        assert status == 401


def leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for part in error.exceptions for leaf in leaves(part)]
    return [error]

"""The page on MCP servers: its example, called by the SDK's client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from clerk_middleware.local import LocalClerk

from .examples import example

pytest.importorskip("mcp", reason="needs the extra mcp")

from mcp import MCPError

from ..mcp.serving import connected, serving

pytestmark = pytest.mark.anyio

Environment = Callable[..., None]


@pytest.fixture
def url(environment: Environment, tmp_path: Path) -> Iterator[str]:
    server = example("mcp.md", "http_app(mcp, verifier)")
    with serving(
        lambda url: server._replace(text=server.text.replace("http://127.0.0.1:8000/mcp", url)).run(tmp_path)[
            "app"
        ]
    ) as url:
        yield url


async def test_a_tool_knows_who_calls(url: str, instance: LocalClerk) -> None:
    token = instance.create_oauth_access_token("user_rosa", scopes=["profile", "email"]).token
    async with connected(url, token) as client:
        who = await client.call_tool("whoami")
        assert "user_rosa" in str(who.content)
        assert "the address of user_rosa" in str((await client.call_tool("contact")).content)


async def test_a_tool_needs_its_scope_and_every_request_profile(url: str, instance: LocalClerk) -> None:
    token = instance.create_oauth_access_token("user_rosa", scopes=["profile"]).token
    async with connected(url, token) as client:
        with pytest.raises(MCPError, match="This needs the scope email"):
            await client.call_tool("contact")
        assert "user_rosa" in str((await client.call_tool("whoami")).content)
    token = instance.create_oauth_access_token("user_rosa", scopes=["email"]).token
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {token}"}) as http:
        refused = await http.post(url, json={})
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]


async def test_only_oauth_tokens_come_in_and_the_rest_is_told_where_to_get_one(
    url: str, instance: LocalClerk
) -> None:
    others = (
        "ak_local_dispatch_board",
        instance.create_m2m_token("mch_tracking").token,
        instance.issue_session_token("user_rosa"),
    )
    async with httpx.AsyncClient() as http:
        for token in others:
            refused = await http.post(url, headers={"authorization": f"Bearer {token}"}, json={})
            assert refused.status_code == 401
        assert "resource_metadata=" in refused.headers["www-authenticate"]

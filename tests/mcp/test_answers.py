"""Servers that answer otherwise than the example: early, in JSON, without sessions, at another path."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from anyio import to_thread
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

from clerk_middleware import ClerkConfig
from clerk_middleware_mcp import ClerkTokenVerifier, ScopeRequired, get_auth, http_app, require_scope

from .raw import Raw
from .serving import MODES, answer_of, connected, serving

pytestmark = pytest.mark.anyio


class TestOtherServers:
    """What the example does not do: answers that begin before a tool ends, JSON, no sessions, other paths."""

    @pytest.fixture
    def heard(self) -> Event:
        """That the client has got the beginning of an answer."""
        return Event()

    @pytest.fixture
    def make(self, config: ClerkConfig, heard: Event) -> Callable[..., Any]:
        def make(url: str, **options: Any) -> Any:
            verifier = ClerkTokenVerifier(config, resource_server_url=url)
            mcp = MCPServer("Other", token_verifier=verifier, auth=verifier.auth_settings())

            @require_scope("read:loads")
            def inner() -> str:
                return "inner"

            @mcp.tool()
            async def begins(context: Context) -> str:
                await context.report_progress(1, 2)
                await to_thread.run_sync(heard.wait, 10)
                return inner()

            @mcp.tool()
            def makes_do() -> str:
                try:
                    return inner()
                except ScopeRequired as refusal:
                    return f"without {refusal.scope}"

            @mcp.tool()
            def reports() -> str:
                try:
                    return inner()
                except ScopeRequired as refusal:
                    raise ToolError(str(refusal)) from refusal

            @mcp.tool()
            @require_scope("read:loads")
            async def guarded() -> str:
                return get_auth().user_id

            @mcp.resource("fleet://loads")
            @require_scope("read:loads")
            def resource() -> str:
                return get_auth().user_id

            @mcp.prompt()
            @require_scope("read:loads")
            def prompt() -> str:
                return get_auth().user_id

            return http_app(mcp, verifier, **options)

        return make

    @pytest.mark.parametrize("options", [{}, {"json_response": True}, {"stateless_http": True}], ids=str)
    @pytest.mark.parametrize("mode", MODES)
    async def test_however_they_answer(self, make: Any, token_of: Any, mode: str, options: Any) -> None:
        with serving(lambda url: make(url, **options)) as url:
            async with connected(url, token_of("user_carmen", "read:loads"), mode=mode) as client:
                assert answer_of(await client.call_tool("guarded")) == {"result": "user_carmen"}
                resource = await client.read_resource("fleet://loads")
                assert resource.contents[0].text == "user_carmen"  # type: ignore[union-attr]
                prompt = await client.get_prompt("prompt")
                assert prompt.messages[0].content.text == "user_carmen"  # type: ignore[union-attr]
            async with connected(url, token_of("user_carmen", "profile"), mode=mode) as client:
                for refused in (
                    client.call_tool("guarded"),
                    client.read_resource("fleet://loads"),
                    client.get_prompt("prompt"),
                ):
                    with pytest.raises(MCPError, match="This needs the scope read:loads"):
                        await refused

    @pytest.mark.parametrize("options", [{}, {"json_response": True}], ids=str)
    def test_a_refusal_of_any_kind_is_403(self, make: Any, token_of: Any, options: Any) -> None:
        token = token_of("user_carmen", "profile")
        with serving(lambda url: make(url, **options)) as url:
            raw = Raw(url)
            raw.begin(token)
            for method, params in (
                ("tools/call", {"name": "guarded", "arguments": {}}),
                ("resources/read", {"uri": "fleet://loads"}),
                ("prompts/get", {"name": "prompt"}),
            ):
                message = {"jsonrpc": "2.0", "id": 3, "method": method, "params": params}
                response = raw.post(message, token)
                assert response.status_code == 403
                challenge = response.headers["www-authenticate"]
                assert challenge.startswith('Bearer error="insufficient_scope", scope="profile read:loads"')

    @pytest.mark.parametrize("mode", MODES)
    async def test_a_refusal_after_the_answer_began_is_an_mcp_error(
        self, make: Any, heard: Event, token_of: Any, mode: str
    ) -> None:
        async def note(done: float, total: float | None, message: str | None) -> None:
            heard.set()

        with serving(make) as url:
            async with connected(url, token_of("user_carmen", "profile"), mode=mode) as client:
                with pytest.raises(MCPError, match="This needs the scope read:loads") as caught:
                    await client.call_tool("begins", progress_callback=note)
        assert caught.value.data["scope"] == "profile read:loads"
        assert heard.is_set()

    @pytest.mark.parametrize("options", [{}, {"json_response": True}, {"stateless_http": True}], ids=str)
    @pytest.mark.parametrize("mode", MODES)
    async def test_a_tool_that_handles_its_refusal_answers_itself(
        self, make: Any, token_of: Any, mode: str, options: Any
    ) -> None:
        """It has run: a client that steps up would run it again."""
        with serving(lambda url: make(url, **options)) as url:
            async with connected(url, token_of("user_carmen", "profile"), mode=mode) as client:
                result = await client.call_tool("makes_do")
                assert answer_of(result) == {"result": "without profile read:loads"}
                failure = await client.call_tool("reports")
                assert failure.is_error
                assert "This needs the scope read:loads" in str(failure.content)

    async def test_at_another_path(self, make: Any, token_of: Any) -> None:
        with serving(lambda url: make(url.replace("/mcp", "/fleet/tools"))) as url:
            async with connected(
                url.replace("/mcp", "/fleet/tools"), token_of("user_carmen", "read:loads")
            ) as client:
                assert answer_of(await client.call_tool("guarded")) == {"result": "user_carmen"}
        with serving(lambda url: make(url.replace("/mcp", ""))) as url:
            async with connected(url.replace("/mcp", "/"), token_of("user_carmen", "read:loads")) as client:
                assert answer_of(await client.call_tool("guarded")) == {"result": "user_carmen"}

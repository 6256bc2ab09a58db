"""`require_scope`: on functions, and where it stands among other decorators."""

from __future__ import annotations

import functools
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.mcpserver.resources import FileResource

from clerk_middleware import ConfigurationError
from clerk_middleware_mcp import ClerkTokenVerifier, ScopeRequired, http_app, require_scope

from .callers import calling, token_with


@require_scope("read:loads", "read:drivers")
def loads(count: int = 2) -> int:
    """The loads."""
    return count


@require_scope("read:loads")
async def loads_async(count: int = 2) -> int:
    return count


class TestFunctions:
    def test_run_with_the_scopes(self) -> None:
        with calling(token_with("profile", "read:drivers", "read:loads")):
            assert loads(3) == 3
            assert loads(count=4) == 4

    @pytest.mark.anyio
    async def test_of_either_kind(self) -> None:
        with calling(token_with("read:loads")):
            assert await loads_async(count=5) == 5
        with calling(token_with("write:loads")), pytest.raises(ScopeRequired):
            await loads_async()

    def test_keep_their_name_and_signature(self) -> None:
        assert (loads.__name__, loads.__doc__) == ("loads", "The loads.")

    def test_name_what_is_missing(self) -> None:
        with calling(token_with("profile", "read:drivers")), pytest.raises(MCPError) as caught:
            loads()
        error = caught.value
        assert isinstance(error, ScopeRequired)
        assert error.missing == ("read:loads",)
        assert error.message == "This needs the scope read:loads, which the access token does not have."
        assert error.data == {"error": "insufficient_scope", "scope": "profile read:drivers read:loads"}
        assert -32019 <= error.code <= -32003  # what MCP leaves to implementations

    def test_name_all_that_is_missing(self) -> None:
        with (
            calling(token_with()),
            pytest.raises(ScopeRequired, match="scopes read:loads and read:drivers,"),
        ):
            loads()

    @pytest.mark.parametrize(
        "granted", ["read", "read:loads:all", "READ:LOADS", "*", "read:*", "read:loads read:drivers"]
    )
    def test_compare_whole_scopes(self, granted: str) -> None:
        with calling(token_with(granted)), pytest.raises(ScopeRequired):
            loads()

    def test_ask_for_no_scope_that_a_header_cannot_hold(self) -> None:
        with calling(token_with("a b", 'x"y', "\r\n", "ok")), pytest.raises(ScopeRequired) as caught:
            loads()
        assert caught.value.scope == "ok read:loads read:drivers"

    def test_run_for_nobody_unknown(self) -> None:
        with pytest.raises(ConfigurationError, match="nobody is known here"):
            loads()


class TestMistakes:
    @pytest.mark.parametrize("scopes", [(), ("",), ("a b",), (None,), (["read:loads"],)])
    def test_no_scope(self, scopes: Any) -> None:
        with pytest.raises(ConfigurationError, match=r"'read:loads'"):
            require_scope(*scopes)

    @pytest.mark.parametrize("scope", ["org:teams:manage", "authenticated"])
    def test_a_scope_that_only_sessions_have(self, scope: str) -> None:
        """No token could meet it: clients would ask their users for it again and again."""
        with pytest.raises(ConfigurationError, match="no machine's token has the scope"):
            require_scope("read:loads", scope)

    def test_a_list(self) -> None:
        scopes: Any = ["read:loads", "write:loads"]
        with pytest.raises(ConfigurationError, match=r"one by one: @require_scope\('read:loads', "):
            require_scope(scopes)

    def test_forgotten_parentheses(self) -> None:
        with pytest.raises(ConfigurationError, match=r"@require_scope\('read:loads'\)"):

            @require_scope  # type: ignore[arg-type]
            def tool() -> None: ...

    @pytest.mark.parametrize("thing", [functools.partial(print), MCPServer, object(), None])
    def test_what_is_no_function(self, thing: Any) -> None:
        with pytest.raises(ConfigurationError, match="decorates functions"):
            require_scope("read:loads")(thing)


class TestOrder:
    @pytest.fixture
    def server(self, verifier: ClerkTokenVerifier, config_of: Any) -> MCPServer:
        settings = verifier.auth_settings()
        return MCPServer("Fleet", token_verifier=verifier, auth=settings)

    def test_below_is_right(self, server: MCPServer, verifier: ClerkTokenVerifier, tmp_path: Path) -> None:
        @server.tool()
        @require_scope("read:loads")
        def tool() -> None: ...

        @server.prompt()
        @require_scope("read:loads")
        def prompt() -> str:
            return ""

        @server.resource("fleet://loads")
        @require_scope("read:loads")
        def resource() -> str:
            return ""

        @server.resource("fleet://loads/{number}")
        @require_scope("read:loads")
        def template(number: str) -> str:
            return number

        @server.tool()
        def free() -> None: ...

        server.add_resource(FileResource(uri="file:///loads", path=tmp_path / "loads"))
        http_app(server, verifier)

    @pytest.mark.parametrize("kind", ["tool", "prompt", "resource", "template"])
    def test_above_is_wrong(self, server: MCPServer, verifier: ClerkTokenVerifier, kind: str) -> None:
        register: Any = {
            "tool": server.tool(),
            "prompt": server.prompt(),
            "resource": server.resource("fleet://loads"),
            "template": server.resource("fleet://loads/{number}"),
        }[kind]
        if kind == "template":

            @require_scope("read:loads")
            @register
            def delete_all(number: str) -> str:
                return number
        else:

            @require_scope("read:loads")
            @register
            def delete_all() -> str:
                return ""

        with pytest.raises(
            ConfigurationError, match=r"delete_all\(\) is registered without its @require_scope"
        ):
            http_app(server, verifier)

    def test_with_another_decorator_between(self, server: MCPServer, verifier: ClerkTokenVerifier) -> None:
        def logged(function: Any) -> Any:
            @functools.wraps(function)
            def wrapper(*args: Any) -> Any:
                return function(*args)

            return wrapper

        @server.tool()
        @logged
        @require_scope("read:loads")
        @logged
        def fine() -> None: ...

        http_app(server, verifier)

        @require_scope("read:loads")
        @server.tool()
        @logged
        def bad() -> None: ...

        with pytest.raises(ConfigurationError, match="bad"):
            http_app(server, verifier)

    def test_above_other_decorators_too(self, server: MCPServer, verifier: ClerkTokenVerifier) -> None:
        def logged(function: Any) -> Any:
            @functools.wraps(function)
            def wrapper(*args: Any) -> Any:
                return function(*args)

            return wrapper

        @require_scope("read:loads")
        @logged
        @server.tool()
        def bad() -> None: ...

        with pytest.raises(ConfigurationError, match="bad"):
            http_app(server, verifier)

    def test_above_and_below(self, server: MCPServer, verifier: ClerkTokenVerifier) -> None:
        @require_scope("write:loads")
        @server.tool()
        @require_scope("read:loads")
        def half() -> None: ...

        with pytest.raises(ConfigurationError, match="half"):
            http_app(server, verifier)

    def test_two_below_are_both_asked_for(self, server: MCPServer, verifier: ClerkTokenVerifier) -> None:
        @server.tool()
        @require_scope("write:loads")
        @require_scope("read:loads")
        def both() -> int:
            return 1

        http_app(server, verifier)
        with calling(token_with("write:loads")), pytest.raises(ScopeRequired):
            both()
        with calling(token_with("read:loads")), pytest.raises(ScopeRequired):
            both()
        with calling(token_with("read:loads", "write:loads")):
            assert both() == 1

    @pytest.mark.parametrize("name", ["_tool_manager", "_prompt_manager", "_resource_manager"])
    def test_in_an_sdk_that_does_not_tell(
        self, server: MCPServer, verifier: ClerkTokenVerifier, name: str
    ) -> None:
        """Its attributes are private: a later release may have others."""
        delattr(server, name)
        with pytest.raises(ConfigurationError, match=f"mcp {re.escape(version('mcp'))}, which is") as caught:
            http_app(server, verifier)
        assert name in str(caught.value)

    def test_methods_are_functions(self, server: MCPServer, verifier: ClerkTokenVerifier) -> None:
        class Desk:
            @require_scope("read:loads")
            def loads(self) -> int:
                return 1

        server.add_tool(Desk().loads)
        http_app(server, verifier)
        with calling(token_with("read:loads")):
            assert Desk().loads() == 1

"""What `http_app` makes of a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from mcp.server import MCPServer
from starlette.testclient import TestClient

from clerk_middleware import ConfigurationError
from clerk_middleware.asgi import ClerkMiddleware
from clerk_middleware_mcp import ClerkTokenVerifier, http_app, require_scope

from .raw import initialize


class TestApplication:
    """What `http_app` makes of a server."""

    @pytest.fixture
    def metadata(self) -> Callable[..., Any]:
        def of(server: MCPServer, verifier: ClerkTokenVerifier, **options: Any) -> Any:
            app = http_app(server, verifier, **options)
            with TestClient(app, base_url="https://fleet.example.com") as client:
                return client.get("/.well-known/oauth-protected-resource/mcp").json()

        return of

    @pytest.fixture
    def server(self, config_of: Any, verifier: ClerkTokenVerifier) -> MCPServer:
        settings = verifier.auth_settings()
        return MCPServer("Fleet", token_verifier=verifier, auth=settings)

    def test_asks_for_the_least_where_nothing_is_required(
        self, server: MCPServer, verifier: ClerkTokenVerifier, metadata: Any
    ) -> None:
        assert metadata(server, verifier)["scopes_supported"] == ["profile"]

    def test_asks_for_what_it_is_told(
        self, server: MCPServer, verifier: ClerkTokenVerifier, metadata: Any
    ) -> None:
        @server.tool()
        @require_scope("read:loads", "email")
        def tool() -> None: ...

        assert metadata(server, verifier)["scopes_supported"] == ["read:loads", "email"]
        assert metadata(server, verifier, scopes_supported=["email"])["scopes_supported"] == ["email"]
        with pytest.raises(ConfigurationError, match="one word, such as 'read:loads', and not 'a b'"):
            http_app(server, verifier, scopes_supported=["a b"])

    def test_asks_for_each_scope_once(self, verifier: ClerkTokenVerifier, metadata: Any) -> None:
        server = MCPServer("Fleet", token_verifier=verifier, auth=verifier.auth_settings(["profile"]))

        @server.tool()
        @require_scope("profile", "email")
        def tool() -> None: ...

        assert metadata(server, verifier)["scopes_supported"] == ["profile", "email"]

    def test_needs_a_server_that_asks_for_tokens(self, verifier: ClerkTokenVerifier) -> None:
        with pytest.raises(
            ConfigurationError,
            match=r"asks nobody for a token for https://fleet\.example\.com",
        ):
            http_app(MCPServer("Open"), verifier)

    @pytest.mark.parametrize("url", ["https://fleet.example.com/other", None])
    def test_needs_one_with_the_verifiers_url(self, verifier: ClerkTokenVerifier, url: Any) -> None:
        settings = verifier.auth_settings().model_copy(update={"resource_server_url": url})
        server = MCPServer("Fleet", token_verifier=verifier, auth=settings)
        with pytest.raises(ConfigurationError, match=r"auth=verifier\.auth_settings\(\)"):
            http_app(server, verifier)

    @pytest.mark.parametrize(
        ("host", "origin", "status"),
        [
            ("fleet.example.com", "https://fleet.example.com", 200),
            ("127.0.0.1:8000", "http://localhost:6274", 200),
            ("evil.example", "https://fleet.example.com", 421),
            ("fleet.example.com.evil.example", "https://fleet.example.com", 421),
            ("fleet.example.com", "https://evil.example", 403),
            ("fleet.example.com", "http://fleet.example.com", 403),
        ],
    )
    def test_answers_to_its_own_hosts(
        self,
        server: MCPServer,
        verifier: ClerkTokenVerifier,
        jwt_of: Any,
        host: str,
        origin: str,
        status: int,
    ) -> None:
        headers = {
            "authorization": f"Bearer {jwt_of()}",
            "accept": "application/json, text/event-stream",
            "host": host,
            "origin": origin,
        }
        with TestClient(http_app(server, verifier), base_url="https://fleet.example.com") as client:
            assert client.post("/mcp", json=initialize(), headers=headers).status_code == status

    def test_stands_inside_of_the_asgi_middleware(
        self, server: MCPServer, verifier: ClerkTokenVerifier, config_of: Any, jwt_of: Any
    ) -> None:
        """That of `clerk_middleware.asgi`, for browsers of the same application and for older clients."""
        config = config_of(
            oauth_resources=["/mcp"], oauth_scopes=["profile"], authorized_parties=["https://a.example"]
        )
        app = ClerkMiddleware(http_app(server, verifier), config)
        headers = {"accept": "application/json, text/event-stream"}
        with TestClient(app, base_url="https://fleet.example.com") as client:
            metadata = client.get("/.well-known/oauth-protected-resource/mcp").json()
            assert metadata["resource"] == "https://fleet.example.com/mcp"
            refused = client.post("/mcp", json=initialize(), headers=headers)
            assert refused.status_code == 401
            assert "resource_metadata=" in refused.headers["www-authenticate"]
            headers["authorization"] = f"Bearer {jwt_of()}"
            assert client.post("/mcp", json=initialize(), headers=headers).status_code == 200

    def test_takes_the_options_of_the_sdk(self, server: MCPServer, verifier: ClerkTokenVerifier) -> None:
        app = http_app(server, verifier, streamable_http_path="/elsewhere", transport_security=None)
        assert "/elsewhere" in [getattr(route, "path", None) for route in app.routes]

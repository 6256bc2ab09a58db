"""A client of the protocol with sessions that shows the HTTP answers themselves."""

from __future__ import annotations

from typing import Any

import httpx


def initialize(**params: Any) -> dict[str, Any]:
    params = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "raw", "version": "1"},
    }
    return {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    }


class Raw:
    """A client of the protocol with sessions that shows the HTTP answers themselves."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.headers = {"accept": "application/json, text/event-stream"}

    def post(self, message: Any, token: str | None, **headers: str) -> httpx.Response:
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        return httpx.post(self.url, json=message, headers=self.headers | headers, timeout=20)

    def begin(self, token: str) -> None:
        response = self.post(initialize(), token)
        assert response.status_code == 200
        self.headers["mcp-session-id"] = response.headers["mcp-session-id"]
        self.headers["mcp-protocol-version"] = "2025-11-25"
        self.post({"jsonrpc": "2.0", "method": "notifications/initialized"}, token)

"""Fleet for AI assistants: an MCP server whose tools know which driver they work for. See server.py."""

from .server import create_app

__all__ = ["create_app"]

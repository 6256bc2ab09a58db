"""Fleet: a road freight company on the web, to show how Flask and Clerk work together."""

from .app import create_app

__all__ = ["create_app"]

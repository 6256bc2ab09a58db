"""How requests to the Frontend API are told from those to the Backend API: some paths are both's."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.routing import Match, Route
from starlette.types import Scope

__all__ = ["FrontendRoute"]


class FrontendRoute(Route):
    """A route for what a browser asks.

    Clerk has a host for each of its APIs; here both are on one. A server has a bearer key, a browser
    does not, but an origin, cookies or one of the parameters that clerk-js adds to everything. A request
    that has neither goes to the Backend API, which says that the key is missing.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether the request is this route's."""
        return super().matches(scope) if _is_browser(scope) else (Match.NONE, {})


def _is_browser(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    if headers.get("authorization", "").lower().startswith("bearer "):
        return False
    return "origin" in headers or "cookie" in headers or b"_clerk" in scope["query_string"]

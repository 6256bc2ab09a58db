"""What Clerk's Frontend API has and LocalClerk has not."""

from __future__ import annotations

from starlette.responses import Response

from ..errors import APIError
from .frontend import Frontend
from .frontend_request import FrontendRequest

__all__ = ["UnservedAPI"]

#: The rest of what the components of a signed-in user may ask for, were it not off in the environment.
_PATHS = ("/v1/me/{rest:path}", "/v1/organizations/{organization_id}/{rest:path}", "/v1/billing/{rest:path}")


class UnservedAPI:
    """Says so to pages, which could not read the answer for a path that is nothing's."""

    def __init__(self, frontend: Frontend) -> None:
        verbs = ("GET", "POST", "PUT", "PATCH", "DELETE")
        self.routes = [frontend.guard.route(path, **dict.fromkeys(verbs, self.refuse)) for path in _PATHS]

    async def refuse(self, asked: FrontendRequest) -> Response:
        """404, for who is signed in."""
        _ = asked.acting_session
        message = "LocalClerk does not serve this part of Clerk's Frontend API."
        raise APIError(404, "resource_not_found", message)

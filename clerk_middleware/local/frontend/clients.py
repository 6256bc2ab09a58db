"""The client of a browser: ``/v1/dev_browser`` and ``/v1/client``.

https://clerk.com/docs/reference/frontend-api/tag/Client
"""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from ..directory_objects import deleted_object
from ..errors import APIError
from .frontend import Frontend
from .frontend_request import FrontendRequest

__all__ = ["ClientAPI"]


class ClientAPI:
    """How a browser becomes known, and learns who is signed in."""

    def __init__(self, frontend: Frontend) -> None:
        self._instance = frontend.instance
        self._resources = frontend.resources
        self.routes = [
            frontend.guard.route("/v1/dev_browser", POST=self.dev_browser),
            frontend.guard.route(
                "/v1/client", GET=self.client, POST=self.create, PUT=self.create, DELETE=self.destroy
            ),
        ]

    async def dev_browser(self, asked: FrontendRequest) -> Response:
        """``POST /dev_browser``: a new browser's token, which the page sends as ``__clerk_db_jwt``.

        Never that of a browser that is known: whoever may ask here would get hold of its sessions.
        """
        if not self._instance.is_development:
            message = "Only development instances have dev browsers; this is a production one."
            raise APIError(400, "request_invalid_for_environment", message)
        return JSONResponse({"id": self._instance.new_client().token})

    async def client(self, asked: FrontendRequest) -> Response:
        """``GET /client``: none for a browser that is new in production, where it gets one as it signs in."""
        client = asked.client if self._instance.is_development else asked.find_client()
        shown = self._resources.client(asked, client) if client else None
        return JSONResponse({"response": shown, "client": None})

    async def create(self, asked: FrontendRequest) -> Response:
        """``PUT /client``"""
        client = asked.client_or_new()
        return JSONResponse({"response": self._resources.client(asked, client), "client": None})

    async def destroy(self, asked: FrontendRequest) -> Response:
        """``DELETE /client``: sign out of everything. The browser stays known, as one that is signed out."""
        client = asked.client
        self._instance.sign_out(client)
        client.sign_in = client.sign_up = None
        return JSONResponse({"response": deleted_object("client", client.id), "client": None})

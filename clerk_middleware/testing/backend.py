"""A Backend API in this process: what an application that is tested asks of Clerk, without the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

__all__ = ["MemoryBackend"]


class MemoryBackend:
    """Knows the users that a test says there are; sessions can be revoked, and there is nothing else."""

    def __init__(self) -> None:
        #: Users by id, as `user_object` makes them.
        self.users: dict[str, dict[str, Any]] = {}

    def transport(self) -> httpx.MockTransport:
        """For `Authenticator` as well as `AsyncAuthenticator`."""
        import httpx

        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        import httpx

        match request.method, request.url.path.split("/")[2:]:
            case "GET", ["users", user_id] if user_id in self.users:
                return httpx.Response(200, json=self.users[user_id])
            case "POST", ["sessions", session_id, "revoke"]:
                return httpx.Response(200, json={"object": "session", "id": session_id, "status": "revoked"})
        message = "There is no such thing in this test."
        return httpx.Response(404, json={"errors": [{"code": "resource_not_found", "message": message}]})

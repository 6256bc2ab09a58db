"""What applications ask Clerk's Backend API by: a part of the authenticators.

The few calls of the engine's own need no extra. All others are those of Clerk's official client.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any

from .backend import resources
from .backend.connections import TaskConnections, ThreadConnections
from .backend.drivers import AsyncDriver, Driver
from .backend.official import OfficialClients
from .backend.official_http import AsyncOverSync, AsyncSender, SyncOverAsync, SyncSender
from .event_loops import wait_on_event_loop

if TYPE_CHECKING:
    import httpx
    from clerk_backend_api import Clerk

    from .config import ClerkConfig


class ClerkAccess(ABC):
    """What both kinds have, and Auth objects ask of either. An ``a`` before a name is for event loops."""

    #: Whether those wait in a thread for the others, which are good for any thread then.
    is_synchronous: bool
    _official: OfficialClients

    def backend_for(self, config: ClerkConfig) -> Clerk:
        """The official client of *config*'s instance: see `backend`, which is that of the only one.

        Of an `AsyncAuthenticator` the methods whose names end in ``_async`` need asyncio, and the others are
        for worker threads.

        :raises ConfigurationError: if the extra ``backend`` is not installed; without a secret key.
        """
        return self._official.of(config)

    async def abackend_for(self, config: ClerkConfig) -> Clerk:
        """The same on an event loop: importing the client takes a while, so a thread does that."""
        from anyio.to_thread import run_sync

        known = self._official.known(config)
        return known if known is not None else await run_sync(self.backend_for, config)

    @abstractmethod
    def get_session_token(self, config: ClerkConfig, session_id: str, template: str) -> str:
        """A token for a session, made from a JWT template. `Auth.get_token` is the way to it."""

    @abstractmethod
    async def aget_session_token(self, config: ClerkConfig, session_id: str, template: str) -> str:
        """The same for asynchronous code. `Auth.aget_token` is the way to it."""


class BackendAccess(ClerkAccess):
    """Waits in this thread. What has an ``a`` in front of its name waits in another one."""

    is_synchronous = True

    def __init__(self, transport: httpx.BaseTransport | None) -> None:
        self._connections = ThreadConnections(transport)
        self._driver = Driver(self._connections)
        self._sender = SyncSender(self._connections)
        self._official = OfficialClients(self._sender, AsyncOverSync(self._sender))

    def get_session_token(self, config: ClerkConfig, session_id: str, template: str) -> str:
        return self._driver.run(resources.session_token(config, session_id, template))

    async def aget_session_token(self, config: ClerkConfig, session_id: str, template: str) -> str:
        """As in the views of a WSGI application."""
        from anyio.to_thread import run_sync

        return await run_sync(self.get_session_token, config, session_id, template)

    def describe_user(self, config: ClerkConfig, user_id: str) -> dict[str, Any]:
        """A user of *config*'s instance, as the Backend API describes one; needs no extra.

        https://clerk.com/docs/reference/backend-api/tag/users/get/users/%7Buser_id%7D

        :raises BackendAPIError: if there is none, or Clerk does not answer.
        """
        return self._driver.run(resources.user(config, user_id))

    def revoke_session(self, config: ClerkConfig, session_id: str) -> None:
        """End a session at Clerk, so that it gets no further tokens; those that it has expire on their own.

        :raises BackendAPIError: if Clerk does not do it.
        """
        self._driver.run(resources.end_session(config, session_id))

    def close(self) -> None:
        """Close the connections to Clerk."""
        self._connections.close()


class AsyncBackendAccess(ClerkAccess):
    """Never blocks the event loop. What has no ``a`` in front of its name is for worker threads."""

    is_synchronous = False

    def __init__(self, transport: httpx.AsyncBaseTransport | None, in_threads: BackendAccess | None) -> None:
        self._connections = TaskConnections(transport)
        self._driver = AsyncDriver(self._connections)
        self._in_threads = in_threads
        sender = AsyncSender(self._connections)
        elsewhere = in_threads._sender if in_threads is not None else None
        self._official = OfficialClients(SyncOverAsync(sender, elsewhere), sender)

    async def aget_session_token(self, config: ClerkConfig, session_id: str, template: str) -> str:
        return await self._driver.run(resources.session_token(config, session_id, template))

    def get_session_token(self, config: ClerkConfig, session_id: str, template: str) -> str:
        """For a worker thread, as in which frameworks run synchronous endpoints.

        :raises ClerkError: on the event loop itself, which it would block.
        """
        asked = (config, session_id, template)
        in_threads = self._in_threads
        return wait_on_event_loop(
            partial(self.aget_session_token, *asked),
            in_thread=partial(in_threads.get_session_token, *asked) if in_threads is not None else None,
            refused="get_session_token() would block the event loop: use 'await aget_session_token()'",
        )

    async def describe_user(self, config: ClerkConfig, user_id: str) -> dict[str, Any]:
        """A user of *config*'s instance; see `Authenticator.describe_user`."""
        return await self._driver.run(resources.user(config, user_id))

    async def revoke_session(self, config: ClerkConfig, session_id: str) -> None:
        """End a session at Clerk; see `Authenticator.revoke_session`."""
        await self._driver.run(resources.end_session(config, session_id))

    async def aclose(self) -> None:
        """Close the connections to Clerk."""
        await self._connections.aclose()

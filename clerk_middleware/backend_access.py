"""What applications ask Clerk's Backend API by: a part of the authenticators.

The few calls of the engine's own need no extra. All others are those of Clerk's official client.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from .backend import official_calls, resources
from .backend.drivers import AsyncDriver, Driver
from .backend.official import OfficialClients
from .backend.official_http import TaskClient, TaskClientInThread, ThreadClient, ThreadClientOfTask
from .clerk_access import ClerkAccess
from .event_loops import expect_no_event_loop, wait_on_event_loop

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx
    from clerk_backend_api import Clerk
    from clerk_backend_api.models import User

    from .config import ClerkConfig
    from .oauth_access_token import OAuthAccessToken

T = TypeVar("T")


class BackendAccess(ClerkAccess):
    """Waits in this thread. What has an ``a`` in front of its name waits in another one."""

    waits_in_threads = True

    def __init__(self, transport: httpx.BaseTransport | None) -> None:
        self._driver = Driver(transport)
        self._client = ThreadClient(transport)
        self._official = OfficialClients(self._client, TaskClientInThread(self._client))

    def backend_for(self, config: ClerkConfig) -> Clerk:
        """The official client of *config*'s instance: see `backend`, which is that of the only one.

        :raises ConfigurationError: if the extra ``backend`` is not installed; without a secret key.
        """
        return self._official.of(config)

    def get_session_token(self, config: ClerkConfig, session_id: str, template: str) -> str:
        """A token for a session, made from a JWT template. `Auth.get_token` is the way to it."""
        return self._driver.run(resources.session_token(config, session_id, template))

    async def aget_session_token(self, config: ClerkConfig, session_id: str, template: str) -> str:
        """The same for asynchronous code, as in the views of a WSGI application; waits in a thread."""
        return await _in_thread(partial(self.get_session_token, config, session_id, template))

    def get_user(self, config: ClerkConfig, user_id: str) -> User:
        """A user of *config*'s instance. `Auth.get_user` is the way to that of a request.

        :raises BackendAPIError: if there is none, or Clerk does not answer.
        """
        return official_calls.user(self.backend_for(config), user_id)

    async def aget_user(self, config: ClerkConfig, user_id: str) -> User:
        """The same for asynchronous code; waits in a thread."""
        return await _in_thread(partial(self.get_user, config, user_id))

    def get_oauth_access_token(
        self, config: ClerkConfig, user_id: str, provider: str, external_account_id: str | None = None
    ) -> OAuthAccessToken | None:
        """A user's token of another provider. `Auth.get_oauth_access_token` is the way to it."""
        return official_calls.oauth_access_token(
            self.backend_for(config), user_id, provider, external_account_id
        )

    async def aget_oauth_access_token(
        self, config: ClerkConfig, user_id: str, provider: str, external_account_id: str | None = None
    ) -> OAuthAccessToken | None:
        """The same for asynchronous code; waits in a thread."""
        asked = (config, user_id, provider, external_account_id)
        return await _in_thread(partial(self.get_oauth_access_token, *asked))

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
        self._driver.close()
        self._client.close()


class AsyncBackendAccess(ClerkAccess):
    """Never blocks the event loop. What has no ``a`` in front of its name is for worker threads."""

    waits_in_threads = False

    def __init__(self, transport: httpx.AsyncBaseTransport | None, in_threads: BackendAccess | None) -> None:
        self._driver = AsyncDriver(transport)
        self._client = TaskClient(transport)
        self._in_threads = in_threads
        thread_client = in_threads._client if in_threads is not None else None
        self._official = OfficialClients(ThreadClientOfTask(self._client, thread_client), self._client)

    def backend_for(self, config: ClerkConfig) -> Clerk:
        """The official client of *config*'s instance; see `Authenticator.backend_for`.

        Its methods whose names end in ``_async`` need asyncio. The others are for worker threads.
        """
        return self._official.of(config)

    async def aget_session_token(self, config: ClerkConfig, session_id: str, template: str) -> str:
        """A token for a session, made from a JWT template. `Auth.aget_token` is the way to it."""
        return await self._driver.run(resources.session_token(config, session_id, template))

    def get_session_token(self, config: ClerkConfig, session_id: str, template: str) -> str:
        """The same for a worker thread, as in which frameworks run synchronous endpoints.

        :raises ClerkError: on the event loop itself, which it would block.
        """
        asked = (config, session_id, template)
        in_threads = self._in_threads
        return wait_on_event_loop(
            partial(self.aget_session_token, *asked),
            in_thread=partial(in_threads.get_session_token, *asked) if in_threads is not None else None,
            refused=_BLOCKS.format("get_session_token"),
        )

    async def aget_user(self, config: ClerkConfig, user_id: str) -> User:
        """A user of *config*'s instance. `Auth.aget_user` is the way to that of a request."""
        if not _is_asyncio():
            return await _in_thread(partial(self.get_user, config, user_id))
        return await official_calls.auser(await self._opened(config), user_id)

    def get_user(self, config: ClerkConfig, user_id: str) -> User:
        """The same for a worker thread.

        :raises ClerkError: on the event loop itself.
        """
        expect_no_event_loop(_BLOCKS.format("get_user"))
        return official_calls.user(self.backend_for(config), user_id)

    async def aget_oauth_access_token(
        self, config: ClerkConfig, user_id: str, provider: str, external_account_id: str | None = None
    ) -> OAuthAccessToken | None:
        """A user's token of another provider. `Auth.aget_oauth_access_token` is the way to it."""
        asked = (user_id, provider, external_account_id)
        if not _is_asyncio():
            return await _in_thread(partial(self.get_oauth_access_token, config, *asked))
        return await official_calls.aoauth_access_token(await self._opened(config), *asked)

    def get_oauth_access_token(
        self, config: ClerkConfig, user_id: str, provider: str, external_account_id: str | None = None
    ) -> OAuthAccessToken | None:
        """The same for a worker thread.

        :raises ClerkError: on the event loop itself.
        """
        expect_no_event_loop(_BLOCKS.format("get_oauth_access_token"))
        return official_calls.oauth_access_token(
            self.backend_for(config), user_id, provider, external_account_id
        )

    async def _opened(self, config: ClerkConfig) -> Clerk:
        """The official client. Importing it takes a few tenths of a second, so a thread does that."""
        clerk = self._official.known(config)
        return clerk if clerk is not None else await _in_thread(partial(self.backend_for, config))

    async def describe_user(self, config: ClerkConfig, user_id: str) -> dict[str, Any]:
        """A user of *config*'s instance; see `Authenticator.describe_user`."""
        return await self._driver.run(resources.user(config, user_id))

    async def revoke_session(self, config: ClerkConfig, session_id: str) -> None:
        """End a session at Clerk; see `Authenticator.revoke_session`."""
        await self._driver.run(resources.end_session(config, session_id))

    async def aclose(self) -> None:
        """Close the connections to Clerk."""
        await self._driver.aclose()
        await self._client.aclose()


_BLOCKS: Final = "{0}() would block the event loop: use 'await a{0}()'"


def _is_asyncio() -> bool:
    """Whether it is asyncio's event loop: the official client knows no other one."""
    from asyncio import get_running_loop

    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True


async def _in_thread(call: Callable[[], T]) -> T:
    from anyio.to_thread import run_sync

    return await run_sync(call)

"""What an Auth object can ask Clerk, and through what: the authenticator of its request."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from .event_loops import expect_no_event_loop
from .once import Once

if TYPE_CHECKING:
    from clerk_backend_api import Clerk
    from clerk_backend_api.models import User

    from .config import ClerkConfig
    from .oauth_access_token import OAuthAccessToken


class ClerkAccess(Protocol):
    """An authenticator, as Auth objects know it. Methods with an ``a`` in front are for event loops."""

    #: Whether those only wait in a thread for the others, which are good for any thread then.
    waits_in_threads: bool

    def backend_for(self, config: ClerkConfig) -> Clerk: ...

    def get_session_token(self, config: ClerkConfig, session_id: str, template: str) -> str: ...

    async def aget_session_token(self, config: ClerkConfig, session_id: str, template: str) -> str: ...

    def get_user(self, config: ClerkConfig, user_id: str) -> User: ...

    async def aget_user(self, config: ClerkConfig, user_id: str) -> User: ...

    def get_oauth_access_token(
        self, config: ClerkConfig, user_id: str, provider: str, external_account_id: str | None = None
    ) -> OAuthAccessToken | None: ...

    async def aget_oauth_access_token(
        self, config: ClerkConfig, user_id: str, provider: str, external_account_id: str | None = None
    ) -> OAuthAccessToken | None: ...


class RequestAccess:
    """That of one request. Its Auth objects have it in common, and so one description of its user."""

    __slots__ = ("_access", "_config", "_user")

    def __init__(self, access: ClerkAccess, config: ClerkConfig) -> None:
        self._access = access
        self._config = config
        self._user: Once[User] = Once()

    def get_session_token(self, session_id: str, template: str) -> str:
        """A token of a JWT template."""
        self._expect_thread("get_token(template=…)", "aget_token(template=…)")
        return self._access.get_session_token(self._config, session_id, template)

    async def aget_session_token(self, session_id: str, template: str) -> str:
        """The same for asynchronous code, and so on."""
        return await self._access.aget_session_token(self._config, session_id, template)

    def get_user(self, user_id: str) -> User:
        """:param user_id: whom the request is of; always the same one."""
        self._expect_thread("get_user()", "aget_user()")
        return self._user.get(partial(self._access.get_user, self._config, user_id))

    async def aget_user(self, user_id: str) -> User:
        if self._access.waits_in_threads:
            from anyio.to_thread import run_sync

            return await run_sync(self.get_user, user_id)
        return await self._user.aget(partial(self._access.aget_user, self._config, user_id))

    def get_oauth_access_token(
        self, user_id: str, provider: str, external_account_id: str | None
    ) -> OAuthAccessToken | None:
        self._expect_thread("get_oauth_access_token()", "aget_oauth_access_token()")
        return self._access.get_oauth_access_token(self._config, user_id, provider, external_account_id)

    async def aget_oauth_access_token(
        self, user_id: str, provider: str, external_account_id: str | None
    ) -> OAuthAccessToken | None:
        return await self._access.aget_oauth_access_token(
            self._config, user_id, provider, external_account_id
        )

    def _expect_thread(self, blocking: str, awaited: str) -> None:
        """:raises ClerkError: on an event loop that would be held up."""
        if not self._access.waits_in_threads:
            expect_no_event_loop(f"{blocking} would block the event loop: use 'await auth.{awaited}'")

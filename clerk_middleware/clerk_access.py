"""What the Auth objects of a request ask Clerk by."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

from .backend.official_calls import OfficialCall, acall_official, call_official, oauth_access_token, user
from .event_loops import expect_no_event_loop, is_asyncio
from .once import Once

if TYPE_CHECKING:
    from clerk_backend_api.models import User

    from .backend_access import ClerkAccess
    from .config import ClerkConfig
    from .oauth_access_token import OAuthAccessToken

T = TypeVar("T")


class RequestAccess:
    """The authenticator, for one request: its Auth objects have in common one description of its user."""

    __slots__ = ("_access", "_config", "_user")

    def __init__(self, access: ClerkAccess, config: ClerkConfig) -> None:
        self._access = access
        self._config = config
        self._user: Once[User] = Once()

    def get_session_token(self, session_id: str, template: str) -> str:
        """A token of a JWT template."""
        self._expect_thread("get_token(template=…)")
        return self._access.get_session_token(self._config, session_id, template)

    async def aget_session_token(self, session_id: str, template: str) -> str:
        """The same for asynchronous code, and so on."""
        return await self._access.aget_session_token(self._config, session_id, template)

    def get_user(self, user_id: str) -> User:
        """:param user_id: whom the request is of; always the same one."""
        self._expect_thread("get_user()")
        return self._user.get(partial(self._ask, user(user_id)))

    async def aget_user(self, user_id: str) -> User:
        if self._waits_in_thread():
            from anyio.to_thread import run_sync

            return await run_sync(self.get_user, user_id)
        return await self._user.aget(partial(self._aask, user(user_id)))

    def get_oauth_access_token(
        self, user_id: str, provider: str, external_account_id: str | None
    ) -> OAuthAccessToken | None:
        self._expect_thread("get_oauth_access_token()")
        return self._ask(oauth_access_token(user_id, provider, external_account_id))

    async def aget_oauth_access_token(
        self, user_id: str, provider: str, external_account_id: str | None
    ) -> OAuthAccessToken | None:
        if self._waits_in_thread():
            from anyio.to_thread import run_sync

            return await run_sync(self.get_oauth_access_token, user_id, provider, external_account_id)
        return await self._aask(oauth_access_token(user_id, provider, external_account_id))

    def _ask(self, call: OfficialCall[T]) -> T:
        return call_official(self._access.backend_for(self._config), call)

    async def _aask(self, call: OfficialCall[T]) -> T:
        return await acall_official(await self._access.abackend_for(self._config), call)

    def _waits_in_thread(self) -> bool:
        """Whether this event loop can't wait itself: asyncio is all that the official client knows."""
        return self._access.is_synchronous or not is_asyncio()

    def _expect_thread(self, blocking: str) -> None:
        """:raises ClerkError: on an event loop that would be held up."""
        if not self._access.is_synchronous:
            expect_no_event_loop(f"{blocking} would block the event loop: use 'await auth.a{blocking}'")

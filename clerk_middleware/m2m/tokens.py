"""``authenticator.m2m``: making and verifying tokens by hand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import BackendAPIError, TokenVerificationError
from ..machine_auth import M2MAuth
from ..request import ClerkRequest
from .creation import Wanted, create

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..authenticator import AsyncAuthenticator, Authenticator
    from ..backend.calls import Flow
    from ..backend.drivers import AsyncDriver, Driver
    from ..config import ClerkConfig
    from ..state import RequestState
    from .creation import M2MToken, TokenFormat


class M2MTokens:
    """``authenticator.m2m``, of an `Authenticator`."""

    def __init__(self, authenticator: Authenticator, driver: Driver) -> None:
        self._authenticator = authenticator
        self._driver = driver

    def create_token(
        self,
        *,
        seconds_until_expiration: int | None = None,
        claims: Mapping[str, Any] | None = None,
        token_format: TokenFormat = "opaque",
        machine_secret_key: str | None = None,
    ) -> M2MToken:
        """Have Clerk make a token of this machine's, for the machines in its scope.

        :param seconds_until_expiration: `None` for a token that never ends.
        :param claims: what else the token says.
        :param token_format: ``jwt`` is verified without asking Clerk, and can't be revoked.
        :param machine_secret_key: in place of the configuration's.
        :raises ConfigurationError: without a machine's secret key.
        :raises BackendAPIError: if Clerk makes none, or does not answer.
        """
        wanted = Wanted(seconds_until_expiration, claims, token_format, machine_secret_key)
        return self.run(partial(create, wanted))

    def run(self, make: Callable[[ClerkConfig], Flow[M2MToken]]) -> M2MToken:
        """Drive what makes a token."""
        return self._driver.run(make(self._authenticator.only_config("m2m.create_token()")))

    def verify_token(self, token: str) -> M2MAuth:
        """Who sent *token*; requests are authenticated without it.

        :raises TokenVerificationError: with its `reason`.
        :raises BackendAPIError: if Clerk could not be asked: the token may be good.
        """
        self._authenticator.only_config("m2m.verify_token()")
        return _machine_of(
            self._authenticator.authenticate_request(_carrying(token), accepts_token="m2m_token")
        )


class AsyncM2MTokens:
    """``authenticator.m2m``, of an `AsyncAuthenticator`."""

    def __init__(self, authenticator: AsyncAuthenticator, driver: AsyncDriver) -> None:
        self._authenticator = authenticator
        self._driver = driver

    async def create_token(
        self,
        *,
        seconds_until_expiration: int | None = None,
        claims: Mapping[str, Any] | None = None,
        token_format: TokenFormat = "opaque",
        machine_secret_key: str | None = None,
    ) -> M2MToken:
        """Have Clerk make a token of this machine's; see `M2MTokens.create_token`."""
        wanted = Wanted(seconds_until_expiration, claims, token_format, machine_secret_key)
        return await self.run(partial(create, wanted))

    async def run(self, make: Callable[[ClerkConfig], Flow[M2MToken]]) -> M2MToken:
        """Drive what makes a token."""
        return await self._driver.run(make(self._authenticator.only_config("m2m.create_token()")))

    async def verify_token(self, token: str) -> M2MAuth:
        """Who sent *token*; see `M2MTokens.verify_token`."""
        self._authenticator.only_config("m2m.verify_token()")
        request = _carrying(token)
        return _machine_of(await self._authenticator.authenticate_request(request, accepts_token="m2m_token"))


def _carrying(token: str) -> ClerkRequest:
    return ClerkRequest("GET", "http://localhost/", {"authorization": f"Bearer {token}"})


def _machine_of(state: RequestState) -> M2MAuth:
    auth = state.to_auth()
    if state.retry_after is not None:
        raise BackendAPIError(state.message)
    if not isinstance(auth, M2MAuth):
        raise TokenVerificationError(state.reason or "", state.message)
    return auth

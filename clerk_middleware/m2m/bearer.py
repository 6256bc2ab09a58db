"""The token in the requests of an httpx client.

https://www.python-httpx.org/advanced/authentication/
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import httpx

from ..backend.calls import SETTLED
from ..errors import BackendAPIError, ConfigurationError
from ..logging import logger
from .creation import Wanted, call_for, token_of
from .tokens import AsyncM2MTokens, M2MTokens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..authenticator import AsyncAuthenticator, Authenticator
    from ..backend.calls import Flow
    from ..config import ClerkConfig
    from .creation import M2MToken, TokenFormat

#: Seconds before a token ends at which it is replaced, or a tenth of its time where that is less.
_RENEWED_BEFORE: Final = 30.0
#: After a refusal made a new token, another one makes none for so many seconds.
_RENEWAL_INTERVAL: Final = 10.0


class M2MBearer(httpx.Auth):
    """Authenticates the requests of an httpx client as this machine's.

    The token is made when it is first needed, kept, and replaced before it ends. Where a service answers 401,
    it is replaced once, and the request sent again. Give it to clients that call your own services alone:
    whoever is called gets the token.

    :param authenticator: an `Authenticator` for `httpx.Client`, an `AsyncAuthenticator` for
        `httpx.AsyncClient`.
    :param seconds_until_expiration: of each token.
    :param claims: what else the tokens say.
    :param token_format: as for `M2MTokens.create_token`.
    """

    def __init__(
        self,
        authenticator: Authenticator | AsyncAuthenticator,
        *,
        seconds_until_expiration: int = 3600,
        claims: Mapping[str, Any] | None = None,
        token_format: TokenFormat = "opaque",
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._m2m = authenticator.m2m
        self._wanted = Wanted(seconds_until_expiration, claims, token_format)
        self._share = ("M2MBearer", id(self))
        self._renewed_before = min(_RENEWED_BEFORE, seconds_until_expiration / 10)
        self._clock = clock if clock is not None else authenticator.clock
        self._held: M2MToken | None = None
        #: The id of the token that is being replaced, because it was refused.
        self._replacing: str | None = None
        #: When that was begun last, by a clock that is never set back.
        self._replaced_at = -inf

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """For `httpx.Client`."""
        tokens = self._m2m
        if not isinstance(tokens, M2MTokens):
            raise ConfigurationError("httpx.Client waits in its thread: give M2MBearer an Authenticator")
        token = self._usable() or tokens.run(self._made)
        response = yield _authorized(request, token)
        if not _is_refused(response, request):
            return
        other = self._usable(token)
        if other is None and self._may_replace(token):
            with self._replacement(token):
                other = tokens.run(partial(self._made, refused=token))
        if other is not None:
            yield _authorized(request, other)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """For `httpx.AsyncClient`."""
        tokens = self._m2m
        if not isinstance(tokens, AsyncM2MTokens):
            raise ConfigurationError("httpx.AsyncClient never waits: give M2MBearer an AsyncAuthenticator")
        token = self._usable() or await tokens.run(self._made)
        response = yield _authorized(request, token)
        if not _is_refused(response, request):
            return
        other = self._usable(token)
        if other is None and self._may_replace(token):
            with self._replacement(token):
                other = await tokens.run(partial(self._made, refused=token))
        if other is not None:
            yield _authorized(request, other)

    def _usable(self, refused: M2MToken | None = None) -> M2MToken | None:
        """The token that is held, if it is good for a while and not the *refused* one."""
        held = self._held
        if held is None or (refused is not None and held.token == refused.token):
            return None
        if held.expires_at is not None and self._clock() >= held.expires_at - self._renewed_before:
            return None
        return held

    def _made(self, config: ClerkConfig, refused: M2MToken | None = None) -> Flow[M2MToken]:
        """Have a token made, and hold it: one for all requests that need it now."""
        while (usable := self._usable(refused)) is None:
            answer = yield call_for(
                self._wanted, config, share=self._share, is_settled=lambda: self._usable(refused) is not None
            )
            if answer is not SETTLED:
                self._held = token_of(answer)
                return self._held
        return usable

    def _may_replace(self, refused: M2MToken) -> bool:
        """Whether to have a new token made: a service that refuses every one would want one for each call."""
        is_under_way = refused.id == self._replacing  # by a request that was refused at the same time
        return is_under_way or monotonic() - self._replaced_at >= _RENEWAL_INTERVAL

    @contextmanager
    def _replacement(self, refused: M2MToken) -> Iterator[None]:
        """Where no other token can be had, the service's refusal stands."""
        if refused.id != self._replacing:
            self._replacing, self._replaced_at = refused.id, monotonic()
        try:
            yield
        except BackendAPIError as error:
            logger.warning("Clerk: an M2M token was refused, and there is no other: %s", error)
        finally:
            self._replacing = None


def _authorized(request: httpx.Request, token: M2MToken) -> httpx.Request:
    request.headers["authorization"] = f"Bearer {token.token}"
    return request


def _is_refused(response: httpx.Response, request: httpx.Request) -> bool:
    """Whether another token may help, and the request's body is at hand: one that was streamed is gone."""
    return response.status_code == 401 and isinstance(request.stream, httpx.ByteStream)

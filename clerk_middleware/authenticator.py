"""`Authenticator` and `AsyncAuthenticator`: the engine with a network connection."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

from . import reasons
from .auth import TokenSource
from .backend import resources
from .backend.drivers import AsyncDriver, Driver
from .config import ClerkConfig
from .config_source import config_for, expect_source
from .engine import authenticate_request
from .engine.context import Context, Memory
from .engine.session import verify
from .errors import BackendAPIError, ClerkError, ConfigurationError, TokenVerificationError
from .lazy import lazy
from .logging import logger
from .oauth_metadata import metadata_answer
from .request import ClerkRequest
from .sign_out import session_to_end

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    import httpx

    from .answers import Answer
    from .backend.calls import Flow
    from .config_source import ConfigSource
    from .m2m import AsyncM2MTokens, M2MTokens
    from .state import RequestState
    from .tokens.classes import AcceptsToken

_OPERATIONAL_REASONS = frozenset(
    {reasons.JWK_FAILED_TO_LOAD, reasons.JWK_FAILED_TO_RESOLVE, reasons.SECRET_KEY_INVALID}
)


class _Authenticator(TokenSource):
    """What the synchronous and the asynchronous one share: all but who waits."""

    def __init__(
        self, config: ConfigSource | None, clock: Callable[[], float], remembered_tokens: int
    ) -> None:
        self._config = expect_source(ClerkConfig.from_env() if config is None else config)
        #: Unix time in seconds.
        self.clock = clock
        self._memory = Memory(remembered_tokens)

    def config_for(self, request: ClerkRequest) -> ClerkConfig:
        """The configuration that serves *request*."""
        return config_for(self._config, request)

    def _context(self, request: ClerkRequest) -> Context:
        config = self.config_for(request)
        if config.trust_forwarded_headers:
            request = request.seen_through_proxy()
        return Context(config, request, self._memory, self.clock)

    def _settled(self, context: Context, state: RequestState) -> RequestState:
        if state.reason is not None:
            self._log(state)
        state.bind(context, self)
        return state

    def _log(self, state: RequestState) -> None:
        reason = state.reason or ""
        if reason not in _OPERATIONAL_REASONS and state.retry_after is None:
            logger.debug("Clerk: %s (%s) %s", state.status, reason, state.message)
            return
        self._memory.warnings.log(
            f"{state.token_type} {reason}",
            "Clerk: requests are %s (%s): %s.",
            "signed out" if state.retry_after is None else "answered with 503",
            reason,
            state.message,
        )

    def _sign_out(self, state: RequestState) -> Flow[None]:
        session_id = session_to_end(state)
        if session_id is None:
            return
        try:
            if state.config.secret_key is None:
                raise BackendAPIError("that takes a secret key, and CLERK_SECRET_KEY is not set")
            yield from resources.end_session(state.config, session_id)
        except BackendAPIError as error:
            self._memory.warnings.log(
                "revoke",
                "Clerk: session %s was signed out here only, and goes on at Clerk: %s.",
                session_id,
                error,
            )

    def only_config(self, asker: str) -> ClerkConfig:
        """The configuration, for what has no request.

        :param asker: what needs it, for the message.
        :raises ConfigurationError: if there are several.
        """
        if isinstance(self._config, ClerkConfig):
            return self._config
        raise ConfigurationError(
            f"{asker} needs one ClerkConfig, but config is a function of the request: make an "
            "Authenticator of the instance's own",
            option="config",
        )

    def _verify_token(self, token: str) -> Flow[dict[str, Any]]:
        config = self.only_config("verify_token()")
        if not isinstance(token, str):
            raise TokenVerificationError(reasons.TOKEN_INVALID, "the token is no text")
        from copy import deepcopy

        no_request = ClerkRequest("GET", "http://localhost/")
        context = Context(config, no_request, self._memory, self.clock)
        claims = (yield from verify(context, context.tokens.present(token))).jwt.claims
        if "aud" in claims and not config.audiences and not claims.keys() & {"sid", "azp"}:
            raise TokenVerificationError(
                reasons.TOKEN_TYPE_MISMATCH,
                "the token is meant for somebody, as an OAuth client's ID token is: if it is of a JWT "
                "template of yours, name its 'aud' in audience",
            )
        return deepcopy(claims)


A = TypeVar("A", bound=_Authenticator)


def given_or_made(
    kind: Callable[[ConfigSource | None], A], config: ConfigSource | None, given: A | None
) -> A:
    """A middleware's authenticator: the application's own, or one of its *config*.

    :raises ConfigurationError: if it gives both, or the configuration is wrong.
    """
    if given is None:
        return kind(config)
    if config is not None:
        raise ConfigurationError("config and authenticator exclude each other: the authenticator has its own")
    return given


class Authenticator(_Authenticator):
    """Authenticates requests, waiting for the network in this thread; for WSGI and scripts.

    Safe for use by several threads, and after a fork. A context manager: leaving it closes the
    connections.

    :param config: a `ClerkConfig`, or a function of the request that returns one, for an
        application that serves several Clerk instances. Default: `ClerkConfig.from_env()`.
    :param transport: an `httpx.BaseTransport` to reach the Backend API by.
    :param clock: Unix time in seconds.
    :param remembered_tokens: how many verified tokens are remembered, to verify no signature twice.
    """

    def __init__(
        self,
        config: ConfigSource | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        remembered_tokens: int = 4096,
    ) -> None:
        super().__init__(config, clock, remembered_tokens)
        self._driver = Driver(transport)

    def authenticate_request(
        self, request: ClerkRequest, *, accepts_token: AcceptsToken | None = None
    ) -> RequestState:
        """Decide who *request* is.

        :param accepts_token: in place of the configuration's.
        :raises ConfigurationError: if the configuration can't verify such tokens.
        :raises HandshakeError: in development, if a handshake token does not verify.
        """
        context = self._context(request)
        return self._settled(context, self._driver.run(authenticate_request(context, accepts_token)))

    def oauth_metadata(self, request: ClerkRequest) -> Answer | None:
        """The answer to a request for the metadata of ``oauth_resources`` (RFC 9728, RFC 8414).

        `None` to any other request. The middlewares ask it by themselves; a route of your own may, too.
        """
        return self._driver.run(metadata_answer(self._context(request)))

    @lazy
    def m2m(self) -> M2MTokens:
        """M2M tokens, to send to other machines."""
        from .m2m import M2MTokens

        return M2MTokens(self, self._driver)

    def verify_token(self, token: str) -> dict[str, Any]:
        """Verify a session token, or one of a JWT template, and return its claims.

        :raises TokenVerificationError: with its `reason`.
        """
        return self._driver.run(self._verify_token(token))

    def get_session_token(self, config: ClerkConfig, session_id: str, template: str) -> str:
        """A token for a session, made from a JWT template. `Auth.get_token` is the way to it."""
        return self._driver.run(resources.session_token(config, session_id, template))

    async def aget_session_token(self, config: ClerkConfig, session_id: str, template: str) -> str:
        """The same for asynchronous code, as in the views of a WSGI application; waits in a thread."""
        from anyio.to_thread import run_sync

        return await run_sync(self.get_session_token, config, session_id, template)

    def get_user(self, config: ClerkConfig, user_id: str) -> dict[str, Any]:
        """A user of *config*'s instance, as the Backend API describes one.

        https://clerk.com/docs/reference/backend-api/tag/users/get/users/%7Buser_id%7D

        :raises BackendAPIError: if there is none, or Clerk does not answer.
        """
        return self._driver.run(resources.user(config, user_id))

    def revoke_session(self, config: ClerkConfig, session_id: str) -> None:
        """End a session at Clerk, so that it gets no further tokens; those that it has expire on their own.

        :raises BackendAPIError: if Clerk does not do it.
        """
        self._driver.run(resources.end_session(config, session_id))

    def sign_out(self, state: RequestState) -> None:
        """End the session of a request at Clerk; where Clerk does not do it, the log says so.

        Forgetting its cookies is the application's: `cookies_to_forget`.
        """
        self._driver.run(self._sign_out(state))

    def close(self) -> None:
        """Close the connections to Clerk."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncAuthenticator(_Authenticator):
    """Authenticates requests without ever blocking the event loop, of asyncio or trio.

    The parameters are those of `Authenticator`, but *transport* is an `httpx.AsyncBaseTransport`.
    """

    def __init__(
        self,
        config: ConfigSource | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        remembered_tokens: int = 4096,
    ) -> None:
        super().__init__(config, clock, remembered_tokens)
        self._driver = AsyncDriver(transport)

    async def authenticate_request(
        self, request: ClerkRequest, *, accepts_token: AcceptsToken | None = None
    ) -> RequestState:
        """Decide who *request* is; see `Authenticator.authenticate_request`."""
        context = self._context(request)
        return self._settled(context, await self._driver.run(authenticate_request(context, accepts_token)))

    async def oauth_metadata(self, request: ClerkRequest) -> Answer | None:
        """The answer to a request for metadata; see `Authenticator.oauth_metadata`."""
        return await self._driver.run(metadata_answer(self._context(request)))

    @lazy
    def m2m(self) -> AsyncM2MTokens:
        """M2M tokens, to send to other machines."""
        from .m2m import AsyncM2MTokens

        return AsyncM2MTokens(self, self._driver)

    async def verify_token(self, token: str) -> dict[str, Any]:
        """Verify a session token, or one of a JWT template; see `Authenticator.verify_token`."""
        return await self._driver.run(self._verify_token(token))

    async def aget_session_token(self, config: ClerkConfig, session_id: str, template: str) -> str:
        """A token for a session, made from a JWT template. `Auth.aget_token` is the way to it."""
        return await self._driver.run(resources.session_token(config, session_id, template))

    def get_session_token(self, config: ClerkConfig, session_id: str, template: str) -> str:
        """The same for a worker thread, as in which frameworks run synchronous endpoints.

        :raises ClerkError: on the event loop itself, which it would block.
        """
        from anyio.from_thread import run
        from anyio.lowlevel import current_token

        try:
            current_token()
        except RuntimeError:  # there is no event loop in this thread, as it should be
            return run(self.aget_session_token, config, session_id, template)
        raise ClerkError(
            "get_token(template=…) would block the event loop: use 'await auth.aget_token(template=…)'"
        )

    async def get_user(self, config: ClerkConfig, user_id: str) -> dict[str, Any]:
        """A user of *config*'s instance; see `Authenticator.get_user`."""
        return await self._driver.run(resources.user(config, user_id))

    async def revoke_session(self, config: ClerkConfig, session_id: str) -> None:
        """End a session at Clerk; see `Authenticator.revoke_session`."""
        await self._driver.run(resources.end_session(config, session_id))

    async def sign_out(self, state: RequestState) -> None:
        """End the session of a request at Clerk; see `Authenticator.sign_out`."""
        await self._driver.run(self._sign_out(state))

    async def aclose(self) -> None:
        """Close the connections to Clerk."""
        await self._driver.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

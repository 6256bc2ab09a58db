"""`Authenticator` and `AsyncAuthenticator`: the engine with a network connection."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

from . import reasons
from .backend import resources
from .backend_access import AsyncBackendAccess, BackendAccess, ClerkAccess
from .clerk_access import RequestAccess
from .config import ClerkConfig
from .config_source import config_for, expect_source
from .engine import authenticate_request
from .engine.context import Context, Memory
from .engine.session import verify
from .errors import BackendAPIError, ConfigurationError, TokenVerificationError
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
    from clerk_backend_api import Clerk

    from .answers import Answer
    from .backend.calls import Flow
    from .config_source import ConfigSource
    from .m2m import AsyncM2MTokens, M2MTokens
    from .state import RequestState
    from .tokens.classes import AcceptsToken

_OPERATIONAL_REASONS = frozenset(
    {reasons.JWK_FAILED_TO_LOAD, reasons.JWK_FAILED_TO_RESOLVE, reasons.SECRET_KEY_INVALID}
)


class _Authenticator(ClerkAccess):
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
        state.bind(context, RequestAccess(self, context.config))
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

    def only_config(
        self, asker: str, instead: str = "make an Authenticator of the instance's own"
    ) -> ClerkConfig:
        """The configuration, for what has no request.

        :param asker: what needs it, for the message.
        :param instead: what to do where there are several, likewise.
        :raises ConfigurationError: if there are several.
        """
        if isinstance(self._config, ClerkConfig):
            return self._config
        raise ConfigurationError(
            f"{asker} needs one ClerkConfig, but config is a function of the request: {instead}",
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

    @property
    def backend(self) -> Clerk:
        """Clerk's official client of the Backend API, ``clerk_backend_api.Clerk``, with the secret key set.

        Users, organizations, invitations and all else that Clerk's API has. Needs the extra ``backend``. It
        may be kept, and be used in any thread, process and event loop; closing it does nothing, and is not
        needed. A GET is tried twice at most, and `timeout_ms` (10 seconds) bounds all of a call.
        https://github.com/clerk/clerk-sdk-python

        :raises ConfigurationError: if the extra is not installed; without a secret key; and where config is a
            function of the request: `backend_for` has that of an instance.
        """
        return self.backend_for(
            self.only_config("backend", "write backend_for(config), with the one that is meant")
        )


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


class Authenticator(BackendAccess, _Authenticator):
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
        _Authenticator.__init__(self, config, clock, remembered_tokens)
        BackendAccess.__init__(self, transport)

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

    def sign_out(self, state: RequestState) -> None:
        """End the session of a request at Clerk; where Clerk does not do it, the log says so.

        Forgetting its cookies is the application's: `cookies_to_forget`.
        """
        self._driver.run(self._sign_out(state))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncAuthenticator(AsyncBackendAccess, _Authenticator):
    """Authenticates requests without ever blocking the event loop, of asyncio or trio.

    The parameters are those of `Authenticator`, but *transport* is an `httpx.AsyncBaseTransport`.

    :param in_threads: what synchronous code asks Clerk by in threads that anyio does not know of, as Django
        has them; closing it is yours. Without it such code has to run in the threads of anyio or Starlette.
    """

    def __init__(
        self,
        config: ConfigSource | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
        remembered_tokens: int = 4096,
        in_threads: Authenticator | None = None,
    ) -> None:
        _Authenticator.__init__(self, config, clock, remembered_tokens)
        AsyncBackendAccess.__init__(self, transport, in_threads)

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

    async def sign_out(self, state: RequestState) -> None:
        """End the session of a request at Clerk; see `Authenticator.sign_out`."""
        await self._driver.run(self._sign_out(state))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

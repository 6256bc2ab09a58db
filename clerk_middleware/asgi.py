"""The pure ASGI middleware, for any framework: who a request is, in its scope.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .answers import Answer, handshake_failed, redirect_of
from .asgi_scope import STATE, get_auth, get_session, get_state, put_nonce, send_answer
from .authenticator import AsyncAuthenticator, given_or_made
from .errors import ConfigurationError, HandshakeError
from .logging import logger
from .oauth_metadata import METADATA
from .protection import SIGNED_IN, AuthorizationError
from .proxy.asgi import ASGIProxy
from .request import ClerkRequest
from .response_headers import cookies_of, latin_1, with_clerk_headers
from .route_protection import RouteProtection
from .urls import parse_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .asgi_scope import ASGIApp, Message, Receive, Scope, Send
    from .auth import Auth
    from .config_source import ConfigSource
    from .state import RequestState


__all__ = ["ClerkMiddleware", "User", "get_auth", "get_session", "get_state"]


class User:
    """``scope["user"]``, as Starlette and others know it."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    def __bool__(self) -> bool:
        return self.is_authenticated

    @property
    def is_authenticated(self) -> bool:
        return self._auth.is_authenticated

    @property
    def display_name(self) -> str:
        """The user's id; a session token holds no name unless it is customized to."""
        return self.identity

    @property
    def identity(self) -> str:
        """The user's id, empty for nobody."""
        return self._auth.user_id or ""


class ClerkMiddleware:
    """Authenticates each request, answers handshakes, and turns refusals into responses.

    Before that come requests to the Frontend API, where the configuration has ``frontend_api_proxy``.

    The application finds the Auth object in ``scope["auth"]`` and a `User` in ``scope["user"]``.

    :param config: a `ClerkConfig`, or a function of the request that returns one. Default:
        `ClerkConfig.from_env()`.
    :param protected_routes: patterns of paths that need a session; see `RouteMatcher`.
    :param public_routes: in its place, patterns of the only paths that need none.
    :param authenticator: an `AsyncAuthenticator` of your own, in place of *config*; closing it is yours, too.
    :raises ConfigurationError: if the configuration is wrong.
    """

    def __init__(
        self,
        app: ASGIApp,
        config: ConfigSource | None = None,
        *,
        protected_routes: str | Sequence[str] | None = None,
        public_routes: str | Sequence[str] | None = None,
        authenticator: AsyncAuthenticator | None = None,
    ) -> None:
        self.app = app
        self._closes_authenticator = authenticator is None  # whoever made another one closes it
        try:
            self.authenticator = given_or_made(AsyncAuthenticator, config, authenticator)
            self._proxy = ASGIProxy(self.authenticator.config_for)
            self._routes = RouteProtection(
                protected_routes, public_routes, app_root=getattr(app, "root_path", "") or ""
            )
        except ConfigurationError as error:
            logger.error("Clerk: %s", error)  # servers swallow what is raised while they start
            raise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            try:
                await self.app(scope, receive, send)
            finally:
                if scope["type"] == "lifespan":
                    await self.aclose()

    async def aclose(self) -> None:
        """Close the connections to Clerk, as the end of the application's lifespan does.

        For where no lifespan reaches it, as in an application that is mounted in another.
        """
        await self._proxy.aclose()
        if self._closes_authenticator:
            await self.authenticator.aclose()

    def user(self, auth: Auth) -> User:
        """What to put into ``scope["user"]``; an adapter may override it."""
        return User(auth)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = ClerkRequest.from_asgi(scope)
        proxy = self.authenticator.config_for(request).proxy
        if proxy is not None and proxy.covers(scope["path"]):
            await self._proxy.forward(scope, receive, send, request)
            return
        if METADATA in scope["path"]:
            metadata = await self.authenticator.oauth_metadata(request)
            if metadata is not None:
                await send_answer(send, metadata)
                return
        try:
            state = await self.authenticator.authenticate_request(request)
        except HandshakeError as error:
            await send_answer(send, handshake_failed(error))
            return
        redirect = redirect_of(state)
        if redirect is not None:
            await send_answer(send, redirect)
            return
        response = _HTTPResponse(send, state)
        try:
            self._enter(scope, state, state.to_request_auth())
            await self.app(scope, receive, response.send)
        except AuthorizationError as error:
            if response.started:
                raise
            logger.debug("Clerk: refused, %s", error)
            await send_answer(response.send, error.requirement.answer(error, state))

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            state = await self.authenticator.authenticate_request(ClerkRequest.from_asgi(scope))
        except HandshakeError as error:
            await _refuse_socket(scope, send, handshake_failed(error))
            return
        auth = state.to_request_auth()
        if state.is_authenticated and state.token_carrier == "cookie" and not _is_own_origin(state):
            await _refuse_socket(scope, send, _FOREIGN_ORIGIN)
            return
        socket = _Socket(send, state)
        try:
            self._enter(scope, state, auth)
            await self.app(scope, receive, socket.send)
        except AuthorizationError as error:
            if socket.closed:
                raise
            if socket.accepted:
                await send({"type": "websocket.close", "code": 1008})
            else:
                answer = error.requirement.answer(error, state, may_redirect=False)
                await _refuse_socket(scope, send, answer)

    def _enter(self, scope: Scope, state: RequestState, auth: Auth) -> None:
        """Put the identity into the scope; turn away who may not go on.

        :raises NotAuthenticated: if the path needs a session and there is none.
        """
        scope["auth"] = auth
        scope["user"] = self.user(auth)
        scope[STATE] = state
        if state.policy is not None and state.policy.nonce is not None:
            put_nonce(scope, state.policy.nonce)
        if self._routes.cover(scope["path"], scope.get("root_path", "")):
            SIGNED_IN.check(auth)


class _HTTPResponse:
    """Adds what authenticating asks for to the application's response."""

    def __init__(self, send: Send, state: RequestState) -> None:
        self._send = send
        self._state = state
        self.started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = with_clerk_headers(message["status"], message.get("headers", ()), self._state, latin_1)
            message = {**message, "headers": headers}
        await self._send(message)


class _Socket:
    """Passes cookies on when the application accepts, and knows how far the socket is."""

    def __init__(self, send: Send, state: RequestState) -> None:
        self._send = send
        self._cookies = [(b"set-cookie", latin_1(line)) for line in cookies_of(state)]
        self.accepted = self.closed = False

    async def send(self, message: Message) -> None:
        if message["type"] == "websocket.accept":
            self.accepted = True
            if self._cookies:
                message = {**message, "headers": [*message.get("headers", ()), *self._cookies]}
        elif message["type"] in ("websocket.close", "websocket.http.response.start"):
            self.closed = True
        await self._send(message)


def _is_own_origin(state: RequestState) -> bool:
    """Whether a browser opened the socket from this site or an authorized party.

    Cookies go along with a socket from any site, and no same-origin policy stops it (RFC 6455, 10.2).
    """
    origin = state.request.header("origin")
    if origin is None or origin in state.config.parties:
        return True
    url, own = parse_url(origin), state.request.url
    if url is None:
        return False
    # Before a proxy that ends TLS the page's scheme is https where the socket's is not.
    return url.origin == own.origin or (url.scheme == "https" and url.host == own.host)


async def _refuse_socket(scope: Scope, send: Send, answer: Answer) -> None:
    """Refuse with an HTTP response where the server can send one, else with the close code for policy."""
    if "websocket.http.response" in (scope.get("extensions") or {}):
        await send_answer(send, answer, "websocket.http")
    else:
        await send({"type": "websocket.close", "code": 1008})


_FOREIGN_ORIGIN = Answer.json(
    403,
    {
        "clerk_error": {
            "type": "forbidden",
            "reason": "foreign-origin",
            "message": "A page of an origin that authorized_parties does not name opened this WebSocket.",
        }
    },
)

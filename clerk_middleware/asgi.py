"""The pure ASGI middleware, for any framework: who a request is, in its scope.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from .asgi_scope import STATE, send_answer
from .auth import SignedOut
from .authenticator import AsyncAuthenticator
from .errors import AuthorizationError, ConfigurationError, HandshakeError
from .logging import logger
from .protection import Answer, Requirement
from .request import ClerkRequest
from .routes import PATH_CHARACTERS, RouteMatcher
from .urls import parse_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .asgi_scope import ASGIApp, Message, Receive, Scope, Send
    from .auth import Auth
    from .authenticator import ConfigSource
    from .state import RequestState

_VARY = (b"Authorization", b"Cookie")
_SIGNED_IN = Requirement()


class User:
    """``scope["user"]``, as Starlette and others know it."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth

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

    The application finds the Auth object in ``scope["auth"]`` and a `User` in ``scope["user"]``.

    :param config: a `ClerkConfig`, or a function of the request that returns one. Default:
        `ClerkConfig.from_env()`.
    :param protected_routes: patterns of paths that need a session; see `RouteMatcher`.
    :param public_routes: in its place, patterns of the only paths that need none.
    :param authenticator: an `AsyncAuthenticator` of your own, in place of *config*.
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
        if protected_routes is not None and public_routes is not None:
            raise ConfigurationError(
                "protected_routes and public_routes exclude each other: name either the paths that need a "
                "session or the only ones that need none"
            )
        if config is not None and authenticator is not None:
            raise ConfigurationError(
                "config and authenticator exclude each other: the authenticator has its own"
            )
        self.app = app
        try:
            self.authenticator = authenticator if authenticator is not None else AsyncAuthenticator(config)
        except ConfigurationError as error:
            logger.error("Clerk: %s", error)  # servers swallow what is raised while they start
            raise
        self._protected = RouteMatcher(protected_routes) if protected_routes is not None else None
        self._public = RouteMatcher(public_routes) if public_routes is not None else None

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
                    await self.authenticator.aclose()

    def user(self, auth: Auth) -> User:
        """What to put into ``scope["user"]``; an adapter may override it."""
        return User(auth)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            state = await self.authenticator.authenticate_request(ClerkRequest.from_asgi(scope))
        except HandshakeError as error:
            await send_answer(send, _handshake_failed(error))
            return
        if state.location is not None:
            await send_answer(send, Answer(307, state.headers, b""))
            return
        response = _HTTPResponse(send, state)
        try:
            self._enter(scope, state, _auth(state))
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
            await _refuse_socket(scope, send, _handshake_failed(error))
            return
        auth = _auth(state)
        if auth.is_authenticated and state.token_carrier == "cookie" and not _is_own_origin(state):
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
                await _refuse_socket(scope, send, error.requirement.answer(error, None))

    def _enter(self, scope: Scope, state: RequestState, auth: Auth) -> None:
        """Put the identity into the scope; turn away who may not go on.

        :raises NotAuthenticated: if the path needs a session and there is none.
        """
        scope["auth"] = auth
        scope["user"] = self.user(auth)
        scope[STATE] = state
        if self._needs_session(scope):
            _SIGNED_IN.check(auth)

    def _needs_session(self, scope: Scope) -> bool:
        if (self._protected is None and self._public is None) or _is_preflight(scope):
            return False
        if self._public is not None:
            return not all(self._public.match(path) is not None for path in _routed_paths(scope))
        protected = self._protected
        return protected is not None and any(
            protected.match(path) is not None for path in _routed_paths(scope)
        )


class _HTTPResponse:
    """Adds what authenticating asks for to the application's response."""

    def __init__(self, send: Send, state: RequestState) -> None:
        self._send = send
        self._cookies = _cookies(state)
        self.started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = _with_vary(message.get("headers", ()))
            if self._cookies:  # no cache may hand one user's cookies to another
                headers = [pair for pair in headers if pair[0].lower() != b"cache-control"]
                headers += [(b"cache-control", b"no-store"), *self._cookies]
            message = {**message, "headers": headers}
        await self._send(message)


class _Socket:
    """Passes cookies on when the application accepts, and knows how far the socket is."""

    def __init__(self, send: Send, state: RequestState) -> None:
        self._send = send
        self._cookies = _cookies(state)
        self.accepted = self.closed = False

    async def send(self, message: Message) -> None:
        if message["type"] == "websocket.accept":
            self.accepted = True
            if self._cookies:
                message = {**message, "headers": [*message.get("headers", ()), *self._cookies]}
        elif message["type"] in ("websocket.close", "websocket.http.response.start"):
            self.closed = True
        await self._send(message)


def _auth(state: RequestState) -> Auth:
    """The Auth object, with scopes for Starlette's ``@requires`` to look into."""
    auth = state.to_auth()
    return auth if auth.scopes is not None else SignedOut(reason=state.reason)


def _cookies(state: RequestState) -> list[tuple[bytes, bytes]]:
    """The cookies that authenticating sets. Its other headers belong to a redirect only."""
    if state.status == "handshake":  # of a socket, which is not redirected: there is none to count
        return []
    return [(b"set-cookie", value.encode("latin-1")) for name, value in state.headers if name == "set-cookie"]


def _with_vary(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Tell caches that the answer depends on who asks."""
    kept, varied = [], []
    for name, value in headers:
        if name.lower() == b"vary":
            varied += [item.strip() for item in value.split(b",") if item.strip()]
        else:
            kept.append((name, value))
    present = {item.lower() for item in varied}
    if b"*" not in present:
        varied += [item for item in _VARY if item.lower() not in present]
    return [*kept, (b"vary", b", ".join(varied))]


def _is_preflight(scope: Scope) -> bool:
    """Browsers send a CORS preflight without credentials; it does nothing but ask."""
    return scope.get("method") == "OPTIONS" and any(
        name == b"access-control-request-method" for name, _ in scope["headers"]
    )


def _routed_paths(scope: Scope) -> tuple[str, ...]:
    """The path that the application's router sees, encoded in one way only.

    Matched against the path as it was sent, ``/%61dmin`` would slip past a pattern for ``/admin``. A line
    feed at the end is read in two ways, and the stricter one counts: Starlette's routes end in ``$``,
    which matches before it.
    """
    path, root = scope["path"], scope.get("root_path", "")
    if root and (path == root or path.startswith(f"{root}/")):
        path = path[len(root) :]
    readings = (path, path[:-1]) if path.endswith("\n") else (path,)
    return tuple(quote(reading or "/", safe=PATH_CHARACTERS) for reading in readings)


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


def _handshake_failed(error: HandshakeError) -> Answer:
    content = {"type": "handshake-failed", "reason": error.reason, "message": f"{error}."}
    return Answer.json(400, {"clerk_error": content})


async def _refuse_socket(scope: Scope, send: Send, answer: Answer) -> None:
    """Refuse with an HTTP response where the server can send one, else with the close code for policy."""
    if "websocket.http.response" in (scope.get("extensions") or {}):
        await send_answer(send, answer if answer.status >= 400 else _NOT_ALLOWED, "websocket.http")
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
_NOT_ALLOWED = Answer.json(403, {"clerk_error": {"type": "forbidden", "reason": "not-authorized"}})

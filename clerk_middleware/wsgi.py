"""The pure WSGI middleware, for any framework: who a request is, in its environment.

https://peps.python.org/pep-3333/
"""

from __future__ import annotations

from collections.abc import Iterator
from types import GeneratorType
from typing import TYPE_CHECKING

from .answers import handshake_failed, redirect_of
from .authenticator import Authenticator, given_or_made
from .errors import HandshakeError
from .logging import logger
from .oauth_metadata import METADATA
from .protection import SIGNED_IN, AuthorizationError
from .proxy.wsgi import WSGIProxy
from .request import ClerkRequest
from .response_headers import with_clerk_headers
from .route_protection import RouteProtection
from .wsgi_environ import AUTH, CSP_NONCE, STATE, get_auth, get_session, get_state, paths_of, send_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType
    from typing import Self
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from .config_source import ConfigSource
    from .state import Headers, RequestState

    ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]

__all__ = ["ClerkMiddleware", "get_auth", "get_session", "get_state"]


class ClerkMiddleware:
    """Authenticates each request, answers handshakes, and turns refusals into responses.

    Before that come requests to the Frontend API, where the configuration has ``frontend_api_proxy``.

    The application finds the Auth object in ``environ["clerk.auth"]``, and may raise an
    `AuthorizationError` until the first chunk of its body.

    :param config: a `ClerkConfig`, or a function of the request that returns one. Default:
        `ClerkConfig.from_env()`.
    :param protected_routes: patterns of paths that need a session; see `RouteMatcher`.
    :param public_routes: in its place, patterns of the only paths that need none.
    :param authenticator: an `Authenticator` of your own, in place of *config*.
    :raises ConfigurationError: if the configuration is wrong.
    """

    def __init__(
        self,
        app: WSGIApplication,
        config: ConfigSource | None = None,
        *,
        protected_routes: str | Sequence[str] | None = None,
        public_routes: str | Sequence[str] | None = None,
        authenticator: Authenticator | None = None,
    ) -> None:
        self.app = app
        self._closes_authenticator = authenticator is None  # whoever made another one closes it
        self.authenticator = given_or_made(Authenticator, config, authenticator)
        self._proxy = WSGIProxy(self.authenticator.config_for)
        self._routes = RouteProtection(protected_routes, public_routes)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # Of a copy, because the state will be in the environment: each would wait for a collection.
        request = ClerkRequest.from_wsgi(environ.copy())
        proxy = self.authenticator.config_for(request).proxy
        if proxy is not None and proxy.covers(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")):
            return self._proxy.forward(environ, start_response, request)
        if METADATA in environ.get("PATH_INFO", ""):
            metadata = self.authenticator.oauth_metadata(request)
            if metadata is not None:
                return send_answer(environ, start_response, metadata)
        try:
            state = self.authenticator.authenticate_request(request)
        except HandshakeError as error:
            return send_answer(environ, start_response, handshake_failed(error))
        redirect = redirect_of(state)
        if redirect is not None:
            return send_answer(environ, start_response, redirect)
        response = _Response(environ, start_response, state)
        try:
            self._enter(environ, state)
            body = self.app(environ, response.start)
        except AuthorizationError as error:
            return response.refuse(error)
        if not response.is_started or _is_lazy(body, environ):
            return _Body(body, response)
        try:
            response.release()
        except BaseException:
            _close(body)
            raise
        return body

    def close(self) -> None:
        """Close the connections to Clerk; a later request opens new ones."""
        self._proxy.close()
        if self._closes_authenticator:
            self.authenticator.close()

    def _enter(self, environ: WSGIEnvironment, state: RequestState) -> None:
        """Put the identity into the environment; turn away who may not go on.

        :raises NotAuthenticated: if the path needs a session and there is none.
        """
        environ[AUTH] = auth = state.to_request_auth()
        environ[STATE] = state
        if state.policy is not None and state.policy.nonce is not None:
            environ[CSP_NONCE] = environ["HTTP_X_NONCE"] = state.policy.nonce
        if any(self._routes.cover(path, root) for path, root in paths_of(environ)):
            SIGNED_IN.check(auth)


class _Response:
    """Adds what authenticating asks for to the application's response, or takes its place.

    What the application starts is held back until something goes out: servers let a response that has been
    started be replaced, but not all do it well.
    """

    def __init__(self, environ: WSGIEnvironment, start_response: StartResponse, state: RequestState) -> None:
        self._environ = environ
        self._start_response = start_response
        self._state = state
        self._held: tuple[str, Headers] | None = None
        self._write: Callable[[bytes], object] | None = None
        self._is_out = False

    @property
    def is_started(self) -> bool:
        return self._held is not None or self._is_out

    def start(
        self, status: str, headers: Headers, exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], object]:
        """``start_response``, for the application."""
        if self._is_out:
            return self._start_response(
                status, with_clerk_headers(int(status[:3]), headers, self._state, str), exc_info
            )
        if self._held is not None and exc_info is None:
            raise AssertionError("start_response was called a second time, and without exc_info")
        self._held = status, with_clerk_headers(int(status[:3]), headers, self._state, str)
        return self._write_first

    def release(self) -> None:
        """Start what is held back, before something goes out."""
        if self._held is not None:
            held, self._held, self._is_out = self._held, None, True
            self._write = self._start_response(*held)

    def refuse(self, error: AuthorizationError) -> list[bytes]:
        """:raises AuthorizationError: *error* itself, if a part of the application's response went out."""
        if self._is_out:
            raise error
        logger.debug("Clerk: refused, %s", error)
        self._held = None
        answer = error.requirement.answer(error, self._state)
        body = send_answer(self._environ, self.start, answer)
        self.release()
        return body

    def _write_first(self, chunk: bytes) -> None:
        self.release()
        if self._write is not None:
            self._write(chunk)


class _Body:
    """A body that may still be refused: it is made while the server takes it, from its first chunk on."""

    def __init__(self, body: Iterable[bytes], response: _Response) -> None:
        self._body = body
        self._chunks: Iterator[bytes] | None = None
        self._response = response

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        try:
            if self._chunks is None:
                self._chunks = iter(self._body)
            chunk = next(self._chunks)
        except AuthorizationError as error:
            self._chunks = iter(self._response.refuse(error))
            return next(self._chunks)
        except StopIteration:
            self._response.release()
            raise
        self._response.release()
        return chunk

    def close(self) -> None:
        _close(self._body)


def _is_lazy(body: Iterable[bytes], environ: WSGIEnvironment) -> bool:
    """Whether a body is yet to be made, and is no file that the server knows a faster way to send."""
    file_wrapper = environ.get("wsgi.file_wrapper")
    if file_wrapper is not None and not isinstance(file_wrapper, type):
        return isinstance(body, GeneratorType)  # all else might be what that function returned
    return isinstance(body, Iterator) and not (file_wrapper and isinstance(body, file_wrapper))


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()

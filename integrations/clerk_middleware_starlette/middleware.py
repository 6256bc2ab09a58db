"""The middleware: the pure ASGI one, with Starlette's kind of user; and a request's Auth object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.authentication import BaseUser

from clerk_middleware import asgi

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from clerk_middleware import Auth, SessionAuth


class ClerkUser(asgi.User, BaseUser):
    """``request.user``."""


class ClerkMiddleware(asgi.ClerkMiddleware):
    """Authenticates each request: ``request.auth`` is its Auth object, ``request.user`` its user.

    With `CORSMiddleware`: call ``add_middleware`` for this one first, so that the other runs outside of
    it and its headers are on every answer.
    The parameters are those of `clerk_middleware.asgi.ClerkMiddleware`.
    """

    def user(self, auth: Auth) -> ClerkUser:
        return ClerkUser(auth)


def get_auth(connection: HTTPConnection) -> Auth:
    """``request.auth`` of a request or a WebSocket, typed.

    :raises ConfigurationError: if no `ClerkMiddleware` saw it.
    """
    return asgi.get_auth(connection.scope)


def get_session(connection: HTTPConnection) -> SessionAuth:
    """The same for an endpoint that needs somebody to be signed in, so that `user_id` is a `str`.

    :raises NotAuthenticated: if nobody is.
    """
    return asgi.get_session(connection.scope)

"""`current_auth`: who a request is from."""

# FastAPI reads the annotations of dependencies at run time: they must not be strings.
from typing import Annotated

from fastapi import Depends, Security
from fastapi.requests import HTTPConnection
from fastapi.security import SecurityScopes

from clerk_middleware import Auth
from clerk_middleware.asgi_scope import get_auth
from clerk_middleware.protection import Requirement

from .security_schemes import SESSION_COOKIE, SESSION_TOKEN
from .security_scopes import check

_ANYBODY = Requirement(accepts_token="any")


async def _expect_scopes(connection: HTTPConnection, security: SecurityScopes) -> None:
    """Check ``Security(current_auth, scopes=[...])``.

    By itself, so that FastAPI does so also where it knows the Auth object by another dependency.
    """
    if security.scopes:
        check(connection.scope, _ANYBODY, get_auth(connection.scope), security.scopes)


async def current_auth(
    connection: HTTPConnection,
    _expected: Annotated[None, Depends(_expect_scopes)],
    _token: Annotated[None, Security(SESSION_TOKEN)],
    _cookie: Annotated[None, Security(SESSION_COOKIE)],
) -> Auth:
    """The request's Auth object, of who is signed out, too. Override it in tests.

    With ``Security(current_auth, scopes=[...])`` it must have these. Those of a session are its permissions
    in the active organization.

    :raises ConfigurationError: if no `ClerkMiddleware` saw the request.
    """
    return get_auth(connection.scope)


CurrentAuth = Annotated[Auth, Depends(current_auth)]


class _Undocumented:
    """`current_auth` for requirements, which have schemes of their own in OpenAPI, and check the scopes.

    To FastAPI it is equal to `current_auth`: who overrides one overrides both.
    """

    async def __call__(self, connection: HTTPConnection) -> Auth:
        return get_auth(connection.scope)

    def __eq__(self, other: object) -> bool:
        return other is self or other is current_auth

    def __hash__(self) -> int:
        return hash(current_auth)


#: What requirements take the Auth object from.
asked_auth = _Undocumented()

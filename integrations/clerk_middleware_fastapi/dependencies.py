"""Dependencies that return the Auth object, and show their security scheme in OpenAPI."""

# FastAPI reads the annotations of callable objects at run time: they must not be strings.
from collections.abc import Callable, Mapping
from typing import Annotated, NoReturn, Unpack

from fastapi import Depends, Security
from fastapi.openapi.models import APIKey, APIKeyIn, HTTPBearer
from fastapi.requests import HTTPConnection
from fastapi.security.base import SecurityBase

from clerk_middleware import Auth, ConfigurationError, SessionAuth
from clerk_middleware.asgi_scope import get_auth, require
from clerk_middleware.authorization import Preset, Reverification
from clerk_middleware.protection import Protection, ProtectionOptions, Requirement


class _SessionTokenInHeader(SecurityBase):
    """Only documents: the middleware has read the token before."""

    def __init__(self) -> None:
        self.model = HTTPBearer(bearerFormat="JWT", description="A Clerk session token.")
        self.scheme_name = "ClerkSessionToken"

    async def __call__(self) -> None:
        return None


class _SessionCookie(SecurityBase):
    """Only documents: the middleware has read the cookie before."""

    def __init__(self) -> None:
        # The field is called "in", which is a keyword of Python's.
        self.model = APIKey.model_validate(
            {"in": APIKeyIn.cookie, "name": "__session", "description": "Clerk's session cookie."}
        )
        self.scheme_name = "ClerkSessionCookie"

    async def __call__(self) -> None:
        return None


async def current_auth(
    connection: HTTPConnection,
    _token: Annotated[None, Security(_SessionTokenInHeader())],
    _cookie: Annotated[None, Security(_SessionCookie())],
) -> Auth:
    """The request's Auth object, of who is signed out, too. Override it in tests.

    :raises ConfigurationError: if no `ClerkMiddleware` saw the request.
    """
    return get_auth(connection.scope)


CurrentAuth = Annotated[Auth, Depends(current_auth)]


class _Written:
    """Refuses to be a parameter of a request.

    ``Depends(require_role)``, its call forgotten, would have FastAPI take *role* from the query string,
    and nothing would be required.
    """

    def __init__(self, example: str) -> None:
        self._example = example

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> NoReturn:
        raise ConfigurationError(f"call it: write Depends({self._example}), with what is required")


class Required:
    """A dependency that returns the session, or refuses."""

    def __init__(self, requirement: Requirement) -> None:
        self.requirement = requirement

    def __deepcopy__(self, memo: object) -> NoReturn:
        # FastAPI copies the defaults of plain parameters, and would require nothing.
        raise ConfigurationError(
            "a requirement alone is a parameter's default, and protects nothing: wrap it in Depends(...)"
        )

    async def __call__(self, connection: HTTPConnection, auth: CurrentAuth) -> SessionAuth:
        return require(connection.scope, self.requirement, auth)


#: Requires somebody to be signed in: ``Depends(require_auth)``, without parentheses.
require_auth = Required(Requirement())


def require_permission(
    permission: Annotated[str, _Written("require_permission('org:teams:manage')")],
) -> Required:
    """Require a permission in the active organization, such as ``org:teams:manage``."""
    return Required(Requirement(permission=permission))


def require_role(role: Annotated[str, _Written("require_role('org:admin')")]) -> Required:
    """Require a role in the active organization, such as ``org:admin``."""
    return Required(Requirement(role=role))


def require_feature(feature: Annotated[str, _Written("require_feature('export')")]) -> Required:
    """Require a feature of the user's or the organization's plan, such as ``export``."""
    return Required(Requirement(feature=feature))


def require_plan(plan: Annotated[str, _Written("require_plan('pro')")]) -> Required:
    """Require a plan of the user or the organization, such as ``pro``."""
    return Required(Requirement(plan=plan))


def require_reverification(
    level: Annotated[
        Preset | Reverification | Mapping[str, object], _Written("require_reverification('strict')")
    ] = "strict",
) -> Required:
    """Require the user's credentials to have been verified lately: a preset's name, or level and age."""
    return Required(Requirement(reverification=level))


def protect(
    condition: Annotated[
        Callable[[SessionAuth], bool] | None, _Written("protect(permission='org:teams:manage')")
    ] = None,
    **options: Unpack[ProtectionOptions],
) -> Required:
    """Require all that is given, and answer as Clerk's ``auth.protect()``: 404 rather than 403.

    :param condition: a function of the Auth object that must return true.
    """
    return Required(Protection(condition, **options))

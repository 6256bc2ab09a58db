"""What ``Depends(require_role("org:admin"))`` is: a dependency that returns the Auth object, or refuses."""

# FastAPI reads the annotations of callable objects at run time: they must not be strings.
from collections.abc import Coroutine, Mapping
from inspect import Parameter, Signature
from typing import Any, Generic, Literal, NoReturn, TypeVar, overload

from fastapi import Depends, Security, params
from fastapi.requests import HTTPConnection
from fastapi.security import SecurityScopes

from clerk_middleware import (
    APIKeyAuth,
    Auth,
    ConfigurationError,
    M2MAuth,
    MachineAuth,
    OAuthAuth,
    SessionAuth,
)
from clerk_middleware.authorization import Asked
from clerk_middleware.protection import Requirement
from clerk_middleware.tokens.classes import AcceptsToken, TokenType, types_of

from .current import asked_auth
from .security_schemes import Scheme, schemes_of
from .security_scopes import check

A = TypeVar("A", bound=Auth, covariant=True)


_ALONE = (
    "wrap it in Depends(...), as in Annotated[SessionAuth, Depends(require_auth)] for a parameter, or "
    "dependencies=[Depends(require_auth)] for a route or a router"
)


class _Alone:
    """What a requirement alone depends on: FastAPI looks at its signature where the route is written."""

    def __call__(self) -> NoReturn:
        raise ConfigurationError(f"a requirement alone protects nothing: {_ALONE}")

    __signature__ = property(__call__)


class Required(params.Depends, Generic[A]):
    """A dependency that returns the Auth object, or refuses.

    To FastAPI it is a ``Depends``, too, which `_Alone` has fail: so it can't be ignored where the real one
    was forgotten, as in ``Annotated[Request, require_role("org:admin")]``.
    """

    def __init__(self, requirement: Requirement, schemes: Mapping[TokenType, Scheme] | None = None) -> None:
        """:param schemes: how to sign in with a type of token, where OpenAPI is to say more of it."""
        super().__init__(_Alone())
        self.requirement = requirement
        types = types_of(requirement.accepts_token)
        self._only_sessions = types == ("session_token",)
        self.__signature__ = _signature(schemes_of(types, schemes or {}))
        # FastAPI looks here whether it is to be awaited, and calls it the other way.
        self.__dict__["__call__"] = self._check

    # Of several that are equal FastAPI calls one.
    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __call__(
        self,
        connection: HTTPConnection,
        auth: Auth | None = None,
        security: SecurityScopes | None = None,
        **_: None,
    ) -> Coroutine[Any, Any, A]:
        if auth is None:
            raise ConfigurationError(f"a requirement is no decorator in FastAPI: {_ALONE}")
        return self._check(connection, auth, security)

    async def _check(
        self, connection: HTTPConnection, auth: Auth, security: SecurityScopes | None = None, **_: None
    ) -> A:
        scopes = security.scopes if security is not None else []
        excused = not self._only_sessions
        found: Any = check(connection.scope, self.requirement, auth, scopes, excuse_sessions=excused)
        return found  # type: ignore[no-any-return]  # the type is of those that the requirement accepts


def _signature(schemes: list[Scheme]) -> Signature:
    """What FastAPI sees of a requirement: where its Auth object comes from, and what OpenAPI says of it."""
    kind = Parameter.KEYWORD_ONLY
    # No Annotated here: it caches by what is equal, and the source is equal to current_auth.
    parameters = [
        Parameter("connection", kind, annotation=HTTPConnection),
        Parameter("auth", kind, annotation=Auth, default=Depends(asked_auth)),
        Parameter("security", kind, annotation=SecurityScopes),
    ]
    parameters += [Parameter(f"_{each.scheme_name}", kind, default=Security(each)) for each in schemes]
    return Signature(parameters)


class RequireAuth(Required[SessionAuth]):
    """Requires somebody to be signed in: ``Depends(require_auth)``, without parentheses.

    Or with the types of token that are accepted: ``Depends(require_auth(accepts_token="api_key"))``.
    """

    def __init__(self) -> None:
        super().__init__(Requirement())

    @overload
    def __call__(
        self,
        connection: HTTPConnection,
        auth: Auth | None = None,
        security: SecurityScopes | None = None,
        **_: None,
    ) -> Coroutine[Any, Any, SessionAuth]: ...
    @overload
    def __call__(self, *, accepts_token: Literal["session_token"] = ...) -> Required[SessionAuth]: ...
    @overload
    def __call__(self, *, accepts_token: Literal["api_key"]) -> Required[APIKeyAuth]: ...
    @overload
    def __call__(self, *, accepts_token: Literal["m2m_token"]) -> Required[M2MAuth]: ...
    @overload
    def __call__(self, *, accepts_token: Literal["oauth_token"]) -> Required[OAuthAuth]: ...
    @overload
    def __call__(self, *, accepts_token: AcceptsToken) -> Required[SessionAuth | MachineAuth]: ...

    def __call__(
        self,
        connection: HTTPConnection | None = None,
        auth: Auth | None = None,
        security: SecurityScopes | None = None,
        *,
        accepts_token: Any = "session_token",
        **others: Any,
    ) -> Any:
        if isinstance(connection, (str, list, tuple)):
            raise ConfigurationError(
                "require_auth takes the types of token by name: write require_auth(accepts_token="
                f"{connection!r})"
            )
        if connection is not None:
            return super().__call__(connection, auth, security)
        if others:
            raise ConfigurationError(_not_taken(others))
        return Required[Any](Requirement(accepts_token=accepts_token))


def _not_taken(others: Mapping[str, object]) -> str:
    """What to write in place of a parameter that `require_auth` has none of."""
    name, value = next(iter(others.items()))
    if name in ("scope", "scopes"):
        instead = "require_scope('read:loads', accepts_token='api_key')"
    elif name in Asked.__annotations__:
        instead = f"require_{name}({value!r})"
    else:
        instead = "require_auth(accepts_token='api_key')"
    return f"require_auth takes accepts_token alone, and not {name}: write {instead}"

"""Dependencies that return the Auth object, and show their security scheme in OpenAPI."""

# FastAPI reads the annotations of dependencies at run time: they must not be strings.
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Literal, NoReturn, Unpack, overload

from fastapi.requests import HTTPConnection
from fastapi.security import SecurityScopes

from clerk_middleware import (
    APIKeyAuth,
    Auth,
    ClerkConfig,
    ConfigurationError,
    M2MAuth,
    MachineAuth,
    OAuthAuth,
    SessionAuth,
)
from clerk_middleware.authorization import Preset, Reverification
from clerk_middleware.conditions import Condition
from clerk_middleware.protect import (
    Protection,
    ProtectionOptions,
    SessionProtectionOptions,
    TokenProtectionOptions,
)
from clerk_middleware.protection import Requirement
from clerk_middleware.scopes import is_of_sessions
from clerk_middleware.tokens.classes import (
    MACHINE_TOKEN_TYPES,
    AcceptsToken,
    MachineTokenType,
    TokenType,
    is_accepted,
)

from .required import A, RequireAuth, Required
from .security_schemes import Scheme, oauth2


class _Written:
    """Refuses to be a parameter of a request.

    ``Depends(require_role)``, its call forgotten, would have FastAPI take *role* from the query string,
    and nothing would be required.
    """

    def __init__(self, example: str) -> None:
        self._example = example

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> NoReturn:
        raise ConfigurationError(f"call it: write Depends({self._example}), with what is required")


require_auth = RequireAuth()


@overload
def require_scope(*scopes: str, accepts_token: Literal["api_key"]) -> Required[APIKeyAuth]: ...
@overload
def require_scope(*scopes: str, accepts_token: Literal["m2m_token"]) -> Required[M2MAuth]: ...
@overload
def require_scope(*scopes: str, accepts_token: Literal["oauth_token"]) -> Required[OAuthAuth]: ...
@overload
def require_scope(*scopes: str, accepts_token: Sequence[MachineTokenType] = ...) -> Required[MachineAuth]: ...
@overload
def require_scope(*scopes: str, accepts_token: AcceptsToken) -> Required[SessionAuth | MachineAuth]: ...


def require_scope(
    *scopes: Annotated[str, _Written("require_scope('read:loads')")],
    accepts_token: Annotated[
        AcceptsToken, _Written("require_scope('read:loads', accepts_token='oauth_token')")
    ] = MACHINE_TOKEN_TYPES,
) -> Any:
    """Require a machine's token that is good for all of *scopes*, such as ``read:loads``.

    :param accepts_token: which types of token are accepted; any machine's by default. A session, if it is
        among them, needs no scope.
    """
    return Required[Any](Requirement.of_scopes(scopes, accepts_token))


class ClerkOAuth2(Required[A]):
    """Requires an OAuth access token, and tells generated clients where to get one::

        oauth2 = ClerkOAuth2(config, scopes={"read:loads": "See the loads"})

        @app.get("/loads")
        async def loads(auth: Annotated[OAuthAuth, Security(oauth2, scopes=["read:loads"])]) -> None: ...

    :param scopes: what each means, by its name, for people to read. Routes can ask for no other, if given.
    :param accepts_token: a list of ``oauth_token`` and the other types of token that do as well, or ``any``.
    :raises ConfigurationError: without a publishable key, which tells where.
    """

    @overload
    def __init__(
        self: "ClerkOAuth2[OAuthAuth]",
        config: ClerkConfig,
        *,
        scopes: Mapping[str, str] | None = None,
        accepts_token: Literal["oauth_token"] = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: "ClerkOAuth2[MachineAuth]",
        config: ClerkConfig,
        *,
        scopes: Mapping[str, str] | None = None,
        accepts_token: Sequence[MachineTokenType],
    ) -> None: ...
    @overload
    def __init__(
        self: "ClerkOAuth2[SessionAuth | MachineAuth]",
        config: ClerkConfig,
        *,
        scopes: Mapping[str, str] | None = None,
        accepts_token: Sequence[TokenType] | Literal["any"],
    ) -> None: ...
    def __init__(
        self,
        config: Annotated[ClerkConfig, _Written("ClerkOAuth2(config, scopes={'read:loads': '…'})")],
        *,
        scopes: Mapping[str, str] | None = None,
        accepts_token: Any = "oauth_token",
    ) -> None:
        requirement = Requirement(accepts_token=accepts_token)
        if not is_accepted("oauth_token", requirement.accepts_token):
            raise ConfigurationError(
                f"ClerkOAuth2 is for OAuth access tokens, and accepts_token={accepts_token!r} leaves them "
                "out: add 'oauth_token', or write require_auth(accepts_token=...)"
            )
        schemes: dict[TokenType, Scheme] = {"oauth_token": oauth2(config, scopes or {})}
        super().__init__(requirement, schemes)
        self._known_scopes = scopes

    async def _check(
        self, connection: HTTPConnection, auth: Auth, security: SecurityScopes | None = None, **_: None
    ) -> A:
        if security is not None and self._known_scopes:
            for scope in security.scopes:
                _expect_known(scope, self._known_scopes)
        return await super()._check(connection, auth, security)


def _expect_known(scope: str, known: Mapping[str, str]) -> None:
    """:raises ConfigurationError: for a scope that the document knows nothing of."""
    if scope not in known and not is_of_sessions(scope):
        nearest = get_close_matches(scope, known, 1, cutoff=0.0)[0]
        raise ConfigurationError(
            f"the scope {scope!r} is none of those of this ClerkOAuth2: add it there, or did you mean "
            f"{nearest!r}?"
        )


def require_permission(
    permission: Annotated[str, _Written("require_permission('org:teams:manage')")],
) -> Required[SessionAuth]:
    """Require a permission in the active organization, such as ``org:teams:manage``."""
    return Required(Requirement(permission=permission))


def require_role(role: Annotated[str, _Written("require_role('org:admin')")]) -> Required[SessionAuth]:
    """Require a role in the active organization, such as ``org:admin``."""
    return Required(Requirement(role=role))


def require_feature(feature: Annotated[str, _Written("require_feature('export')")]) -> Required[SessionAuth]:
    """Require a feature of the user's or the organization's plan, such as ``export``."""
    return Required(Requirement(feature=feature))


def require_plan(plan: Annotated[str, _Written("require_plan('pro')")]) -> Required[SessionAuth]:
    """Require a plan of the user or the organization, such as ``pro``."""
    return Required(Requirement(plan=plan))


def require_reverification(
    level: Annotated[
        Preset | Reverification | Mapping[str, object], _Written("require_reverification('strict')")
    ] = "strict",
) -> Required[SessionAuth]:
    """Require the user's credentials to have been verified lately: a preset's name, or level and age."""
    return Required(Requirement(reverification=level))


@overload
def protect(
    condition: Callable[[SessionAuth], bool] | None = None, **options: Unpack[SessionProtectionOptions]
) -> Required[SessionAuth]: ...
@overload
def protect(
    condition: Condition | None = None, **options: Unpack[TokenProtectionOptions]
) -> Required[SessionAuth | MachineAuth]: ...
def protect(
    condition: Annotated[Condition | None, _Written("protect(permission='org:teams:manage')")] = None,
    **options: Unpack[ProtectionOptions],
) -> Any:
    """Require all that is given, and answer as Clerk's ``auth.protect()``: 404 rather than 403.

    :param condition: a function of the Auth object that must return true.
    :param options: `role`, `permission` and so on; `token`, the types that are accepted, and `scope`, what a
        machine's token must be good for.
    """
    return Required[Any](Protection(condition, **options))

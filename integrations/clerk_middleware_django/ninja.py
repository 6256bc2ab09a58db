"""Django Ninja: what an API, a router or an operation requires of who is signed in.

api = NinjaAPI(auth=require_auth)

@api.get("/teams", auth=require_permission("org:teams:manage"))
def teams(request: HttpRequest) -> dict[str, str]:
    return {"user": get_session(request).user_id}

``request.auth`` is the session, or the Auth object of a machine where that is let in, as by
``require_scope("read:loads")`` or ``require_auth(accepts_token="api_key")``.

An identity that came from a cookie is checked for forgery as Django's session is. That happens here: an
operation without ``auth`` is exempt from it, as Ninja has it, and must not do anything for a user.

In a list, as in ``auth=[require_auth, ApiKey()]``, whichever succeeds first lets the request in, as
with any of Ninja's. If none does, the answer is that of the first one here: a refusal of this library's,
which ``@api.exception_handler(NotAuthorized)`` can answer, and `ClerkMiddleware` does otherwise.

Ninja's own test client knows no middleware. Say who is signed in:
``TestClient(api).get("/teams", auth=SessionAuth.from_claims(...))``.
"""

from __future__ import annotations

import re
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack, overload
from weakref import WeakSet

from django.http import HttpRequest
from django.urls import ResolverMatch, get_resolver
from ninja import NinjaAPI
from ninja.errors import AuthenticationError

from clerk_middleware import AuthorizationError, ConfigurationError, MachineAuth, NotAuthorized, SessionAuth
from clerk_middleware.openapi_schemes import SCHEMES, TOKEN_SCHEMES
from clerk_middleware.protect import Protection, ProtectionOptions
from clerk_middleware.protection import Requirement
from clerk_middleware.tokens.classes import MACHINE_TOKEN_TYPES, types_of

from .caching import keep_nothing
from .csrf import csrf_problem
from .openapi import in_words
from .requests import get_auth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import NoReturn

    from django.http import HttpResponse

    from clerk_middleware.authorization import Preset, Reverification
    from clerk_middleware.conditions import Condition
    from clerk_middleware.protect import SessionProtectionOptions, TokenProtectionOptions
    from clerk_middleware.tokens.classes import AcceptsToken

P = ParamSpec("P")


class Required:
    """What ``auth=`` takes. Returns the session, or a machine's Auth object where one is let in.

    It refuses otherwise, once nothing else lets the request in.
    """

    def __init__(self, requirement: Requirement) -> None:
        self.requirement = requirement
        self.openapi_security_schema = _scheme(requirement)
        # Has Ninja's page of the documentation send the CSRF token along.
        self.csrf = "session_token" in types_of(requirement.accepts_token)

    def __call__(self, request: HttpRequest) -> SessionAuth | MachineAuth | None:
        if not isinstance(request, HttpRequest):
            raise ConfigurationError(
                f"what {__name__} requires is no decorator: write auth=... into NinjaAPI(), Router() or the "
                "operation's @api.get()"
            )
        api = _api_of(request)
        if api is not None and api not in _prepared:
            _prepare(api)
        try:
            auth = self.requirement.check(get_auth(request))
            problem = csrf_problem(request)
            if problem is not None:
                raise NotAuthorized(f"CSRF Failed: {problem}", auth=auth)
        except AuthorizationError as error:
            if api is None:
                raise
            _remember(request, _refusal_of(request) or error)
            return None
        _remember(request, None)
        # A cache_page() around the operation is asked before this is: it must keep nothing.
        keep_nothing(request)
        return auth


def _remember(request: Any, error: AuthorizationError | None) -> None:
    request._clerk_refusal = error, request.auth


def _refusal_of(request: Any) -> AuthorizationError | None:
    """Why nobody was let in so far; what else let someone in has replaced ``request.auth``."""
    error, auth = getattr(request, "_clerk_refusal", (None, None))
    return error if auth is request.auth else None


K = TypeVar("K", bound=Required)

_prepared: WeakSet[NinjaAPI] = WeakSet()


def _prepare(api: NinjaAPI) -> None:
    """Have an API answer with a refusal, where it is to say that nobody was let in.

    It goes on to Django and `ClerkMiddleware`, unless the API has a handler of its own for it. A handler
    of every `Exception` is not one: Ninja's answers 500 in DEBUG.
    """
    unauthenticated: Any = api._lookup_exception_handler(AuthenticationError())
    api.add_exception_handler(AuthenticationError, partial(_refuse, api, unauthenticated))
    last_resort = api._lookup_exception_handler(Exception())
    if api._lookup_exception_handler(AuthorizationError("")) is last_resort:
        api.add_exception_handler(AuthorizationError, _pass_on)
    _prepared.add(api)


def _refuse(
    api: NinjaAPI,
    unauthenticated: Callable[[HttpRequest, AuthenticationError], HttpResponse],
    request: HttpRequest,
    error: Any,
) -> HttpResponse:
    refusal = _refusal_of(request)
    return api.on_exception(request, refusal) if refusal is not None else unauthenticated(request, error)


def _pass_on(request: HttpRequest, error: Any) -> NoReturn:
    raise error


def _api_of(request: HttpRequest) -> NinjaAPI | None:
    """The API that answers; `None` in tests by Ninja's client, which resolves no URL of the project's."""
    match = getattr(request, "resolver_match", None)
    if not isinstance(match, ResolverMatch):
        return None
    resolver: Any = get_resolver(getattr(request, "urlconf", None))
    for namespace in match.namespaces:
        _, resolver = resolver.namespace_dict[namespace]
    views = (getattr(pattern, "callback", None) for pattern in reversed(resolver.url_patterns))
    apis = (view.keywords.get("api") for view in views if isinstance(view, partial))
    return next((api for api in apis if isinstance(api, NinjaAPI)), None)


def _scheme(requirement: Requirement) -> dict[str, str]:
    """For OpenAPI, where Ninja has one for whatever is accepted."""
    types = types_of(requirement.accepts_token)
    schemes = [SCHEMES[TOKEN_SCHEMES[name]] for name in types]
    said = [each["description"].rstrip(".") for each in schemes]
    if "session_token" in types:
        said.insert(types.index("session_token") + 1, "the cookie `__session`")
    accepted = ", or ".join([said[0], *(text[0].lower() + text[1:] for text in said[1:])])
    scheme = schemes[0] if len(schemes) == 1 else {"type": "http", "scheme": "bearer"}
    return {**scheme, "description": f"{accepted}. Requires {in_words(requirement)}."}


def _required(requirement: Requirement) -> Required:
    return _made(Required, requirement)


def _made(kind: type[K], requirement: Requirement) -> K:
    """Under a name for OpenAPI, where Ninja takes the class's, and letters are few."""
    said = [f"{name}.{value}" for name, value in requirement.asked.items()]
    said += [f"scope.{scope}" for scope in requirement.scopes]
    if requirement.condition is not None:
        said.append("condition")
    fresh = requirement.reverification
    if fresh is not None:
        said.append(f"{fresh['level']}.{fresh['after_minutes']:g}")
    tokens = [TOKEN_SCHEMES[name] for name in types_of(requirement.accepts_token)]
    name = re.sub(r"[^a-zA-Z0-9._-]", ".", "_".join([*tokens, *said]))
    named: Any = type(name, (kind,), {"__module__": __name__})
    made: K = named(requirement)
    return made


def _called(example: str) -> Callable[[Callable[P, Required]], Callable[P, Required]]:
    """Refuse requests: Ninja sends them to what it takes for the check, where a call was forgotten."""

    def decorate(require: Callable[P, Required]) -> Callable[P, Required]:
        @wraps(require)
        def checked(*args: P.args, **kwargs: P.kwargs) -> Required:
            if any(isinstance(argument, HttpRequest) for argument in args):
                raise ConfigurationError(f"call it, with what is required: write auth={example}")
            return require(*args, **kwargs)

        return checked

    return decorate


class RequireAuth(Required):
    """Requires somebody to be signed in: ``auth=require_auth``, without parentheses.

    Or with the types of token that are accepted: ``auth=require_auth(accepts_token="api_key")``.
    """

    @overload
    def __call__(self, request: HttpRequest, /) -> SessionAuth | MachineAuth | None: ...
    @overload
    def __call__(self, /, *, accepts_token: AcceptsToken = ...) -> Required: ...
    def __call__(self, *requests: HttpRequest, accepts_token: AcceptsToken = "session_token") -> Any:
        """
        :param accepts_token: ``session_token``, ``api_key``, ``m2m_token``, ``oauth_token``, a list of these,
            or ``any`` that the application accepts.
        """
        if requests:
            return super().__call__(*requests)
        return _required(Requirement(accepts_token=accepts_token))


require_auth = _made(RequireAuth, Requirement())


@_called("require_scope('read:loads')")
def require_scope(*scopes: str, accepts_token: AcceptsToken = MACHINE_TOKEN_TYPES) -> Required:
    """Require a machine's token that is good for all of *scopes*, such as ``read:loads``.

    :param accepts_token: as for `require_auth`; any machine's by default. A session, if it is among them,
        needs no scope.
    """
    return _required(Requirement.of_scopes(scopes, accepts_token))


@_called("require_permission('org:teams:manage')")
def require_permission(permission: str) -> Required:
    """Require a permission in the active organization, such as ``org:teams:manage``."""
    return _required(Requirement(permission=permission))


@_called("require_role('org:admin')")
def require_role(role: str) -> Required:
    """Require a role in the active organization, such as ``org:admin``."""
    return _required(Requirement(role=role))


@_called("require_feature('export')")
def require_feature(feature: str) -> Required:
    """Require a feature of the user's or the organization's plan, such as ``export``."""
    return _required(Requirement(feature=feature))


@_called("require_plan('pro')")
def require_plan(plan: str) -> Required:
    """Require a plan of the user or the organization, such as ``pro``."""
    return _required(Requirement(plan=plan))


@_called("require_reverification('strict')")
def require_reverification(level: Preset | Reverification | Mapping[str, object] = "strict") -> Required:
    """Require the user's credentials to have been verified lately: a preset's name, or level and age."""
    return _required(Requirement(reverification=level))


@overload
def protect(
    condition: Callable[[SessionAuth], bool] | None = None, **options: Unpack[SessionProtectionOptions]
) -> Required: ...
@overload
def protect(condition: Condition | None = None, **options: Unpack[TokenProtectionOptions]) -> Required: ...
@_called("protect(permission='org:teams:manage')")
def protect(condition: Condition | None = None, **options: Unpack[ProtectionOptions]) -> Required:
    """Require all that is given, and answer as Clerk's ``auth.protect()``: 404 rather than 403.

    :param condition: a function of the Auth object that must return true.
    :param options: `role`, `permission` and so on; `token`, the types that are accepted, and `scope`, what a
        machine's token must be good for.
    """
    return _required(Protection(condition, **options))

"""Permission classes of Django REST framework; `clerk_middleware_django.drf` has them.

https://www.django-rest-framework.org/api-guide/permissions/
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, Unpack, cast, overload

from rest_framework.permissions import BasePermission
from rest_framework.request import ForcedAuthentication

from clerk_middleware import (
    Auth,
    AuthorizationError,
    ConfigurationError,
    MachineAuth,
    SignedOut,
)
from clerk_middleware.protect import Protection, ProtectionOptions
from clerk_middleware.protection import Requirement
from clerk_middleware.tokens.classes import MACHINE_TOKEN_TYPES

from .caching import keep_nothing
from .middleware_setting import LOGIN_REQUIRED, position
from .requests import state_of
from .requirements import has_local_user, outsider
from .rest_authentication import ClerkAuthentication
from .rest_refusals import ClerkRefused, Composed, Meta, Refusing
from .user_session import session_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rest_framework.request import Request
    from rest_framework.views import APIView

    from clerk_middleware import SessionAuth
    from clerk_middleware.authorization import Preset, Reverification
    from clerk_middleware.conditions import Condition
    from clerk_middleware.protect import SessionProtectionOptions, TokenProtectionOptions
    from clerk_middleware.tokens.classes import AcceptsToken

P = ParamSpec("P")


class ClerkPermission(Refusing, Composed, BasePermission, metaclass=Meta):
    """What the functions below make classes of."""

    requirement: ClassVar[Requirement]

    def has_permission(self, request: Request, view: APIView | None = None) -> bool:
        if view is None:  # REST framework called what permission_classes hold, and got this class
            raise ConfigurationError("call it where it is written: HasReverification(), with parentheses")
        self.refused = None
        try:
            auth = self.requirement.check(_identity(request, view))
            _expect_local_user(request, auth)
        except AuthorizationError as error:
            answer = error.requirement.answer(error, state_of(request._request), may_redirect=False)
            self.refused = ClerkRefused(answer, error)
            return False
        if isinstance(auth, MachineAuth):
            request.auth = auth  # from now on: nobody else here lets one in
            keep_nothing(request._request)
        return True

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        """The same of every object: what is not required by ``~`` is not required of an object, either."""
        return self.has_permission(request, view)


def _identity(request: Request, view: APIView) -> Auth:
    """Who `ClerkAuthentication` says it is, which has checked a cookie's request for forgery."""
    authenticator: Any = request.successful_authenticator
    if isinstance(authenticator, ClerkAuthentication | ForcedAuthentication):
        auth: object = request.auth
        return auth if isinstance(auth, Auth) else SignedOut()
    name = type(view).__name__
    if not any(isinstance(known, ClerkAuthentication) for known in request.authenticators or ()):
        raise ConfigurationError(
            f"{name} has a permission class of clerk_middleware_django.drf, and nothing to tell who asks: "
            "add ClerkAuthentication to its authentication_classes, or to DEFAULT_AUTHENTICATION_CLASSES in "
            "settings.REST_FRAMEWORK"
        )
    if session_of(request.user) is not None:
        other = type(authenticator).__name__
        raise ConfigurationError(
            f"{other} comes before ClerkAuthentication in {name}.authentication_classes, and answers with "
            "the user that ClerkUserMiddleware found, so that nothing knows of the session: list "
            "ClerkAuthentication first"
        )
    state = state_of(request._request)
    found: Auth = state.to_request_auth() if state is not None else SignedOut()
    # What is there all the same was outdone by credentials of another kind.
    is_of_machine = isinstance(found, MachineAuth) and authenticator is None
    return found if is_of_machine or not found.is_authenticated else SignedOut()


def _expect_local_user(request: Request, auth: Auth) -> None:
    """As Django's `LoginRequiredMiddleware`, where that is on: REST framework's views opt out of it."""
    if position(LOGIN_REQUIRED) is None:
        return
    if isinstance(auth, MachineAuth):
        is_local = has_local_user(request._request, auth)
    else:
        is_local = getattr(request.user, "is_authenticated", False)
    if not is_local:
        raise outsider(auth)


def _named(
    example: str | None = None,
) -> Callable[[Callable[P, Requirement]], Callable[P, type[ClerkPermission]]]:
    """Make a permission class of what is required, with a name that says it.

    :param example: of what to write, where it must not be called without arguments.
    """

    def decorate(require: Callable[P, Requirement]) -> Callable[P, type[ClerkPermission]]:
        @wraps(require)
        def make(*args: P.args, **kwargs: P.kwargs) -> type[ClerkPermission]:
            if example and not args and not kwargs:  # as REST framework calls what permission_classes hold
                raise ConfigurationError(f"say what is required: write {example}")
            said = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
            return _made(f"{require.__name__}({', '.join(said)})", require(*args, **kwargs))

        return make

    return decorate


def _made(name: str, requirement: Requirement) -> type[ClerkPermission]:
    attributes = {"requirement": requirement, "__module__": __name__}
    return cast("type[ClerkPermission]", Meta(name, (ClerkPermission,), attributes))


#: Requires somebody to be signed in, with Clerk's answer where nobody is.
IsSignedIn = _made("IsSignedIn", Requirement())


@_named("HasToken('api_key')")
def HasToken(accepts_token: AcceptsToken) -> Requirement:
    """Require a token of a certain type: ``require_auth(accepts_token=...)`` of other views.

    :param accepts_token: ``session_token``, ``api_key``, ``m2m_token``, ``oauth_token``, a list of these, or
        ``any`` that the application accepts.
    """
    return Requirement(accepts_token=accepts_token)


@_named("HasScope('read:loads')")
def HasScope(*scopes: str, accepts_token: AcceptsToken = MACHINE_TOKEN_TYPES) -> Requirement:
    """Require a machine's token that is good for all of *scopes*, such as ``read:loads``.

    :param accepts_token: as for `HasToken`; any machine's by default. A session, if it is among them, needs
        no scope.
    """
    return Requirement.of_scopes(scopes, accepts_token)


@_named("HasPermission('org:teams:manage')")
def HasPermission(permission: str) -> Requirement:
    """Require a permission in the active organization, such as ``org:teams:manage``."""
    return Requirement(permission=permission)


@_named("HasRole('org:admin')")
def HasRole(role: str) -> Requirement:
    """Require a role in the active organization, such as ``org:admin``."""
    return Requirement(role=role)


@_named("HasFeature('export')")
def HasFeature(feature: str) -> Requirement:
    """Require a feature of the user's or the organization's plan, such as ``export``."""
    return Requirement(feature=feature)


@_named("HasPlan('pro')")
def HasPlan(plan: str) -> Requirement:
    """Require a plan of the user or the organization, such as ``pro``."""
    return Requirement(plan=plan)


@_named()
def HasReverification(level: Preset | Reverification | Mapping[str, object] = "strict") -> Requirement:
    """Require the user's credentials to have been verified lately: a preset's name, or level and age."""
    return Requirement(reverification=level)


@overload
def Protect(
    condition: Callable[[SessionAuth], bool] | None = None, **options: Unpack[SessionProtectionOptions]
) -> type[ClerkPermission]: ...
@overload
def Protect(
    condition: Condition | None = None, **options: Unpack[TokenProtectionOptions]
) -> type[ClerkPermission]: ...
@_named()
def Protect(condition: Condition | None = None, **options: Unpack[ProtectionOptions]) -> Requirement:
    """Require all that is given, and answer as Clerk's ``auth.protect()``: 404 rather than 403.

    Nobody is redirected: an API's clients could not follow.

    :param condition: a function of the Auth object that must return true.
    :param options: `role`, `permission` and so on; `token`, the types that are accepted, and `scope`, what a
        machine's token must be good for.
    """
    return Protection(condition, **options)

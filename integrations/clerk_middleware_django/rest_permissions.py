"""Permission classes of Django REST framework; `clerk_middleware_django.drf` has them.

https://www.django-rest-framework.org/api-guide/permissions/
"""

from __future__ import annotations

from functools import wraps
from json import loads
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, Unpack, cast

from rest_framework.exceptions import APIException
from rest_framework.permissions import (
    AND,
    NOT,
    OR,
    BasePermission,
    BasePermissionMetaclass,
    OperandHolder,
    OperationHolderMixin,
    SingleOperandHolder,
)
from rest_framework.request import ForcedAuthentication

from clerk_middleware import (
    Auth,
    AuthorizationError,
    ConfigurationError,
    NotAuthorized,
    SessionAuth,
    SignedOut,
)
from clerk_middleware.logging import logger
from clerk_middleware.protection import Protection, ProtectionOptions, Requirement

from .middleware_setting import LOGIN_REQUIRED, position
from .requests import state_of
from .rest_authentication import ClerkAuthentication
from .user_session import session_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rest_framework.request import Request
    from rest_framework.views import APIView

    from clerk_middleware.answers import Answer
    from clerk_middleware.authorization import Preset, Reverification

P = ParamSpec("P")


class ClerkRefused(APIException):
    """The request may not have what it asks for: for an ``EXCEPTION_HANDLER`` of the project's to see."""

    #: What was wrong, such as a `NotAuthorized`.
    error: AuthorizationError

    def __init__(self, answer: Answer, error: AuthorizationError) -> None:
        super().__init__()
        self.error = error
        self.status_code = answer.status
        # As it is: of a number REST framework would make a text, which Clerk's frontend does not read.
        self.detail: Any = loads(answer.body)
        self.auth_header = dict(answer.headers).get("www-authenticate")

    def get_codes(self) -> str:
        reason = self.detail.get("clerk_error", {}).get("reason")
        return reason if isinstance(reason, str) else "not_found"

    def get_full_details(self) -> Any:
        known = self.detail.get("clerk_error", {})
        message = known.get("message") or self.detail.get("detail") or str(self.error)
        return {"message": message, "code": self.get_codes()}


class _Refusing:
    """Raises why it refused, but only where no other permission can still let the request in.

    A permission that says no is asked for its message, if it is one of the view's own. Within ``|`` or
    ``~`` it is not, and the answer is up to the rest.
    """

    refused: ClerkRefused | None = None

    @property
    def message(self) -> None:
        if self.refused is not None:
            logger.debug("Clerk: refused, %s", self.refused.error)
            raise self.refused


class _And(_Refusing, AND):
    """Where either refuses, the answer is its own."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return self._ask(super().has_permission(request, view))

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        return self._ask(super().has_object_permission(request, view, obj))

    def _ask(self, granted: bool) -> bool:
        composed: Any = self
        refused = (side.refused for side in (composed.op1, composed.op2) if isinstance(side, _Refusing))
        self.refused = None if granted else next(filter(None, refused), None)
        return granted


class _Composed(OperationHolderMixin):
    """``&``, ``|`` and ``~``, so that an ``&`` anywhere around refuses as its sides do."""

    def __and__(self, other: Any) -> _Holder:
        return _Holder(_And, self, other)

    def __rand__(self, other: Any) -> _Holder:
        return _Holder(_And, other, self)

    def __or__(self, other: Any) -> _Holder:
        return _Holder(OR, self, other)

    def __ror__(self, other: Any) -> _Holder:
        return _Holder(OR, other, self)

    def __invert__(self) -> _Inverted:
        return _Inverted(NOT, self)


class _Holder(_Composed, OperandHolder):
    def __init__(self, operator: Any, one: Any, other: Any) -> None:
        super().__init__(operator, one, other)


class _Inverted(_Composed, SingleOperandHolder):
    def __init__(self, operator: Any, one: Any) -> None:
        super().__init__(operator, one)


class _Meta(_Composed, BasePermissionMetaclass):  # type: ignore[misc]  # as in REST framework's own
    pass


class ClerkPermission(_Refusing, _Composed, BasePermission, metaclass=_Meta):
    """What the functions below make classes of."""

    requirement: ClassVar[Requirement]

    def has_permission(self, request: Request, view: APIView | None = None) -> bool:
        if view is None:  # REST framework called what permission_classes hold, and got this class
            raise ConfigurationError("call it where it is written: HasReverification(), with parentheses")
        self.refused = None
        try:
            self.requirement.check(_identity(request, view))
            _expect_local_user(request)
        except AuthorizationError as error:
            answer = error.requirement.answer(error, state_of(request._request), may_redirect=False)
            self.refused = ClerkRefused(answer, error)
        return self.refused is None

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
    found: Auth = state.to_auth() if state is not None else SignedOut()
    # A session that is there all the same was outdone by credentials of another kind.
    return SignedOut() if isinstance(found, SessionAuth) else found


def _expect_local_user(request: Request) -> None:
    """As Django's `LoginRequiredMiddleware`, where that is on: REST framework's views opt out of it."""
    if position(LOGIN_REQUIRED) is None:
        return
    if not getattr(request.user, "is_authenticated", False):
        raise NotAuthorized("You have no active account here.")


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
    return cast("type[ClerkPermission]", _Meta(name, (ClerkPermission,), attributes))


#: Requires somebody to be signed in, with Clerk's answer where nobody is.
IsSignedIn = _made("IsSignedIn", Requirement())


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


@_named()
def Protect(
    condition: Callable[[SessionAuth], bool] | None = None, **options: Unpack[ProtectionOptions]
) -> Requirement:
    """Require all that is given, and answer as Clerk's ``auth.protect()``: 404 rather than 403.

    Nobody is redirected: an API's clients could not follow.

    :param condition: a function of the Auth object that must return true.
    """
    return Protection(condition, **options)

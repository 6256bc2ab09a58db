"""Django REST framework: who is signed in, and what a view requires.

REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["clerk_middleware_django.drf.ClerkAuthentication"]}

class Teams(APIView):
    permission_classes = [HasPermission("org:teams:manage")]

    def get(self, request: Request) -> Response:
        return Response({"user": request.auth.user_id})
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.utils.functional import SimpleLazyObject
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import PermissionDenied

from clerk_middleware import ConfigurationError, SessionAuth
from clerk_middleware.answers import unauthorized

from .csrf import csrf_problem
from .permissions import attach_session, session_of
from .requests import state_of
from .rest_permissions import (
    HasFeature,
    HasPermission,
    HasPlan,
    HasReverification,
    HasRole,
    IsSignedIn,
    Protect,
)
from .rest_refusals import ClerkRefused
from .stack import CLERK_USER, position

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest
    from rest_framework.request import Request

    from clerk_middleware import RequestState

__all__ = [
    "ClerkAuthentication",
    "ClerkRefused",
    "ClerkUser",
    "HasFeature",
    "HasPermission",
    "HasPlan",
    "HasReverification",
    "HasRole",
    "IsSignedIn",
    "Protect",
]


class ClerkAuthentication(BaseAuthentication):
    """Who `ClerkMiddleware` found to be signed in: ``request.user``, and ``request.auth``, the Auth object.

    Where `ClerkUserMiddleware` is on, the user is the local one, looked for when something reads it, and
    `AnonymousUser` where there is none; elsewhere it is a `ClerkUser`. A request without a session, or
    with a token that was refused, is left to the authentication classes after this one.

    An identity that came from a cookie is checked as Django's session is.

    :raises PermissionDenied: if that check fails.
    :raises ConfigurationError: if no `ClerkMiddleware` saw the request.
    """

    def authenticate(self, request: Request) -> tuple[Any, SessionAuth] | None:
        original = request._request
        state = _state(original)
        _vary(request)
        auth = state.to_auth()
        if not isinstance(auth, SessionAuth):
            return None
        problem = csrf_problem(original)
        if problem is not None:
            raise PermissionDenied(f"CSRF Failed: {problem}")
        if position(CLERK_USER) is None:
            return ClerkUser(auth), auth
        from .users import get_user  # its models can only be imported once Django's applications are

        return SimpleLazyObject(partial(get_user, original)), auth

    def authenticate_header(self, request: Request) -> str:
        state = _state(request._request)
        return dict(unauthorized(state.to_auth(), state).headers)["www-authenticate"]


class ClerkUser:
    """Who is signed in, where there is no local user: `ClerkUserMiddleware` is not on."""

    is_active = True
    is_anonymous = False
    is_authenticated = True
    is_staff = False
    is_superuser = False

    def __init__(self, auth: SessionAuth) -> None:
        #: Clerk's id of the user.
        self.id = self.pk = self.username = auth.user_id
        attach_session(self, auth)

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"<ClerkUser {self.id}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClerkUser) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def get_username(self) -> str:
        return self.id

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Whether the session has *perm*, such as ``org:teams:manage``; of a single object it has none."""
        auth = session_of(self)
        return auth is not None and obj is None and auth.has(permission=perm)

    def has_perms(self, perm_list: Iterable[str], obj: object = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        return False


def _state(request: HttpRequest) -> RequestState:
    state = state_of(request)
    if state is None:
        raise ConfigurationError(
            "ClerkAuthentication needs ClerkMiddleware, which did not see this request: add "
            "'clerk_middleware_django.middleware.ClerkMiddleware' to MIDDLEWARE. A test without middleware "
            "authenticates by force_authenticate(request, user, token=SessionAuth.from_claims(...))"
        )
    return state


def _vary(request: Request) -> None:
    # Here already, for a cache_page() around the view: what it keeps must not be shown to others.
    headers = getattr((request.parser_context or {}).get("view"), "headers", None)
    if isinstance(headers, dict):
        known = [headers["Vary"]] if headers.get("Vary") else []
        headers["Vary"] = ", ".join([*known, "Authorization", "Cookie"])

"""Who Django REST framework's requests are from; `clerk_middleware_django.drf` has it.

https://www.django-rest-framework.org/api-guide/authentication/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import PermissionDenied

from clerk_middleware import SessionAuth
from clerk_middleware.answers import unauthorized
from clerk_middleware.challenges import bearer_challenge

from .csrf import csrf_problem
from .requests import maps_users, require_state
from .user_session import attach_session, session_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rest_framework.request import Request


class ClerkAuthentication(BaseAuthentication):
    """Who `ClerkMiddleware` found to be signed in: ``request.user``, and ``request.auth``, the Auth object.

    Where `ClerkUserMiddleware` is on, the user is the local one, looked for when something reads it, and
    `AnonymousUser` where there is none; elsewhere it is a `ClerkUser`. A request without a session, or
    with a token that was refused, is left to the authentication classes after this one.

    A machine (an API key, an M2M or OAuth token) is no user, whomever its token acts for, and to REST
    framework's own permission classes it is nobody. Where `HasScope`, `HasToken` or `Protect` lets it in,
    ``request.auth`` is its Auth object, and ``request.user`` still `AnonymousUser`: so neither an account's
    rights nor its ``is_staff`` are a machine's. `ClerkIdentity` tells whose ``request.auth.user_id`` is.

    An identity that came from a cookie is checked as Django's session is.

    :raises PermissionDenied: if that check fails.
    :raises ConfigurationError: if no `ClerkMiddleware` saw the request.
    """

    def authenticate(self, request: Request) -> tuple[Any, SessionAuth] | None:
        original: Any = request._request
        state = require_state(original)
        _vary(request)
        auth = state.to_request_auth()
        if not isinstance(auth, SessionAuth):
            return None
        problem = csrf_problem(original)
        if problem is not None:
            raise PermissionDenied(f"CSRF Failed: {problem}")
        # The local one is looked for when something reads it.
        return (original.user if maps_users(original) else ClerkUser(auth)), auth

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401 that REST framework answers by itself."""
        state = require_state(request._request)
        auth, accepts = state.to_request_auth(), state.config.accepts_token
        if auth.is_authenticated or auth.retry_after is not None:  # the token is not at fault
            return bearer_challenge(state, accepts, None)
        return dict(unauthorized(auth, state, accepts).headers)["www-authenticate"]


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


def _vary(request: Request) -> None:
    # Here already, for a cache_page() around the view: what it keeps must not be shown to others.
    headers = getattr((request.parser_context or {}).get("view"), "headers", None)
    if isinstance(headers, dict):
        known = [headers["Vary"]] if headers.get("Vary") else []
        headers["Vary"] = ", ".join([*known, "Authorization", "Cookie"])

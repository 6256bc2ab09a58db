"""The middlewares: who a request is, and, for projects that want it, which local user that is.

https://docs.djangoproject.com/en/stable/topics/http/middleware/
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.apps import apps
from django.utils.functional import SimpleLazyObject

from clerk_middleware import AuthorizationError, HandshakeError
from clerk_middleware.answers import handshake_failed, redirect_of
from clerk_middleware.oauth_metadata import METADATA
from clerk_middleware.protection import SIGNED_IN

from .caching import is_of_machine, keep_nothing, notice_reading
from .csp import offer_nonce, with_policy
from .error_reports import hide_secrets
from .proxy import aforward, forward, proxy_for
from .refusals import arefuse, refuse
from .requests import clerk_request, metadata_request, state_of
from .responses import response_of, with_headers
from .runtime import clerk_of, current
from .settings import ClerkImproperlyConfigured

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase

    from clerk_middleware import RequestState

    from .runtime import Clerk

    GetResponse = Callable[[HttpRequest], HttpResponseBase]


class _Middleware:
    """Synchronous or asynchronous, as what is inside of it; no thread either way."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)  # type: ignore[type-var]


class ClerkMiddleware(_Middleware):
    """Authenticates each request, answers handshakes, and turns refusals into responses.

    Before that come requests to the Frontend API, where ``settings.CLERK`` has ``FRONTEND_API_PROXY``.
    ``request.auth`` is the Auth object. ``settings.CLERK`` is the configuration.

    :raises ClerkImproperlyConfigured: when Django starts, if the settings are wrong.
    """

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        current()

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._acall(request)
        clerk, seen = clerk_of(request), clerk_request(request)
        if proxy_for(request, clerk, seen):
            return forward(request, clerk, seen)
        if METADATA in request.path:
            metadata = clerk.authenticator.oauth_metadata(metadata_request(request))
            if metadata is not None:
                return response_of(metadata)
        try:
            state = clerk.authenticator.authenticate_request(seen)
        except HandshakeError as error:
            return response_of(handshake_failed(error))
        redirect = redirect_of(state)
        if redirect is not None:
            return response_of(redirect)
        refused = _attach_identity(request, clerk, state)
        response = refuse(request, refused) if refused is not None else self.get_response(request)
        return _settled(request, response, state)

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        clerk, seen = clerk_of(request), clerk_request(request)
        if proxy_for(request, clerk, seen):
            return await aforward(request, clerk, seen)
        if METADATA in request.path:
            metadata = await clerk.async_authenticator.oauth_metadata(metadata_request(request))
            if metadata is not None:
                return response_of(metadata)
        try:
            state = await clerk.async_authenticator.authenticate_request(seen)
        except HandshakeError as error:
            return response_of(handshake_failed(error))
        redirect = redirect_of(state)
        if redirect is not None:
            return response_of(redirect)
        refused = _attach_identity(request, clerk, state)
        if refused is not None:
            response: HttpResponseBase = await arefuse(request, refused)
        else:
            response = await cast("Awaitable[HttpResponseBase]", self.get_response(request))
        return _settled(request, response, state)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer an `AuthorizationError` that a view raised."""
        if isinstance(exception, AuthorizationError):
            return refuse(request, exception)
        return None


class ClerkUserMiddleware(_Middleware):
    """Makes ``request.user`` the local user that belongs to the Clerk user, or Django's `AnonymousUser`.

    After `ClerkMiddleware` and Django's `AuthenticationMiddleware`, whose session it takes no notice of.
    Nothing is asked of the database before a view reads ``request.user`` or awaits ``request.auser()``.
    """

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        if not apps.is_installed("clerk_middleware_django"):
            raise ClerkImproperlyConfigured(
                "ClerkUserMiddleware needs the table of Clerk identities: add 'clerk_middleware_django' to "
                "INSTALLED_APPS, and run manage.py migrate",
                source="settings.MIDDLEWARE",
            )
        from . import users  # its models can only be imported once Django's applications are

        self._users = users

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        self._attach_user(request)
        if self.is_async:
            return self._acall(request)
        return _unless_unavailable(request, self.get_response(request))

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        response = await cast("Awaitable[HttpResponseBase]", self.get_response(request))
        return _unless_unavailable(request, response)

    def _attach_user(self, request: HttpRequest) -> None:
        if state_of(request) is None:
            raise ClerkImproperlyConfigured(
                "ClerkUserMiddleware needs ClerkMiddleware before it: add "
                "'clerk_middleware_django.middleware.ClerkMiddleware' above it",
                source="settings.MIDDLEWARE",
            )
        given: Any = request
        given._clerk_maps_users = True
        given.user = SimpleLazyObject(partial(self._users.get_user, request))
        given.auser = partial(self._users.aget_user, request)


def _unless_unavailable(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Answer 503 in place of Django's 403 where Clerk did not say who a new user is: no fault of theirs."""
    unavailable = getattr(request, "_clerk_user_unavailable", None)
    if unavailable is None or response.status_code != 403:
        return response
    return response_of(unavailable.answer)


def _attach_identity(request: HttpRequest, clerk: Clerk, state: RequestState) -> AuthorizationError | None:
    """Put the identity onto the request; tell whether it may not go on."""
    given: Any = request
    given.auth = auth = state.to_request_auth()
    given._clerk_state = state
    notice_reading(request)
    hide_secrets(request)
    offer_nonce(request, state)
    if state.is_beyond_forgery:
        given._dont_enforce_csrf_checks = True
    if clerk.routes.cover(request.path, request.path.removesuffix(request.path_info)):
        try:
            SIGNED_IN.check(auth)
        except AuthorizationError as error:
            return error
    return None


def _settled(request: HttpRequest, response: HttpResponseBase, state: RequestState) -> HttpResponseBase:
    if is_of_machine(request):
        keep_nothing(request)  # in a cache of the whole site, which is around
    return with_policy(request, with_headers(response, state), state)

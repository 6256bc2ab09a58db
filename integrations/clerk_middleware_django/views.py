"""Views to sign in, up and out; see `clerk_middleware_django.urls`.

They also stand in for the admin's own pages, before ``admin.site.urls``::

    path("admin/login/", clerk_middleware_django.views.sign_in),
    path("admin/logout/", clerk_middleware_django.views.sign_out),

They are synchronous: under ASGI, Django runs each request's in a thread of its own, where neither the
local user's database nor the call to Clerk holds up the event loop, and under WSGI no loop is started
for one call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST, require_safe

from clerk_middleware import BackendAPIError, ConfigurationError
from clerk_middleware.logging import logger
from clerk_middleware.redirects import AuthRedirects

from .requests import get_auth, state_of
from .runtime import clerk_of
from .stack import CLERK_USER, position
from .ways_back import allowed, current_page, redirects_of, way_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clerk_middleware import ClerkConfig, RequestState

#: Keeps whom a page refuses from going back and forth between it and here.
_SENT_ON = "clerk_sent_on"


@login_not_required
@never_cache
@require_safe
def sign_in(request: HttpRequest) -> HttpResponse:
    """To Clerk's sign-in page, and from there to ``?next=`` or ``LOGIN_REDIRECT_URL``.

    Who is signed in already, and is sent here by a page that refuses them, gets 403: not that page again.
    """
    return _to_clerk(request, AuthRedirects.to_sign_in)


@login_not_required
@never_cache
@require_safe
def sign_up(request: HttpRequest) -> HttpResponse:
    """To Clerk's sign-up page; otherwise as `sign_in`."""
    return _to_clerk(request, AuthRedirects.to_sign_up)


@login_not_required
@never_cache
@require_POST
@csrf_protect
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session at Clerk, and forget it here; then to ``?next=``, ``LOGOUT_REDIRECT_URL`` or ``/``.

    The next page has no token and asks Clerk (a handshake), which says by then that nobody is signed in.
    """
    wanted = request.POST.get(REDIRECT_FIELD_NAME, request.GET.get(REDIRECT_FIELD_NAME))
    to = allowed(request, wanted) or resolve_url(settings.LOGOUT_REDIRECT_URL or "/")
    response, state = HttpResponseRedirect(to), _state(request)
    _revoke(request, state)
    if hasattr(request, "session"):
        request.session.flush()  # as Django's logout(): whoever comes next must not find what is in it
    for name in _cookies(state.config):
        if name in request.COOKIES:
            response.delete_cookie(name, samesite="Lax")
    return response


def _to_clerk(request: HttpRequest, url_of: Callable[[AuthRedirects, str], str]) -> HttpResponse:
    wanted = request.GET.get(REDIRECT_FIELD_NAME)
    if get_auth(request).is_authenticated:
        return _go_on(request, wanted)
    back = way_back(request, wanted) or resolve_url(settings.LOGIN_REDIRECT_URL)
    url = url_of(redirects_of(request), back)
    if _page(url) == _page(current_page(request)):
        raise ConfigurationError(
            "SIGN_IN_URL or SIGN_UP_URL is the page that redirects to it: name the page that has Clerk's "
            "form, or leave it out for Clerk's own",
            source="settings.CLERK",
        )
    return HttpResponseRedirect(url)


def _go_on(request: HttpRequest, wanted: str | None) -> HttpResponse:
    """For who is signed in: on, unless it was the page to go on to that sent them here."""
    if position(CLERK_USER) is not None and not request.user.is_authenticated:
        raise PermissionDenied("You are signed in, but have no active account here.")
    if _SENT_ON in request.COOKIES or not (wanted is None or _is_back_just_now(request)):
        raise PermissionDenied(
            "You are signed in already. If a page sent you here, your account may not open it: sign out to "
            "use another one."
        )
    response = HttpResponseRedirect(allowed(request, wanted) or resolve_url(settings.LOGIN_REDIRECT_URL))
    response.set_cookie(_SENT_ON, "1", max_age=10, secure=request.is_secure(), httponly=True, samesite="Lax")
    return response


def _is_back_just_now(request: HttpRequest) -> bool:
    """Whether the session was renewed on the way here.

    Then the page refused an expired token, as where a form was posted after more than its minute.
    """
    renews = any(name == "set-cookie" for name, _ in _state(request).headers)
    return renews or "__clerk_redirect_count" in request.COOKIES  # set by a handshake, for two seconds


def _state(request: HttpRequest) -> RequestState:
    state = state_of(request)
    if state is None:
        raise ConfigurationError(
            "ClerkMiddleware did not see this request: add 'clerk_middleware_django.middleware."
            "ClerkMiddleware' to MIDDLEWARE"
        )
    return state


def _page(url: str) -> str:
    return url.partition("#")[0].partition("?")[0]


def _revoke(request: HttpRequest, state: RequestState) -> None:
    auth = state.to_auth(treat_pending_as_signed_out=False)
    session_id = auth.session_id or state.expired_session_id  # expired, while the page was being read
    if session_id is None:
        return
    try:
        if state.config.secret_key is None:
            raise BackendAPIError("that takes SECRET_KEY, which is not set")
        clerk_of(request).authenticator.revoke_session(state.config, session_id)
    except BackendAPIError as error:
        logger.warning(
            "Clerk: session %s was signed out of here only, and goes on at Clerk: %s", session_id, error
        )


def _cookies(config: ClerkConfig) -> Iterator[str]:
    """Not those of other instances on the same domain; and ``__client_uat`` has the next page ask Clerk."""
    yield "__session"
    key = config.parsed_publishable_key
    if key is not None:
        yield f"__session_{key.cookie_suffix}"
        yield f"__refresh_{key.cookie_suffix}"

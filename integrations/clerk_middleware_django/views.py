"""Views to sign in, up and out; see `clerk_middleware_django.urls`.

They also stand in for the admin's own pages, before ``admin.site.urls``::

    path("admin/login/", clerk_middleware_django.views.sign_in),
    path("admin/logout/", clerk_middleware_django.views.sign_out),

They are synchronous: under ASGI, Django runs each request's in a thread of its own, where neither the
local user's database nor the call to Clerk holds up the event loop, and under WSGI no loop is started
for one call.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.template import TemplateDoesNotExist
from django.urls import NoReverseMatch, reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST, require_safe

from clerk_middleware import ConfigurationError
from clerk_middleware.redirects import AuthRedirects
from clerk_middleware.sign_out import cookies_to_forget

from .redirects import allowed, current_page, redirects_of, way_back
from .requests import get_auth, maps_users, require_state
from .runtime import clerk_of

if TYPE_CHECKING:
    from collections.abc import Callable

#: Where the visitor was just sent on to: keeps whom a page refuses from going back and forth between the two.
_SENT_ON = "clerk_sent_on"


@login_not_required
@never_cache
@require_safe
def sign_in(request: HttpRequest) -> HttpResponse:
    """To Clerk's sign-in page, and from there to ``?next=`` or ``LOGIN_REDIRECT_URL``.

    Who is signed in already goes on there, and gets 403 where that page sends them back here.
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
    response, state = HttpResponseRedirect(to), require_state(request)
    clerk_of(request).authenticator.sign_out(state)
    if hasattr(request, "session"):
        request.session.flush()  # as Django's logout(): whoever comes next must not find what is in it
    for name in cookies_to_forget(state.config):
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
    """For who is signed in: on, but not back again to a page that sends them here."""
    if maps_users(request) and not request.user.is_authenticated:
        return _refused(request, "You are signed in, but have no active account here.")
    target = allowed(request, wanted) or resolve_url(settings.LOGIN_REDIRECT_URL)
    sent_on = sha256(target.encode("utf-8", "replace")).hexdigest()[:16]
    if request.COOKIES.get(_SENT_ON) == sent_on:
        return _refused(
            request, "You are signed in, but your account may not open the page that you came from."
        )
    response = HttpResponseRedirect(target)
    response.set_cookie(
        _SENT_ON, sent_on, max_age=10, secure=request.is_secure(), httponly=True, samesite="Lax"
    )
    return response


def _refused(request: HttpRequest, why: str) -> HttpResponse:
    """A page that says *why*: ``clerk/refused.html``, of this package or of the project."""
    try:
        sign_out_url = reverse("clerk:sign-out")
    except NoReverseMatch:
        sign_out_url = None
    try:
        return render(request, "clerk/refused.html", {"why": why, "sign_out_url": sign_out_url}, status=403)
    except (TemplateDoesNotExist, ImproperlyConfigured):  # a project without templates
        raise PermissionDenied(why) from None


def _page(url: str) -> str:
    return url.partition("#")[0].partition("?")[0]

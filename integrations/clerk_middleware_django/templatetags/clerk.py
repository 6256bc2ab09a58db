"""``{% load clerk %}``: what is allowed, and where to sign in, up and out.

{% if clerk_auth|has_permission:"org:teams:manage" %} ... {% endif %}
<a href="{% clerk_sign_in_url %}">Sign in</a>

``clerk_auth`` comes from ``clerk_middleware_django.context_processors.clerk``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import template
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.urls import NoReverseMatch, reverse

from clerk_middleware import Auth, ConfigurationError

from ..redirects import current_page, redirects_of, way_back

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.template import Context

register = template.Library()


@register.filter
def has_permission(auth: object, permission: object) -> bool:
    """Whether the session has a permission in the active organization, such as ``org:teams:manage``."""
    return _has(auth, permission=permission)


@register.filter
def has_role(auth: object, role: object) -> bool:
    """Whether the user has a role in the active organization, such as ``org:admin``."""
    return _has(auth, role=role)


@register.filter
def has_feature(auth: object, feature: object) -> bool:
    """Whether the plan has a feature, such as ``export``, ``org:export`` or ``user:export``."""
    return _has(auth, feature=feature)


@register.filter
def has_plan(auth: object, plan: object) -> bool:
    """Whether the user or the organization has a plan, such as ``pro``, ``org:pro`` or ``user:pro``."""
    return _has(auth, plan=plan)


@register.simple_tag(takes_context=True)
def clerk_sign_in_url(context: Context, next_page: object = None) -> str:
    """Where to sign in, to come back to this page or to *next_page*: a path or URL of this site.

    One that leads elsewhere is ignored, since it may have come with the request.

    :raises ConfigurationError: if it is not known where to sign in, or the template has no request.
    """
    request = _request_of(context, "clerk_sign_in_url")
    return redirects_of(request).to_sign_in(_back(request, next_page))


@register.simple_tag(takes_context=True)
def clerk_sign_up_url(context: Context, next_page: object = None) -> str:
    """Where to sign up; otherwise as `clerk_sign_in_url`."""
    request = _request_of(context, "clerk_sign_up_url")
    return redirects_of(request).to_sign_up(_back(request, next_page))


@register.simple_tag(takes_context=True)
def clerk_sign_out_url(context: Context, next_page: object = None) -> str:
    """The URL to which a form is posted to sign out, and to go on to *next_page*, a path or URL of this site.

    <form method="post" action="{% clerk_sign_out_url %}">{% csrf_token %}<button>Sign out</button></form>

    :raises ConfigurationError: if the URLs of `clerk_middleware_django.urls` are not included.
    """
    try:
        url = reverse("clerk:sign-out")
    except NoReverseMatch:
        raise ConfigurationError(
            "{% clerk_sign_out_url %} needs the view that signs out: add path('clerk/', "
            "include('clerk_middleware_django.urls')) to the project's urlpatterns"
        ) from None
    return f"{url}?{urlencode({REDIRECT_FIELD_NAME: next_page})}" if next_page else url


def _has(auth: object, **asked: Any) -> bool:
    # A template may name what is not there: nothing is allowed by that.
    wanted = all(isinstance(value, str) and value for value in asked.values())
    return isinstance(auth, Auth) and wanted and auth.has(**asked)


def _request_of(context: Context, tag: str) -> HttpRequest:
    request: HttpRequest | None = context.get("request")
    if request is None:
        raise ConfigurationError(
            f"{{% {tag} %}} needs the request: add 'django.template.context_processors.request' to the "
            "context_processors in settings.TEMPLATES, and render with render(request, ...)"
        )
    return request


def _back(request: HttpRequest, next_page: object) -> str:
    return way_back(request, str(next_page) if next_page else None) or current_page(request)

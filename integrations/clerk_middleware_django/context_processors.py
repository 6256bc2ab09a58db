"""``clerk_middleware_django.context_processors.clerk``: who is signed in, and a nonce, in every template."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clerk_middleware import SignedOut

from .csp import nonce_of
from .requests import get_auth, state_of

if TYPE_CHECKING:
    from django.http import HttpRequest


def clerk(request: HttpRequest) -> dict[str, Any]:
    """``clerk_auth``, the request's Auth object: ``{{ clerk_auth.user_id }}``.

    Also ``csp_nonce`` where the Content Security Policy is strict: ``<script nonce="{{ csp_nonce }}">``.
    """
    # An error page may be for a request that did not get as far as the middleware.
    context: dict[str, Any] = {"clerk_auth": SignedOut() if state_of(request) is None else get_auth(request)}
    nonce = nonce_of(request)
    if nonce is not None:  # Django's own processor may have put one of that name there
        context["csp_nonce"] = nonce
    return context

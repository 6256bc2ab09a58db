"""The Content Security Policy on Django's responses, and its nonce in views and templates."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from django.utils.functional import SimpleLazyObject

from .caching import keep_nothing, keep_nothing_of_page
from .responses import own

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from clerk_middleware import CSP, RequestState


def offer_nonce(request: HttpRequest, state: RequestState) -> None:
    """Have views find the nonce of a strict policy: in ``request.csp_nonce``, and in a header."""
    policy = state.policy
    nonce = policy.nonce if policy is not None else None
    if nonce is None:
        return
    given: Any = request
    # By a weak reference: a request that refers to itself waits for a collection.
    given.csp_nonce = SimpleLazyObject(partial(_use, weakref.ref(request), nonce))
    request.META["HTTP_X_NONCE"] = nonce
    given.__dict__.pop("headers", None)  # which were made of META, if another middleware has read them


def nonce_of(request: HttpRequest) -> str | None:
    """``request.csp_nonce``, without looking at it; `None` where the policy has none."""
    return cast("str | None", getattr(request, "csp_nonce", None))


def with_policy(request: HttpRequest, response: HttpResponseBase, state: RequestState) -> HttpResponseBase:
    """Add the policy to a response, or amend the one that is there."""
    policy = state.policy
    if policy is None:
        return response
    response, header = own(response), cast("CSP", state.config.content_security_policy).header
    is_own = header in response.headers
    policy.update(response.status_code, response.headers)
    if not is_own and _is_admins(request) and header in response.headers:
        # Scripts of Django's admin have no nonce, and lie beside the application's.
        response.headers[header] = response.headers[header].replace(" 'strict-dynamic'", "")
    if policy.nonce is not None:
        keep_nothing(request)  # in a cache of the whole site: the nonce is this request's
    return response


def _is_admins(request: HttpRequest) -> bool:
    """Whether a page of Django's admin answers."""
    match = request.resolver_match
    return match is not None and "admin" in match.app_names


def _use(request: Any, nonce: str) -> str:
    """Whoever asks puts it into a page, which is then nobody else's."""
    known = request()
    if known is not None:
        keep_nothing_of_page(known)
    return nonce

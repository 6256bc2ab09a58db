"""``clerk_middleware_django.context_processors.clerk``: who is signed in, in every template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clerk_middleware import SignedOut

from .requests import get_auth, state_of

if TYPE_CHECKING:
    from django.http import HttpRequest

    from clerk_middleware import Auth


def clerk(request: HttpRequest) -> dict[str, Auth]:
    """``clerk_auth``, the request's Auth object: ``{{ clerk_auth.user_id }}``."""
    # An error page may be for a request that did not get as far as the middleware.
    return {"clerk_auth": SignedOut() if state_of(request) is None else get_auth(request)}

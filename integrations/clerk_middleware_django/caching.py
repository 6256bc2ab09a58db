"""Django's caches and pages that are one user's.

https://docs.djangoproject.com/en/stable/topics/cache/
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.http.response import HttpResponseBase
from django.utils.cache import has_vary_header

from clerk_middleware import ConfigurationError

from .responses import vary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest

# Where Django's cache middleware, and so cache_page(), notes that it has seen a request.
_SEEN = "_cache_update_cache"


class Watched:
    """What a protected view returns."""

    response: Any = None


@contextmanager
def watch_cache(request: HttpRequest) -> Iterator[Watched]:
    """Refuse a response that a cache within a protected view keeps for everybody alike.

    It also tells a cache around the view that the response depends on who asks.

    :raises ConfigurationError: if there is one, and it is not told.
    """
    original: Any = getattr(request, "_request", request)  # REST framework has a request of its own
    seen, notes, watched = object(), original.__dict__, Watched()
    before = notes.pop(_SEEN, seen)
    yield watched
    response = watched.response
    if not isinstance(response, HttpResponseBase):
        return
    if _SEEN in notes and not _varies(response):
        raise ConfigurationError(
            "cache_page() below what protects the view would show one user's page to the next: write "
            "@vary_on_headers('Authorization', 'Cookie') below @cache_page"
        )
    if before is not seen:
        notes.setdefault(_SEEN, before)
    vary(response)


def _varies(response: Any) -> bool:
    return has_vary_header(response, "Authorization") and has_vary_header(response, "Cookie")

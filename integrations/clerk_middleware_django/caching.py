"""Django's caches and pages that are one user's.

https://docs.djangoproject.com/en/stable/topics/cache/
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from django.http.response import HttpResponseBase
from django.utils.cache import has_vary_header

from clerk_middleware import ConfigurationError

from .requests import state_of
from .responses import vary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest

# Where Django's cache middleware, and so cache_page(), notes that it has seen a request.
_SEEN = "_cache_update_cache"
# Where it is noted that a request is in a view that is protected: before a cache in there is asked, it is.
_CHECKED = "_clerk_is_checked"
# Where it is noted that a page is no other visitor's: it has the nonce of this request's policy.
_OF_ONE_VISITOR = "_clerk_is_of_one_visitor"


class Watched:
    """What a protected view returns."""

    response: Any = None


@contextmanager
def watch_cache(request: HttpRequest) -> Iterator[Watched]:
    """Refuse a response that a cache within a protected view keeps for everybody alike.

    It also tells a cache around the view that the response depends on who asks. Of what a machine is
    answered such a cache keeps nothing: the same token comes again and again, also when it is revoked.

    :raises ConfigurationError: if there is one, and it is not told.
    """
    original: Any = getattr(request, "_request", request)  # REST framework has a request of its own
    seen, notes, watched = object(), original.__dict__, Watched()
    before, outer = notes.pop(_SEEN, seen), notes.get(_CHECKED, False)
    notes[_CHECKED] = True
    try:
        yield watched
    finally:
        notes[_CHECKED] = outer
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
        if is_of_machine(original) or _OF_ONE_VISITOR in notes:
            keep_nothing(original)
    vary(response)


def is_of_machine(request: HttpRequest) -> bool:
    """Whether what the request was let in with is a machine's token, or may turn out to be one."""
    state = state_of(request)
    if state is None or state.token_type == "session_token":
        return False
    return state.is_authenticated or state.retry_after is not None


class _OfMachine:
    """A request of a machine: where a view reads ``request.auth``, caches around it keep nothing.

    They asked before the view does, and will not ask whether the token was revoked meanwhile.
    """

    @property
    def auth(self) -> Any:
        if not self.__dict__.get(_CHECKED):
            keep_nothing(self)
        return self.__dict__["auth"]

    @auth.setter
    def auth(self, auth: Any) -> None:
        self.__dict__["auth"] = auth


@cache
def _of_machine(kind: type[HttpRequest]) -> type[HttpRequest]:
    return type(kind.__name__, (_OfMachine, kind), {"__module__": kind.__module__})


def notice_reading(request: HttpRequest) -> None:
    """Have caches keep nothing of what a view answers a machine, once the view reads who it is."""
    if is_of_machine(request):
        request.__class__ = _of_machine(request.__class__)  # type: ignore[arg-type]  # a type has a hash


def keep_nothing(request: Any) -> None:
    """Have a cache that saw the request before not keep the response."""
    setattr(request, _SEEN, False)


def keep_nothing_of_page(request: HttpRequest) -> None:
    """The same from within a view, where a cache may also be one that saw nothing of it yet."""
    notes = request.__dict__
    notes[_OF_ONE_VISITOR] = True
    if _SEEN in notes:
        keep_nothing(request)


def _varies(response: Any) -> bool:
    return has_vary_header(response, "Authorization") and has_vary_header(response, "Cookie")

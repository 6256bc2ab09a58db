"""Answers as Django's responses, and what authenticating adds to the application's."""

from __future__ import annotations

from http.cookies import CookieError, Morsel, SimpleCookie
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.http.response import ResponseHeaders
from django.utils.cache import add_never_cache_headers, patch_vary_headers

from clerk_middleware.response_headers import VARY, cookies_of, is_for_caches

if TYPE_CHECKING:
    from collections.abc import Container

    from django.http.response import HttpResponseBase

    from clerk_middleware import RequestState
    from clerk_middleware.answers import Answer


class _CookieLine(Morsel[str]):
    """A ``Set-Cookie`` line that goes out as Clerk wrote it, with attributes that Python may not know."""

    def __init__(self, line: str) -> None:
        super().__init__()
        self.line = line
        pair, *attributes = line.split(";")
        name, _, value = pair.partition("=")
        self.set(name.strip(), value, value)
        for attribute in attributes:
            key, _, setting = attribute.strip().partition("=")
            if self.isReservedKey(key):
                self[key] = setting or True

    def OutputString(self, attrs: Container[str] | None = None) -> str:
        return self.line

    def __reduce__(self) -> tuple[Any, ...]:
        return _CookieLine, (self.line,)


def response_of(answer: Answer) -> HttpResponse:
    """An answer of the library's, for Django to send."""
    response = HttpResponse(answer.body, status=answer.status)
    del response.headers["Content-Type"]
    for name, value in answer.headers:
        if name == "set-cookie":
            _add_cookie(response, value)
        else:
            response.headers[name] = value
    return response


def with_headers(response: HttpResponseBase, state: RequestState) -> HttpResponseBase:
    """Pass on the cookies that authenticating sets, and tell caches what the response depends on."""
    cookies = cookies_of(state)
    if cookies:  # no cache may hand one user's cookies to another
        response = own(response)
        for line in cookies:
            _add_cookie(response, line)
        for name in [name for name in response.headers if is_for_caches(name.lower())]:
            del response.headers[name]
        add_never_cache_headers(response)
    vary(response)
    return response


def own(response: HttpResponseBase) -> HttpResponseBase:
    """A response with cookies and headers of its own: a view may keep the other, and return it to anybody."""
    copied = response.__class__.__new__(response.__class__)
    copied.__dict__.update(response.__dict__)  # not as it is pickled, without what tests look at
    copied.headers = ResponseHeaders(dict(response.headers.items()))
    copied.cookies = SimpleCookie()
    dict.update(copied.cookies, response.cookies)
    return copied


def vary(response: HttpResponseBase) -> None:
    """Tell caches that the answer depends on who asks."""
    if response.has_header("Vary"):
        patch_vary_headers(response, VARY)
    else:
        response.headers["Vary"] = ", ".join(VARY)


def _add_cookie(response: HttpResponseBase, line: str) -> None:
    try:
        cookie = _CookieLine(line)
    except CookieError:  # a name that is none
        return
    # Several of one name are several cookies, of different domains or paths: no key may hide another.
    key = cookie.key
    while key in response.cookies:
        key += "'"
    dict.__setitem__(response.cookies, key, cookie)

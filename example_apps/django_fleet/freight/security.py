"""What every application whose users are known by cookies needs besides authentication."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

from clerk_middleware import ClerkConfig
from example_apps.fleet.headers import SECURITY_HEADERS


@sync_and_async_middleware
def security_headers(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Adds what belongs on every answer. (The Content Security Policy is ClerkMiddleware's.)"""
    proxy = ClerkConfig.from_env().proxy

    def add_to(request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if proxy is None or not proxy.covers(request.path):  # else the answer is Clerk's
            for name, value in SECURITY_HEADERS.items():
                response.headers[name] = value
            response.headers["cache-control"] = "no-store"  # after signing out, "back" shows nothing
        return response

    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponse:
            return add_to(request, await get_response(request))

        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponse:
        return add_to(request, get_response(request))

    return synchronous

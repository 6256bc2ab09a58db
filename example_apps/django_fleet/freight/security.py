"""What every application whose users are known by cookies needs besides authentication."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

from clerk_middleware import ClerkConfig
from example_apps.fleet.headers import security_headers


@sync_and_async_middleware
def content_security(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Adds a Content-Security-Policy and its companions to every answer. (Django 6.0 has SECURE_CSP.)"""
    headers = security_headers(ClerkConfig.from_env())
    headers["cache-control"] = "no-store"  # after signing out, "back" shows nothing

    def add_to(response: HttpResponse) -> HttpResponse:
        for name, value in headers.items():
            response.headers[name] = value
        return response

    if iscoroutinefunction(get_response):

        async def asynchronous(request: HttpRequest) -> HttpResponse:
            return add_to(await get_response(request))

        return asynchronous

    def synchronous(request: HttpRequest) -> HttpResponse:
        return add_to(get_response(request))

    return synchronous

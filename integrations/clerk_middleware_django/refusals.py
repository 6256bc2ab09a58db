"""The response to a request that may not have what it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync, iscoroutinefunction, sync_to_async

from clerk_middleware import AuthorizationError
from clerk_middleware.logging import logger

from .requests import state_of
from .responses import response_of, vary
from .runtime import clerk_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


def refuse(request: HttpRequest, error: AuthorizationError) -> HttpResponse:
    """What ``AUTHORIZATION_FAILURE_VIEW`` answers, or else what the requirement does."""
    view: Any = clerk_of(request).options.authorization_failure_view
    if iscoroutinefunction(view):
        view = async_to_sync(view)
    own = None
    try:
        own = view(request, error) if view is not None else None
    except AuthorizationError as raised:  # by a view that leaves this one to the default
        error = raised
    return _settled(request, error, own)


async def arefuse(request: HttpRequest, error: AuthorizationError) -> HttpResponse:
    """`refuse`, for asynchronous code."""
    view: Any = clerk_of(request).options.authorization_failure_view
    if view is not None and not iscoroutinefunction(view):
        view = sync_to_async(view)
    own = None
    try:
        own = await view(request, error) if view is not None else None
    except AuthorizationError as raised:
        error = raised
    return _settled(request, error, own)


def _settled(request: HttpRequest, error: AuthorizationError, own: HttpResponse | None) -> HttpResponse:
    logger.debug("Clerk: refused, %s", error)
    if own is None:
        return response_of(error.requirement.answer(error, state_of(request)))
    vary(own)
    return own

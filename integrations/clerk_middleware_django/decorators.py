"""Decorators for views: functions, sync and async, and methods by Django's `method_decorator`."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest

from clerk_middleware import ConfigurationError
from clerk_middleware.decorators import Decorators

from .caching import watch_cache
from .requirements import acheck, check, expect_no_rest_view

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clerk_middleware.protection import Requirement


def _decorated(view: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    if isinstance(view, HttpRequest):
        raise ConfigurationError("the decorator is not called: write it with parentheses, as in @protect()")
    if isinstance(view, type) or not callable(view):
        raise ConfigurationError(
            f"decorate functions, not {view!r}: for a class put this very decorator into "
            "@method_decorator(..., name='dispatch'), or use the mixins of clerk_middleware_django"
        )
    # Given a method by method_decorator, which hides the object that it belongs to in a partial.
    owner = getattr(getattr(view, "func", None), "__self__", None)
    expect_no_rest_view(view if owner is None else owner)
    is_async = iscoroutinefunction(view) or getattr(owner, "view_is_async", False)
    checked: Any = (_checked_async if is_async else _checked)(view, requirement)
    checked.login_required = False  # for Django's LoginRequiredMiddleware: see requirements.py
    return checked  # type: ignore[no-any-return]


def _checked(view: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        request = _request_of(args, kwargs)
        refused = check(request, requirement)
        if refused is not None:
            return refused
        with watch_cache(request) as watched:
            watched.response = view(*args, **kwargs)
        return watched.response

    return checked


def _checked_async(view: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    @wraps(view)
    async def checked(*args: Any, **kwargs: Any) -> Any:
        request = _request_of(args, kwargs)
        refused = await acheck(request, requirement)
        if refused is not None:
            return refused
        with watch_cache(request) as watched:
            watched.response = await view(*args, **kwargs)
        return watched.response

    return checked


def _request_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> HttpRequest:
    for argument in (*args, *kwargs.values()):
        if isinstance(argument, HttpRequest) or isinstance(getattr(argument, "_request", None), HttpRequest):
            return argument  # type: ignore[no-any-return]
    raise ConfigurationError("a protected view must take the request as an argument")


_decorators = Decorators(_decorated)
require_auth = _decorators.require_auth
require_permission = _decorators.require_permission
require_role = _decorators.require_role
require_feature = _decorators.require_feature
require_plan = _decorators.require_plan
require_reverification = _decorators.require_reverification
require_scope = _decorators.require_scope
protect = _decorators.protect

"""Decorators for views: functions, sync and async, and class-based views by their ``decorators``."""

from __future__ import annotations

from contextlib import suppress
from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from clerk_middleware import ConfigurationError
from clerk_middleware.decorators import Decorators

from .identity import get_auth

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from clerk_middleware.protection import Requirement

# Functions that were given to a decorator. Flask must never call one of them by itself.
_bare: WeakSet[Callable[..., Any]] = WeakSet()


def _decorated(view: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    if isinstance(view, type) or not callable(view):
        raise ConfigurationError(
            f"decorate functions, not {view!r}: for a class-based view name this very decorator in the "
            "class, as in decorators = [require_auth]"
        )
    with suppress(TypeError):  # a callable that can't be referred to weakly
        _bare.add(view)
    if iscoroutinefunction(view):

        @wraps(view)
        async def checked_async(*args: Any, **kwargs: Any) -> Any:
            requirement.check(get_auth())
            return await view(*args, **kwargs)

        return checked_async

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        requirement.check(get_auth())
        return view(*args, **kwargs)

    return checked


def expect_order(app: Flask) -> None:
    """Expect the decorators above caches, and below what registers a function: else they protect nothing.

    :raises ConfigurationError: if a function is registered without the decorator that it has, or is cached.
    """
    for endpoint, view in app.view_functions.items():
        if _is_bare(view):
            raise _above(f"the view {endpoint!r}", "route")
        if _is_cached_above(view):
            raise ConfigurationError(
                f"the view {endpoint!r} is cached above the decorator that protects it, so that the cache "
                "would show one user's page to anybody: write @cache.cached below the decorator, with a "
                "make_cache_key that has the user in it"
            )
    for name, functions in app.before_request_funcs.items():
        for function in functions:
            if _is_bare(function):
                owner = f"of the blueprint {name!r}" if name is not None else "of the application"
                called = getattr(function, "__name__", function)
                raise _above(f"{called}(), {owner},", "before_request")


def _is_bare(function: Callable[..., Any]) -> bool:
    try:
        return function in _bare
    except TypeError:  # a callable that has no hash
        return False


def _is_cached_above(view: Callable[..., Any]) -> bool:
    """Whether Flask-Caching has an answer before a decorator of ours is asked."""
    outer, is_cached = view, False
    while (inner := getattr(outer, "__wrapped__", None)) is not None:
        if is_cached and _is_bare(inner):  # the outer one is ours
            return True
        is_cached |= getattr(outer, "uncached", None) is inner
        outer = inner
    return False


def _above(what: str, registrar: str) -> ConfigurationError:
    return ConfigurationError(
        f"{what} is registered without the decorator that protects it: write the decorator below "
        f"@….{registrar}, next to the function. (To register one function both ways, give the open one a "
        "function of its own, which calls it.)"
    )


_decorators = Decorators(_decorated)
require_auth = _decorators.require_auth
require_permission = _decorators.require_permission
require_role = _decorators.require_role
require_feature = _decorators.require_feature
require_plan = _decorators.require_plan
require_reverification = _decorators.require_reverification
protect = _decorators.protect

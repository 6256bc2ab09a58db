"""Whether the decorators are where they protect something: below the route, and above any cache.

This module alone reads what Flask's documentation calls internal: ``view_functions`` and
``before_request_funcs``.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from clerk_middleware import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask


class _Functions:
    """Some functions, none of which is kept alive if that can be helped."""

    def __init__(self) -> None:
        self._weak: WeakSet[Callable[..., Any]] = WeakSet()
        self._others: list[Callable[..., Any]] = []  # they have no hash, or can't be referred to weakly

    def add(self, function: Callable[..., Any]) -> None:
        try:
            self._weak.add(function)
        except TypeError:
            self._others.append(function)

    def __contains__(self, function: object) -> bool:
        with suppress(TypeError):
            if function in self._weak:
                return True
        return any(function is other for other in self._others)


# What was given to a decorator of this package.
_decorated = _Functions()
# That, and what other decorators had made it of: Flask must never call one of them by itself.
_bare = _Functions()


def remember_decorated(function: Callable[..., Any]) -> None:
    """Note that *function* has been given to a decorator."""
    _decorated.add(function)
    inner: Any = function
    while inner is not None:
        _bare.add(inner)
        inner = getattr(inner, "__wrapped__", None)


def check_decorator_order(app: Flask) -> None:
    """Check that each decorator is below the route, and above any cache. Elsewhere it protects nothing.

    :raises ConfigurationError: naming the function that is not protected.
    """
    for endpoint, view in app.view_functions.items():
        if view in _bare:
            raise _above(f"the view {endpoint!r}", "route")
        if any(map(_is_cached_above, _with_methods(view))):
            raise ConfigurationError(
                f"the view {endpoint!r} is cached above the decorator that protects it, so that the cache "
                "would show one user's page to anybody: write the cache below the decorator, with a "
                "make_cache_key that has the user in it"
            )
    for name, functions in app.before_request_funcs.items():
        for function in functions:
            if function in _bare:
                owner = f"of the blueprint {name!r}" if name is not None else "of the application"
                called = getattr(function, "__name__", function)
                raise _above(f"{called}(), {owner},", "before_request")


def _with_methods(view: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """A view, and the functions that a class-based one calls: ``dispatch_request``, ``get`` and so on."""
    yield view
    view_class = getattr(view, "view_class", None)
    for name in ("dispatch_request", *(getattr(view_class, "methods", None) or ())):
        method = getattr(view_class, name.lower(), None)
        if method is not None:
            yield method


def _is_cached_above(view: Callable[..., Any]) -> bool:
    """Whether Flask-Caching or `functools.cache` has an answer before a decorator of ours is asked."""
    outer, is_cached = view, False
    while (inner := getattr(outer, "__wrapped__", None)) is not None:
        if is_cached and inner in _decorated:  # the outer one is ours
            return True
        is_cached |= getattr(outer, "uncached", None) is inner or hasattr(outer, "cache_info")
        outer = inner
    return False


def _above(what: str, registrar: str) -> ConfigurationError:
    return ConfigurationError(
        f"{what} is registered without the decorator that protects it: write the decorator below "
        f"@….{registrar}, next to the function. (To register one function both ways, give the open one a "
        "function of its own, which calls it.)"
    )

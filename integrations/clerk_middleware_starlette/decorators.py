"""Decorators for endpoints: functions, methods of `HTTPEndpoint`, and WebSocket endpoints."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack, overload

from starlette.requests import HTTPConnection

from clerk_middleware import ConfigurationError
from clerk_middleware.asgi_scope import require
from clerk_middleware.protection import Protection, ProtectionOptions, Requirement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clerk_middleware import SessionAuth
    from clerk_middleware.authorization import Preset, Reverification

P = ParamSpec("P")
R = TypeVar("R")


@overload
def require_auth(endpoint: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def require_auth() -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def require_auth(endpoint: Callable[..., Any] | None = None, /) -> Callable[..., Any]:
    """Require somebody to be signed in; with or without parentheses."""
    requirement = Requirement()
    return _decorated(endpoint, requirement) if endpoint is not None else _decorator(requirement)


def require_permission(permission: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Require a permission in the active organization, such as ``org:teams:manage``."""
    return _decorator(Requirement(permission=permission))


def require_role(role: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Require a role in the active organization, such as ``org:admin``."""
    return _decorator(Requirement(role=role))


def require_feature(feature: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Require a feature of the user's or the organization's plan, such as ``export``."""
    return _decorator(Requirement(feature=feature))


def require_plan(plan: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Require a plan of the user or the organization, such as ``pro``."""
    return _decorator(Requirement(plan=plan))


def require_reverification(
    level: Preset | Reverification | Mapping[str, object] = "strict",
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Require the user's credentials to have been verified lately: a preset's name, or level and age."""
    return _decorator(Requirement(reverification=level))


def protect(
    condition: Callable[[SessionAuth], bool] | None = None, **options: Unpack[ProtectionOptions]
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Require all that is given, and answer as Clerk's ``auth.protect()``: 404 rather than 403.

    :param condition: a function of the Auth object that must return true.
    """
    return _decorator(Protection(condition, **options))


def _decorator(requirement: Requirement) -> Callable[[Callable[P, R]], Callable[P, R]]:
    return lambda endpoint: _decorated(endpoint, requirement)


def _decorated(endpoint: Callable[P, R], requirement: Requirement) -> Callable[P, R]:
    if isinstance(endpoint, type) or not callable(endpoint):
        raise ConfigurationError(
            f"decorate functions and methods, not {endpoint!r}: an HTTPEndpoint's get(), post() and so on"
        )
    if inspect.iscoroutinefunction(endpoint):

        @functools.wraps(endpoint)
        async def checked(*args: P.args, **kwargs: P.kwargs) -> Any:
            _check(requirement, args, kwargs)
            return await endpoint(*args, **kwargs)

        return checked  # type: ignore[return-value]

    @functools.wraps(endpoint)
    def checked_sync(*args: P.args, **kwargs: P.kwargs) -> R:
        _check(requirement, args, kwargs)
        return endpoint(*args, **kwargs)

    return checked_sync


def _check(requirement: Requirement, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    for argument in (*args, *kwargs.values()):
        if isinstance(argument, HTTPConnection):
            require(argument.scope, requirement)
            return
    raise ConfigurationError("a protected endpoint must take the request (or the websocket) as an argument")

"""Decorators for endpoints: functions, methods of `HTTPEndpoint`, and WebSocket endpoints."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection

from clerk_middleware import ConfigurationError
from clerk_middleware.asgi_scope import require
from clerk_middleware.decorators import Decorators

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from clerk_middleware.protection import Requirement


def _decorated(endpoint: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    if isinstance(endpoint, type) or not callable(endpoint):
        raise ConfigurationError(
            f"decorate functions and methods, not {endpoint!r}: an HTTPEndpoint's get(), post() and so on"
        )
    if inspect.iscoroutinefunction(endpoint):

        @functools.wraps(endpoint)
        async def checked(*args: Any, **kwargs: Any) -> Any:
            _check(requirement, args, kwargs)
            return await endpoint(*args, **kwargs)

        return checked

    @functools.wraps(endpoint)
    def checked_sync(*args: Any, **kwargs: Any) -> Any:
        _check(requirement, args, kwargs)
        return endpoint(*args, **kwargs)

    return checked_sync


def _check(requirement: Requirement, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    for argument in (*args, *kwargs.values()):
        if isinstance(argument, HTTPConnection):
            require(argument.scope, requirement)
            return
    raise ConfigurationError("a protected endpoint must take the request (or the websocket) as an argument")


_decorators = Decorators(_decorated)
require_auth = _decorators.require_auth
require_permission = _decorators.require_permission
require_role = _decorators.require_role
require_feature = _decorators.require_feature
require_plan = _decorators.require_plan
require_reverification = _decorators.require_reverification
require_scope = _decorators.require_scope
protect = _decorators.protect

"""Decorators for views: functions, sync and async, and class-based views by their ``decorators``.

They do for ``before_request`` functions as well.
"""

from __future__ import annotations

from functools import wraps
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from clerk_middleware import ConfigurationError
from clerk_middleware.decorators import Decorators

from .decorator_order import remember_decorated
from .identity import get_auth
from .preflight import is_preflight

if TYPE_CHECKING:
    from collections.abc import Callable

    from clerk_middleware.protection import Requirement


def _decorated(view: Callable[..., Any], requirement: Requirement) -> Callable[..., Any]:
    if isinstance(view, type) or not callable(view):
        raise ConfigurationError(
            f"decorate functions, not {view!r}: for a class-based view name this very decorator in the "
            "class, as in decorators = [require_auth]"
        )
    remember_decorated(view)
    if iscoroutinefunction(view):

        @wraps(view)
        async def checked_async(*args: Any, **kwargs: Any) -> Any:
            if is_preflight():
                return None
            requirement.check(get_auth())
            return await view(*args, **kwargs)

        return checked_async

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if is_preflight():
            return None
        requirement.check(get_auth())
        return view(*args, **kwargs)

    return checked


_decorators = Decorators(_decorated)
require_auth = _decorators.require_auth
require_permission = _decorators.require_permission
require_role = _decorators.require_role
require_feature = _decorators.require_feature
require_plan = _decorators.require_plan
require_reverification = _decorators.require_reverification
require_scope = _decorators.require_scope
protect = _decorators.protect

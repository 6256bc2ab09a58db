"""The decorators of the integrations whose routes are functions: in each the same words."""

from __future__ import annotations

from contextlib import suppress
from inspect import signature
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack, overload

from .errors import ConfigurationError
from .protect import Protection, ProtectionOptions
from .protection import Requirement
from .tokens.classes import MACHINE_TOKEN_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .auth import SessionAuth
    from .authorization import Preset, Reverification
    from .conditions import Condition
    from .protect import SessionProtectionOptions, TokenProtectionOptions
    from .tokens.classes import AcceptsToken

P = ParamSpec("P")
R = TypeVar("R")


class Decorators:
    """``require_auth`` and its companions.

    :param decorate: a framework's way of checking a `Requirement` before a function runs.
    """

    def __init__(self, decorate: Callable[[Callable[..., Any], Requirement], Callable[..., Any]]) -> None:
        self._decorate = decorate

    @overload
    def require_auth(self, view: Callable[P, R], /) -> Callable[P, R]: ...
    @overload
    def require_auth(
        self, /, *, accepts_token: AcceptsToken = ...
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
    def require_auth(
        self, view: Callable[..., Any] | None = None, /, *, accepts_token: AcceptsToken = "session_token"
    ) -> Any:
        """Require somebody to be signed in; with or without parentheses.

        :param accepts_token: which types of token are accepted: ``session_token``, ``api_key``,
            ``m2m_token``, ``oauth_token``, a list of these, or ``any`` that the application accepts.
        """
        decorator = self._decorator(Requirement(accepts_token=accepts_token))
        return decorator if view is None else decorator(view)

    def require_scope(
        self, *scopes: str, accepts_token: AcceptsToken = MACHINE_TOKEN_TYPES
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Require a machine's token that is good for all of *scopes*, such as ``read:loads``.

        :param accepts_token: as for `require_auth`; any machine's by default. A session, if it is among them,
            needs no scope.
        """
        return self._decorator(Requirement.of_scopes(scopes, accepts_token))

    def require_permission(self, permission: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Require a permission in the active organization, such as ``org:teams:manage``."""
        return self._decorator(Requirement(permission=permission))

    def require_role(self, role: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Require a role in the active organization, such as ``org:admin``."""
        return self._decorator(Requirement(role=role))

    def require_feature(self, feature: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Require a feature of the user's or the organization's plan, such as ``export``."""
        return self._decorator(Requirement(feature=feature))

    def require_plan(self, plan: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Require a plan of the user or the organization, such as ``pro``."""
        return self._decorator(Requirement(plan=plan))

    def require_reverification(
        self, level: Preset | Reverification | Mapping[str, object] = "strict"
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Require the user's credentials to have been verified lately: a preset's name, or level and age."""
        return self._decorator(Requirement(reverification=level))

    @overload
    def protect(
        self,
        condition: Callable[[SessionAuth], bool] | None = None,
        **options: Unpack[SessionProtectionOptions],
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
    @overload
    def protect(
        self, condition: Condition | None = None, **options: Unpack[TokenProtectionOptions]
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
    def protect(
        self, condition: Condition | None = None, **options: Unpack[ProtectionOptions]
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Require all that is given, and answer as Clerk's ``auth.protect()``: 404 rather than 403.

        :param condition: a function of the Auth object that must return true.
        :param options: `role`, `permission` and so on; `token`, the types that are accepted, and `scope`,
            what a machine's token must be good for.
        """
        check_condition(condition)
        return self._decorator(Protection(condition, **options))

    def _decorator(self, requirement: Requirement) -> Callable[[Callable[P, R]], Callable[P, R]]:
        return _Decorator(self._decorate, requirement)


class _Decorator:
    """What ``require_permission("org:teams:manage")`` makes, before it is given a function."""

    __slots__ = ("_decorate", "_requirement")
    __name__ = "requirement"  # frameworks ask a function for it, and what they take for one

    def __init__(
        self,
        decorate: Callable[[Callable[..., Any], Requirement], Callable[..., Any]],
        requirement: Requirement,
    ) -> None:
        self._decorate = decorate
        self._requirement = requirement

    def __call__(self, *functions: Callable[..., Any], **parameters: object) -> Callable[..., Any]:
        if len(functions) != 1 or parameters:  # a framework calls it, as the function that it took it for
            raise ConfigurationError(
                f"{self._requirement!r} was registered in the place of a function: write it as a decorator, "
                "above one, and with parentheses"
            )
        return self._decorate(functions[0], self._requirement)


def check_condition(condition: object) -> None:
    """Look at what ``protect()`` is given as a condition.

    :raises ConfigurationError: for a view, because ``@protect`` was not called, and for another decorator.
    """
    if condition is None:
        return
    if isinstance(condition, _Decorator) or isinstance(getattr(condition, "__self__", None), Decorators):
        raise ConfigurationError(
            "protect takes conditions on the Auth object, and no decorators: write what it requires, as in "
            "protect(role='org:admin')"
        )
    with suppress(TypeError, ValueError):  # what is no function of Python's
        parameters = signature(condition).parameters  # type: ignore[arg-type]
        if next(iter(parameters), "request") == "request":  # a condition takes the Auth object
            raise ConfigurationError("protect is not called: write @protect(), with parentheses")

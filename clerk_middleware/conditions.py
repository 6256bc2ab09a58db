"""Conditions: functions of an application that look at the Auth object themselves."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING

from .auth import SessionAuth
from .errors import ConfigurationError
from .machine_auth import APIKeyAuth, M2MAuth, OAuthAuth

if TYPE_CHECKING:
    from .machine_auth import MachineAuth

#: A function of the Auth object that must return true; of which one says what tokens are accepted.
Condition = (
    Callable[[SessionAuth], bool]
    | Callable[[APIKeyAuth], bool]
    | Callable[[M2MAuth], bool]
    | Callable[[OAuthAuth], bool]
)


def expect_function(condition: Condition | None) -> None:
    """:raises ConfigurationError: if it is no function, or an asynchronous one."""
    if condition is not None and (not callable(condition) or iscoroutinefunction(condition)):
        raise ConfigurationError(
            "a condition must be a function of the Auth object that returns true or false, not async; "
            f"this is {condition!r}"
        )


def holds(condition: Condition, auth: SessionAuth | MachineAuth) -> bool:
    """Whether a condition is met. What is merely true is no answer: a coroutine is, and so is ``auth.has``.

    :raises ConfigurationError: if it returns anything but true or false.
    """
    outcome: object = condition(auth)  # type: ignore[arg-type]  # of a type that is accepted
    if isinstance(outcome, bool):
        return outcome
    if isinstance(outcome, Coroutine):
        outcome.close()
    raise ConfigurationError(
        f"a condition must return True or False, but {condition!r} returned a {type(outcome).__name__}"
    )

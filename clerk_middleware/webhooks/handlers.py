"""Which functions handle which events."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..errors import ConfigurationError
from ..logging import logger
from .events import KNOWN_TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PATTERN: Final = re.compile(r"\*|[^*\s]+(?:\.\*)?")
_FAMILIES: Final = frozenset(f"{name.partition('.')[0]}.*" for name in KNOWN_TYPES)


class _Registration(NamedTuple):
    patterns: tuple[str, ...]
    handler: Callable[[Any], object]


class Handlers:
    """Handlers in the order in which they were registered."""

    def __init__(self) -> None:
        self._registrations: list[_Registration] = []

    def add(self, patterns: Sequence[str], handler: Callable[[Any], object]) -> None:
        """:raises ConfigurationError: if *handler* can't be one."""
        _check_handler(handler)
        self._registrations.append(_Registration(tuple(patterns), handler))

    def of(self, event_type: str) -> list[Callable[[Any], object]]:
        """The handlers of a type of event, each once."""
        found: list[Callable[[Any], object]] = []
        for patterns, handler in self._registrations:
            if handler not in found and any(_covers(pattern, event_type) for pattern in patterns):
                found.append(handler)
        return found


def check_patterns(patterns: Sequence[object]) -> None:
    """Look for what can't be meant, and warn of what is hardly meant.

    :raises ConfigurationError: if a pattern is none, or there is none.
    """
    if not patterns:
        raise ConfigurationError(f"on() needs the type of an event, {_SUCH_AS}")
    for pattern in patterns:
        if callable(pattern):
            raise ConfigurationError(f"on is not called with the type of an event: write it {_SUCH_AS}")
        if not isinstance(pattern, str):
            raise ConfigurationError(
                f"on() takes the types of events, {_SUCH_AS}, but got something of type "
                f"{type(pattern).__name__}"
            )
        if not _PATTERN.fullmatch(pattern):
            raise ConfigurationError(
                f"on({pattern!r}): a pattern is an event's type, such as 'user.created', a kind of "
                "events, as 'user.*', or '*' for all there are"
            )
        _warn_of_misspelling(pattern)


_SUCH_AS: Final = "as in @webhooks.on('user.created')"


def _warn_of_misspelling(pattern: str) -> None:
    known = _FAMILIES if pattern.endswith("*") else KNOWN_TYPES
    if pattern == "*" or pattern in known:
        return
    from difflib import get_close_matches

    # Types that are not known are fine: Clerk has new ones now and then.
    folded = {name.lower().replace("_", ""): name for name in sorted(known)}
    close = get_close_matches(pattern.lower().replace("_", ""), folded, n=1, cutoff=0.8)
    if close:
        logger.warning(
            "Clerk: webhooks.on(%r): no event of this type is known. Did you mean %r?",
            pattern,
            folded[close[0]],
        )


def _covers(pattern: str, event_type: str) -> bool:
    if pattern == "*":
        return True
    if pattern.endswith(".*"):
        return event_type.startswith(pattern[:-1])
    return pattern == event_type


def _check_handler(handler: object) -> None:
    if not callable(handler):
        raise ConfigurationError(
            f"a webhook's handler must be a function of the event, but is of type {type(handler).__name__}"
        )
    name = getattr(handler, "__qualname__", type(handler).__name__)
    if inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler):
        raise ConfigurationError(f"the webhook handler {name} has a yield in it, so it would never run")
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError):  # of some that are written in C
        return
    try:
        signature.bind(None)
    except TypeError:
        raise ConfigurationError(
            f"the webhook handler {name}{signature} must take the event as its only argument"
        ) from None

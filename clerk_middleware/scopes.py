"""Scopes: the words for what a machine's token is good for."""

from __future__ import annotations

import re
from typing import Final

from .errors import ConfigurationError

# Texts, which `re` compiles when they are first used.
_SCOPE: Final = r"[\x21\x23-\x5B\x5D-\x7E]+"
_PERMISSION: Final = r"(?s)org:[^:]+:.+"


def is_scope(value: object) -> bool:
    """Whether *value* can be a scope of an OAuth token (RFC 6749, 3.3)."""
    return isinstance(value, str) and re.fullmatch(_SCOPE, value) is not None


def is_of_sessions(scope: str) -> bool:
    """Whether *scope* is the word for something that only sessions have."""
    return scope == "authenticated" or re.fullmatch(_PERMISSION, scope) is not None


def required_scopes(given: object) -> tuple[str, ...]:
    """One scope or several, as a route requires them.

    :raises ConfigurationError: if one is none.
    """
    scopes = tuple(given) if isinstance(given, (list, tuple, set, frozenset)) else (given,)
    if not scopes:
        raise ConfigurationError(
            f"the required scopes are {given!r}, so that none would be required: check where the value comes "
            "from"
        )
    checked: list[str] = []
    for scope in scopes:
        if not isinstance(scope, str) or not is_scope(scope):
            raise ConfigurationError(f"a required scope is one word, such as 'read:loads', and not {scope!r}")
        if is_of_sessions(scope):
            raise ConfigurationError(
                f"no machine's token has the scope {scope!r}, which names what sessions have: require a "
                "permission, as in require_permission('org:teams:manage')"
            )
        checked.append(scope)
    return tuple(checked)

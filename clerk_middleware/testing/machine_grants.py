"""What a test says of a machine and its token; with errors for what Clerk would never issue."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from clerk_middleware.errors import ConfigurationError
from clerk_middleware.scopes import is_scope
from clerk_middleware.tokens.classes import MACHINE_TOKEN_TYPES, MachineTokenType

from .grants import items

__all__ = [
    "DEFAULT_SUBJECTS",
    "TOKENS",
    "called_machines",
    "custom_claims",
    "granted_scopes",
    "known_type",
    "subject_of",
]

#: How each type of token is called in a sentence.
TOKENS: Mapping[MachineTokenType, str] = {
    "api_key": "an API key",
    "m2m_token": "an M2M token",
    "oauth_token": "an OAuth token",
}
DEFAULT_SUBJECTS: Mapping[MachineTokenType, str] = {
    "api_key": "user_test",
    "m2m_token": "mch_test",
    "oauth_token": "user_test",
}
_OWNERS: Mapping[MachineTokenType, tuple[str, tuple[str, ...]]] = {
    "api_key": ("of a user or an organization", ("user_", "org_")),
    "m2m_token": ("of a machine", ("mch_",)),
    "oauth_token": ("of a user, who let an application act for them", ("user_",)),
}
#: What Clerk sets itself in an M2M token.
_RESERVED = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scopes"})


def known_type(value: object) -> MachineTokenType:
    """*value*, which must be the type of a machine's token."""
    for token_type in MACHINE_TOKEN_TYPES:
        if value == token_type:
            return token_type
    if value == "session_token":
        raise ConfigurationError(
            "'session_token' is what users have: sign one in, by clerk_login()", source="token_type"
        )
    types = ", ".join(map(repr, MACHINE_TOKEN_TYPES))
    raise ConfigurationError(f"must be one of {types}, not {value!r}", source="token_type")


def subject_of(token_type: MachineTokenType, value: object, *, source: str) -> str:
    """*value*, which must be the id of somebody who can have such a token.

    :param source: the parameter that it was given by.
    """
    owners, prefixes = _OWNERS[token_type]
    if isinstance(value, str) and any(value.startswith(prefix) and value != prefix for prefix in prefixes):
        return value
    ids = " or ".join(f"{prefix}…" for prefix in prefixes)
    raise ConfigurationError(f"{TOKENS[token_type]} is {owners}, {ids}; {value!r} is none", source=source)


def granted_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """*scopes*, each of which must be one."""
    given = items("scopes", scopes)
    for scope in given:
        if not is_scope(scope):
            raise ConfigurationError(
                f"a scope is a word such as 'read:loads'; {scope!r} is none", source="scopes"
            )
    return tuple(given)


def called_machines(scopes: Iterable[str]) -> tuple[str, ...]:
    """*scopes* of an M2M token, which are the machines that it is for."""
    given = items("scopes", scopes)
    for scope in given:
        if not is_scope(scope) or not scope.startswith("mch_"):
            raise ConfigurationError(
                f"an M2M token's are the machines that it is for, such as 'mch_test'; {scope!r} is none. "
                "What its own machine may do, claims can say",
                source="scopes",
            )
    return tuple(given)


def custom_claims(claims: Mapping[str, Any] | None, *, is_m2m: bool = False) -> dict[str, Any] | None:
    """A copy of *claims*, as JSON says them.

    :param is_m2m: whether they stand beside those that Clerk sets in an M2M token.
    """
    if claims is None:
        return None
    if not isinstance(claims, Mapping):
        raise ConfigurationError(f"must be a dictionary, not {claims!r}", source="claims")
    try:
        copied: dict[str, Any] = json.loads(json.dumps(dict(claims), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"must be what JSON can say: {error}", source="claims") from None
    if is_m2m and (taken := sorted(_RESERVED.intersection(copied))):
        raise ConfigurationError(
            f"Clerk sets {' and '.join(map(repr, taken))} itself in an M2M token: choose another name",
            source="claims",
        )
    return copied

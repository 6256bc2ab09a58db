"""The exceptions: one base, documented attributes, and nothing lost on the way to another process."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import clerk_middleware
from clerk_middleware import (
    AuthorizationError,
    BackendAPIError,
    ClerkError,
    ConfigurationError,
    HandshakeError,
    NotAuthenticated,
    NotAuthorized,
    ReverificationRequired,
    SignedOut,
    TokenVerificationError,
    WebhookVerificationError,
)

REQUIRED: dict[str, Any] = {"auth": SignedOut(), "requirement": None}

ERRORS = [
    ClerkError("m"),
    ConfigurationError("m", option="secret_key", source="here"),
    TokenVerificationError("token-expired", "m"),
    TokenVerificationError("token-expired"),
    HandshakeError("token-invalid", "m"),
    BackendAPIError("m", status=404, code="not_found"),
    WebhookVerificationError("m"),
    NotAuthenticated("m", **REQUIRED),
    NotAuthorized("m", **REQUIRED),
    ReverificationRequired("m", **REQUIRED),
]


def pickled(error: ClerkError) -> Any:
    """As it arrives in another process."""
    return pickle.loads(pickle.dumps(error))  # noqa: S301  # it is our own


def test_all_have_one_base() -> None:
    kinds = [value for value in vars(clerk_middleware).values() if isinstance(value, type)]
    for kind in kinds:
        if issubclass(kind, Exception):
            assert issubclass(kind, ClerkError)
    for kind in (NotAuthenticated, NotAuthorized, ReverificationRequired):
        assert issubclass(kind, AuthorizationError)


@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("duplicate", [copy.copy, pickled], ids=["copy", "pickle"])
def test_survives_the_way_to_another_process(duplicate: Any, error: ClerkError) -> None:
    other = duplicate(error)
    assert type(other) is type(error)
    assert str(other) == str(error)
    assert vars(other).keys() == vars(error).keys()
    for name in ("reason", "message", "option", "source", "problem", "status", "code"):
        assert getattr(other, name, None) == getattr(error, name, None)


def test_attributes() -> None:
    error = ConfigurationError("is wrong", option="domain", source="the environment variable X")
    assert (error.problem, error.option, error.source) == ("is wrong", "domain", "the environment variable X")
    assert str(error) == "the environment variable X: is wrong"
    assert str(ConfigurationError("is wrong")) == "is wrong"

    refused = TokenVerificationError("token-expired", "too old")
    assert (refused.reason, refused.message) == ("token-expired", "too old")
    assert str(refused) == "too old (reason: token-expired)"
    assert str(TokenVerificationError("token-expired")) == "token-expired"

    unauthorized = NotAuthorized("no", **REQUIRED)
    assert unauthorized.auth is REQUIRED["auth"]
    assert unauthorized.requirement.asked == {}

    own = NotAuthorized("This load is another driver's.")  # as an application raises it
    assert own.status_code == 403
    assert b"another driver" in own.requirement.answer(own, None).body

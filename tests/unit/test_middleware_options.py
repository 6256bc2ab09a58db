"""What the pure middlewares are given: in ASGI and WSGI the same."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from clerk_middleware import AsyncAuthenticator, Authenticator, ConfigurationError, asgi, wsgi


class Protocol(NamedTuple):
    middleware: Any
    authenticator: Any


@pytest.fixture(
    params=[
        pytest.param(Protocol(asgi.ClerkMiddleware, AsyncAuthenticator), id="asgi"),
        pytest.param(Protocol(wsgi.ClerkMiddleware, Authenticator), id="wsgi"),
    ]
)
def protocol(request: pytest.FixtureRequest) -> Protocol:
    given: Protocol = request.param
    return given


def app(*args: Any) -> Any:
    raise AssertionError("nothing is asked of it")


def test_the_environment_is_read_where_nothing_else_is_given(
    protocol: Protocol, monkeypatch: pytest.MonkeyPatch, issuer: Any
) -> None:
    monkeypatch.setenv("CLERK_JWT_KEY", issuer.pem)
    monkeypatch.delenv("CLERK_SECRET_KEY", raising=False)
    protocol.middleware(app)
    monkeypatch.delenv("CLERK_JWT_KEY")
    with pytest.raises(ConfigurationError, match="CLERK_SECRET_KEY"):
        protocol.middleware(app)


def test_a_configuration_and_an_authenticator_exclude_each_other(protocol: Protocol, config: Any) -> None:
    with pytest.raises(ConfigurationError, match="exclude each other"):
        protocol.middleware(app, config(), authenticator=protocol.authenticator(config()))


@pytest.mark.parametrize("protected", ["/a", []])
@pytest.mark.parametrize("public", ["/b", []])
def test_both_kinds_of_route_patterns_exclude_each_other(
    protected: Any, public: Any, protocol: Protocol, config: Any
) -> None:
    with pytest.raises(ConfigurationError, match="exclude each other"):
        protocol.middleware(app, config(), protected_routes=protected, public_routes=public)


@pytest.mark.parametrize("kind", ["protected_routes", "public_routes"])
def test_a_route_pattern_that_is_none_is_told_at_once(kind: str, protocol: Protocol, config: Any) -> None:
    with pytest.raises(ConfigurationError, match="starts with '/'"):
        protocol.middleware(app, config(), **{kind: "admin"})

"""A Clerk for the examples that need one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from clerk_middleware.backend import attempts
from clerk_middleware.local import LocalClerk, LocalServer


@pytest.fixture(scope="module")
def instance() -> LocalClerk:
    """As `clerk-middleware local` has it."""
    return LocalClerk()


@pytest.fixture(scope="module")
def instance_server(instance: LocalClerk) -> Iterator[LocalServer]:
    with instance.serve() as server:
        yield server


@pytest.fixture
def environment(
    instance: LocalClerk, instance_server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., None]]:
    """Have this process' environment variables be those of an application that uses *instance*."""
    # The pauses between two attempts at the Backend API take no time.
    monkeypatch.setattr(attempts, "_BACKOFF", 0.001)

    def prepare(*, machine: str | None = None, **variables: str) -> None:
        known = instance.environment(instance_server.url, machine=machine)
        for name, value in {**known, "CLERK_AUTHORIZED_PARTIES": "http://testserver", **variables}.items():
            monkeypatch.setenv(name, value)

    prepare()
    yield prepare
    instance.recover()

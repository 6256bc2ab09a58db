"""Flask applications with a Clerk instance, and requests to them as servers send them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from clerk_middleware.local import LocalClerk
from clerk_middleware_flask import Clerk
from clerk_middleware_flask.runtime import Runtime

SITE = "https://app.example.com"

Ask = Callable[..., TestResponse]


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CLERK_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def keys(clerk: LocalClerk) -> dict[str, Any]:
    """``app.config["CLERK_…"]`` of the production instance, which needs no network."""
    return keys_of(clerk)


@pytest.fixture
def bare_app(tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Make an application without a `Clerk`, whose exceptions reach the test."""
    made: list[Flask] = []

    def make(**options: Any) -> Flask:
        app = Flask("fleet", root_path=str(tmp_path))
        app.config.update(TESTING=True, SECRET_KEY="of these tests")
        app.config.update(options)
        made.append(app)
        return app

    yield make
    for app in made:
        installed = app.extensions.get("clerk")
        if isinstance(installed, Runtime):
            installed.close()


@pytest.fixture
def app_of(bare_app: Callable[..., Flask], clerk: LocalClerk) -> Callable[..., Flask]:
    """Make an application with a `Clerk` of the production instance, or of another one."""

    def make(instance: LocalClerk | None = None, **options: Any) -> Flask:
        app = bare_app(**(keys_of(instance or clerk) | options))
        Clerk(app)
        return app

    return make


@pytest.fixture
def app(app_of: Callable[..., Flask]) -> Flask:
    return app_of()


@pytest.fixture
def ask() -> Ask:
    """Send a request by Flask's own client; no redirect is followed, and no cookie is kept."""

    def send(
        app: Flask,
        path: str = "/",
        headers: Any = None,
        method: str = "GET",
        *,
        base_url: str = SITE,
        **options: Any,
    ) -> TestResponse:
        client = app.test_client(use_cookies=False)
        return client.open(path, base_url=base_url, method=method, headers=headers, buffered=True, **options)

    return send


def keys_of(instance: LocalClerk) -> dict[str, Any]:
    return {
        "CLERK_PUBLISHABLE_KEY": instance.publishable_key,
        "CLERK_SECRET_KEY": instance.secret_key,
        "CLERK_JWT_KEY": instance.jwt_key,
        "CLERK_AUTHORIZED_PARTIES": [SITE],
    }

"""Stages with our applications and an Express application beside each other."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from clerk_middleware.local import LocalClerk

from ..packages import for_servers
from .stage import Stage, staged
from .visitor import Visitor, new_visitor

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # One worker has them all, and starts the servers only once; but those of an example application.
        if HERE in item.path.parents and "framework" not in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("foreign clients"))


@pytest.fixture(scope="session")
def express(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Express application, with what it needs beside it, and nothing of that in this folder."""
    given = os.environ.get("E2E_PACKAGES")
    folder = tmp_path_factory.mktemp("express")
    modules = for_servers(Path(given) / "foreign" if given else folder)
    if modules.parent != folder:
        (folder / "node_modules").symlink_to(modules.resolve(), target_is_directory=True)
    for name in ("server.mjs", "conditions.json"):
        shutil.copy(HERE / name, folder)
    return folder / "server.mjs"


def fleet(**tables: Any) -> dict[str, Any]:
    """The seed that LocalClerk starts from by default, with some of its tables changed."""
    seed = tomllib.loads(resources.files("clerk_middleware.local").joinpath("fleet.toml").read_text("utf-8"))
    return {**seed, **{name: {**seed.get(name, {}), **changes} for name, changes in tables.items()}}


DEVELOPMENT: dict[str, Any] = {"instance": {"host": "local-instance-1.clerk.accounts.dev"}}
PRODUCTION: dict[str, Any] = {"instance": {"type": "production", "host": "clerk.example.com"}}
#: Version 1 of the claims, at another instance.
VERSION_1: dict[str, Any] = {
    "instance": {"host": "local-instance-2.clerk.accounts.dev"},
    "sessions": {"token_version": 1},
}


#: Where nobody is signed in entirely without an organization.
WITH_TASKS: dict[str, Any] = {
    "instance": {"host": "local-instance-3.clerk.accounts.dev"},
    "sessions": {"force_organization_selection": True},
}


@pytest.fixture(scope="session")
def set_up(express: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Stage]]:
    """Sets a stage up, by what the seed is and by the options of `staged`, until the last test is over."""
    with ExitStack() as stack:

        def set_up(tables: dict[str, Any], **options: Any) -> Stage:
            log = tmp_path_factory.mktemp("stage") / "log"
            return stack.enter_context(staged(LocalClerk(fleet(**tables)), express, log, **options))

        yield set_up


@pytest.fixture(scope="session")
def development(set_up: Callable[..., Stage]) -> Stage:
    return set_up(DEVELOPMENT)


@pytest.fixture(scope="session")
def production(set_up: Callable[..., Stage]) -> Stage:
    return set_up(PRODUCTION)


@pytest.fixture(scope="session")
def version_1(set_up: Callable[..., Stage]) -> Stage:
    return set_up(VERSION_1)


@pytest.fixture(scope="session")
def with_tasks(set_up: Callable[..., Stage]) -> Stage:
    return set_up(WITH_TASKS)


@pytest.fixture(params=["development", "production"])
def stage(request: pytest.FixtureRequest) -> Stage:
    """Each type of instance in turn: their handshakes differ."""
    found: Stage = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    """A browser that knows nobody."""
    with new_visitor() as visitor:
        yield visitor

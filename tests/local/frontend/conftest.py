"""Pages that ask a LocalClerk's Frontend API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware.local.records import Session

from .page import Page


@pytest.fixture
def new_browser(server: LocalServer) -> Iterator[Callable[[], httpx.Client]]:
    """Each call is a browser of its own, with no cookies yet."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(httpx.Client(base_url=server.url))


@pytest.fixture
def new_page(new_browser: Callable[[], httpx.Client]) -> Callable[[], Page]:
    """Each call is a page in a browser of its own that has its dev browser token."""
    return lambda: Page(new_browser()).begin()


@pytest.fixture
def page(new_page: Callable[[], Page]) -> Page:
    return new_page()


@pytest.fixture
def signed_in(
    clerk: LocalClerk, new_browser: Callable[[], httpx.Client]
) -> Callable[..., tuple[Page, Session]]:
    """Each call is a page in a browser of its own, in which a user is signed in, and the session."""

    def sign_in(
        user_id: str, organization: str | None = None, *, actor: dict[str, Any] | None = None
    ) -> tuple[Page, Session]:
        session = clerk.sign_in(user_id, organization, actor=actor)
        assert session.client is not None
        return Page(new_browser(), token=session.client.token), session

    return sign_in


@pytest.fixture
def several_sessions(clock: Any) -> LocalClerk:
    """A LocalClerk in whose browsers several people are signed in at once."""
    return LocalClerk(seed_with(sessions={"multi_session": True}), clock=clock)


def seed_with(**tables: dict[str, Any]) -> dict[str, Any]:
    """A small company, with tables of a seed in addition."""
    return {
        "users": [
            {"id": "user_ada", "email": "ada@example.com", "password": "fleet-demo"},
            {
                "id": "user_bob",
                "email": "bob@example.com",
                "password": "fleet-demo",
                "username": "bob_the_1st",
            },
        ],
        **tables,
    }


@pytest.fixture
def node_modules(tmp_path: Path) -> Path:
    """What npm installs, as far as LocalClerk looks at it."""
    root = tmp_path / "node_modules"
    for package, version in (("clerk-js", "6.40.0"), ("ui", "1.36.0")):
        dist = root / "@clerk" / package / "dist"
        dist.mkdir(parents=True)
        (dist.parent / "package.json").write_text(f'{{"name": "@clerk/{package}", "version": "{version}"}}')
        (dist.parent / "secret.js").write_text("secret")
    (root / "@clerk" / "clerk-js" / "dist" / "clerk.browser.js").write_text("/* clerk-js */")
    (root / "@clerk" / "ui" / "dist" / "deep").mkdir()
    (root / "@clerk" / "ui" / "dist" / "deep" / "style.css").write_text("p {}")
    return root

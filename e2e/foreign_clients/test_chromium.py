"""Who signs in at an example application by Clerk's components is signed in at an Express server, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from .. import people
from ..fleet import Fleet
from .serving import listening, served_by_node


@pytest.fixture
def beside(fleet: Fleet, express: Path, tmp_path: Path) -> Iterator[str]:
    """Where the Express application is, which knows the same LocalClerk."""
    with closing(listening()) as on:
        url = f"http://localhost:{on.getsockname()[1]}"
        environment = {
            **fleet.clerk.environment(fleet.clerk_url),
            "CLERK_AUTHORIZED_PARTIES": f"{fleet.url},{url}",
            "CLERK_TELEMETRY_DISABLED": "1",
        }
        with served_by_node(express, on, environment=environment, log=tmp_path / "log"):
            yield url


def seen(page: Page, by: str) -> dict[str, Any]:
    """What the Express application says of the browser."""
    tab = people.settled(page).context.new_page()
    response = tab.goto(f"{by}/who")
    assert response
    assert response.ok
    described: dict[str, Any] = response.json()
    tab.close()
    return described


def test_a_browser_is_signed_in_and_out_at_both(fleet: Fleet, page: Page, beside: str) -> None:
    person = fleet.person("org:dispatcher")
    assert not seen(page, beside)["isAuthenticated"]
    people.sign_in(page, person)
    who = seen(page, beside)
    assert (who["userId"], who["orgRole"]) == (person.id, "org:dispatcher")
    assert who["sessionClaims"]["azp"] == fleet.url, "it is the cookie that Clerk's script keeps there"
    people.settled(page).goto("/dashboard")
    people.expect_dashboard(page, person)
    people.sign_out(page)
    people.expect_at(page, "/")
    people.expect_signed_out(page)
    assert not seen(page, beside)["isAuthenticated"]

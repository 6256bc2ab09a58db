"""The application of docs/components.md, as it stands there, with the script that it says to copy."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from clerk_middleware.local import LocalClerk

from .fleet import PASSWORD, Person
from .foreign_clients.serving import listening, served_by_uvicorn
from .people import give_credentials
from .servers import ROOT
from .watcher import Watcher


@pytest.fixture
def clerk(node_modules: Path) -> Iterator[tuple[LocalClerk, str]]:
    clerk = LocalClerk(node_modules=node_modules)
    with clerk.serve() as server:
        yield clerk, server.url


def test_the_application_of_the_page_signs_in_under_its_policy(
    clerk: tuple[LocalClerk, str],
    browser: Browser,
    watch: Watcher,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    local, clerk_url = clerk
    (tmp_path / "static").mkdir()
    shutil.copy(ROOT / "example_apps/fleet/static/clerk.js", tmp_path / "static")
    monkeypatch.chdir(tmp_path)
    (sample,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "docs/components.md").read_text("utf-8"), re.S | re.M
    )
    with listening() as socket:
        url = f"http://localhost:{socket.getsockname()[1]}"
        for name, value in local.environment(clerk_url, proxy="/__clerk").items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("CLERK_AUTHORIZED_PARTIES", url)
        names: dict[str, object] = {"__name__": "docs_components"}
        exec(compile(sample, "docs/components.md", "exec", dont_inherit=True), names)  # noqa: S102
        user = local.create_user("rosa@example.com", first_name="Rosa", password=PASSWORD)
        with served_by_uvicorn(names["app"], socket):
            context = browser.new_context(base_url=url)
            try:
                watch.follow(context)
                page = context.new_page()
                page.goto("/dashboard")
                give_credentials(page, Person(user.id, user.email, "Rosa"))
                expect(page.get_by_role("heading", level=1)).to_have_text(f"Hello, {user.id}")
                page.get_by_role("button", name="Open user menu").click()
                page.get_by_role("button", name="Manage account").click()
                expect(page.get_by_role("heading", name="Profile details")).to_be_visible()
            finally:
                context.close()

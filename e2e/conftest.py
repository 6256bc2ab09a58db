"""The example applications in Chromium, with Clerk's own JavaScript, and a LocalClerk behind each.

Run them with ``tox -e e2e``, or ``pytest e2e -n 2 --dist loadgroup`` where playwright is installed. They
need ``chromium`` and ``npm`` on the path; Clerk's packages are downloaded into the folder that E2E_PACKAGES
names, or into a temporary one.

What a test asks for:

`fleet`
    A `Fleet`: an example application (each test runs for all three) at ``fleet.url``, and the `LocalClerk`
    behind it, ``fleet.clerk``, to change users and sessions with. It is shared by the tests of one framework,
    so a test makes its own users: ``fleet.person("org:dispatcher")``. Those of LocalClerk's own seed may be
    signed in, too, but not be changed. A test that needs another LocalClerk or configuration says so::

        @pytest.mark.fleet(session_token_lifetime=5, seed={"multi_session": True}, environment={...})

    (see `fleet.started` for what it may say), and shares it with the tests that say the same.
`both`
    A new user who is a dispatcher in one company, and the administrator of another.
`page`
    A tab of a new browser, which knows nobody; `page.goto("/dashboard")` is of the application.
`new_browser`
    Another browser: ``new_browser(java_script_enabled=False).new_page()``. Tabs of one browser share cookies:
    ``page.context.new_page()``.
`watch`
    What the browsers complain of. Unexpected complaints fail the test; ``watch.expect("401 GET .*/api/me")``.

What people do on the pages is in `people`.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

sys.path.append(
    str(Path(__file__).parents[1])
)  # after the package under test, if that is installed elsewhere

from .fleet import BLUE_RIDGE, HARBOR, Fleet, Person, started
from .packages import for_browsers
from .servers import FRAMEWORKS, Framework
from .traffic import watch_traffic
from .watcher import Watcher

#: Milliseconds for anything that a page does: many times what it takes.
PATIENCE = 20_000
#: Nothing but this machine is there.
_HOSTS = "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1"
#: How many applications run at a time: the least recently used one is stopped for another.
_MOST_FLEETS = 4
_MOST_OF_A_LOG = 5_000  # characters

expect.set_options(timeout=PATIENCE)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "fleet(**options): an application and a LocalClerk other than usual: see e2e/fleet.py"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        call = getattr(item, "callspec", None)
        if call is not None and "framework" in call.params:
            # One worker has all tests of an application, and starts it once.
            item.add_marker(pytest.mark.xdist_group(f"{call.params['framework']} {_options(item)}"))


def _options(item: pytest.Item) -> dict[str, Any]:
    """What the test wants other than usual."""
    marker = item.get_closest_marker("fleet")
    return dict(marker.kwargs) if marker else {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    fleet = getattr(item, "funcargs", {}).get("fleet")
    if report.failed and isinstance(fleet, Fleet):
        report.sections.append(("What the application wrote", fleet.log.read_text()[-_MOST_OF_A_LOG:]))
    return report


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    given = os.environ.get("E2E_PACKAGES")
    return for_browsers(Path(given) if given else tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "these tests need Debian's Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                f"--host-resolver-rules={_HOSTS}",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session", params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest) -> Framework:
    chosen: Framework = request.param
    return chosen


@pytest.fixture(scope="session")
def fleets(node_modules: Path) -> Iterator[Callable[..., Fleet]]:
    """Starts what is not running yet."""
    running: dict[str, tuple[AbstractContextManager[Fleet], Fleet]] = {}

    def fleet(framework: Framework, **options: Any) -> Fleet:
        key = f"{framework} {sorted(options.items())}"
        if key in running:
            running[key] = running.pop(key)  # now the last
        else:
            while len(running) >= _MOST_FLEETS:
                oldest, _ = running.pop(next(iter(running)))
                oldest.__exit__(None, None, None)
            manager = started(framework, node_modules, **options)
            running[key] = manager, manager.__enter__()
        return running[key][1]

    yield fleet
    for manager, _ in running.values():
        manager.__exit__(None, None, None)


@pytest.fixture
def fleet(request: pytest.FixtureRequest, framework: Framework, fleets: Callable[..., Fleet]) -> Fleet:
    return fleets(framework, **_options(request.node))


@pytest.fixture
def both(fleet: Fleet) -> Person:
    person = fleet.person("org:dispatcher", BLUE_RIDGE)
    fleet.clerk.create_organization_membership(HARBOR, person.id, "org:admin")
    return person


@pytest.fixture
def watch() -> Iterator[Watcher]:
    watcher = Watcher()
    yield watcher
    watcher.check()


@pytest.fixture
def new_browser(browser: Browser, fleet: Fleet, watch: Watcher) -> Iterator[Callable[..., BrowserContext]]:
    contexts: list[BrowserContext] = []

    def new(**options: Any) -> BrowserContext:
        usual: dict[str, Any] = {"base_url": fleet.url, "color_scheme": "light", "reduced_motion": "reduce"}
        context = browser.new_context(**(usual | options))
        context.set_default_timeout(PATIENCE)
        watch.follow(context)
        watch_traffic(context)
        contexts.append(context)
        return context

    yield new
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_browser: Callable[..., BrowserContext]) -> Page:
    return new_browser().new_page()

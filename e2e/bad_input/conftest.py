"""What tests of bad input ask for, besides the fixtures of ``e2e/conftest.py``.

`stage`
    A `Stage`: an application, and a LocalClerk that may be stopped, replaced, or have a clock that is wrong.
    It is set right again after the test. `fleet`, and so `page` and `new_browser`, are of it.
`visitor`, `plain_visitor`
    A `Visitor`, with and without JavaScript: somebody who is signed in after ``visitor.go(visitor.arrival)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from ..fleet import Fleet
from ..servers import Framework
from ..watcher import Watcher
from .stage import Stage, staged
from .visitor import Visitor, visiting


@pytest.fixture(scope="session")
def stages(node_modules: Path) -> Iterator[Callable[[Framework], Stage]]:
    """Starts the one of a framework, and stops that of another."""
    running: dict[Framework, Stage] = {}
    with ExitStack() as stack:

        def stage(framework: Framework) -> Stage:
            if framework not in running:
                stack.close()
                running.clear()
                running[framework] = stack.enter_context(staged(framework, node_modules))
            return running[framework]

        yield stage


@pytest.fixture
def stage(framework: Framework, stages: Callable[[Framework], Stage]) -> Iterator[Stage]:
    stage = stages(framework)
    yield stage
    stage.set_right()


@pytest.fixture
def fleet(stage: Stage) -> Fleet:
    return stage.fleet


@pytest.fixture
def watch() -> Iterator[Watcher]:
    """Does not count redirects: `Visitor.expect_few_steps` does."""
    watcher = Watcher(most_handshakes=100)
    yield watcher
    watcher.check()


@pytest.fixture
def visitor(fleet: Fleet, page: Page, watch: Watcher) -> Visitor:
    return visiting(fleet, page, watch)


@pytest.fixture
def plain_visitor(fleet: Fleet, new_browser: Callable[..., BrowserContext], watch: Watcher) -> Visitor:
    return visiting(fleet, new_browser(java_script_enabled=False).new_page(), watch)

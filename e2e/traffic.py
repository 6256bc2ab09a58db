"""What a browser is asking for right now."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page, Request

#: Seconds without any request, after which a page will make none by itself.
_QUIET: Final = 0.5
_LONGEST: Final = 20.0
_LOOK: Final = 50  # milliseconds


class Traffic:
    """Of all tabs of one browser. `Page.wait_for_load_state` tells of the first quiet of a document only."""

    def __init__(self, browser: BrowserContext) -> None:
        self._under_way: set[Request] = set()
        self._last = time.monotonic()
        browser.on("request", self._begins)
        browser.on("requestfinished", self._ends)
        browser.on("requestfailed", self._ends)

    def wait_for_quiet(self, page: Page) -> None:
        """Wait until nothing has been asked for in a while."""
        give_up = time.monotonic() + _LONGEST
        while self._under_way or time.monotonic() < self._last + _QUIET:
            assert time.monotonic() < give_up, f"there is no end to {_urls(self._under_way)}"
            page.wait_for_timeout(_LOOK)  # which has the events told, too

    def _begins(self, request: Request) -> None:
        self._under_way.add(request)
        self._last = time.monotonic()

    def _ends(self, request: Request) -> None:
        self._under_way.discard(request)
        self._last = time.monotonic()


_browsers: WeakKeyDictionary[BrowserContext, Traffic] = WeakKeyDictionary()


def watch_traffic(browser: BrowserContext) -> None:
    """Before it has any tab."""
    _browsers[browser] = Traffic(browser)


def traffic_of(browser: BrowserContext) -> Traffic:
    return _browsers[browser]


def _urls(requests: Iterable[Request]) -> list[str]:
    return [request.url for request in requests] or ["requests"]

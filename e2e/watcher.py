"""What a browser complains of, and where it goes: every test fails for what it did not expect."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

#: The path of the Frontend API's that a browser is sent to, to say who is signed in.
HANDSHAKE: Final = "/__clerk/v1/client/handshake"

#: In the console, where they are not lost even if the page changes at once.
_REPORT_VIOLATIONS: Final = """
addEventListener("securitypolicyviolation", (event) => console.error(
    `Content-Security-Policy: ${event.effectiveDirective}, ${event.blockedURI}, on ${event.documentURI}`));
"""
#: What Chromium logs of an answer or a failure that `_answered` and `_failed` see as well.
_SEEN_OTHERWISE: Final = "Failed to load resource: "
#: A request that was under way when the page changed.
_GIVEN_UP: Final = "net::ERR_ABORTED"


@dataclass
class Visit:
    """One document that was asked for in a tab, after how many redirects, and what the answer was."""

    url: str
    redirects: int
    status: int | None = None

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


@dataclass
class Watcher:
    """Watches all tabs of one browser.

    What is unexpected: errors in the console and in scripts, violations of the Content Security Policy,
    answers from 400 on, requests that fail or go anywhere but to this machine, and navigations that go in
    circles. A test that provokes one says so: ``watch.expect("403 POST .*/pay")``.
    """

    #: How many handshakes one navigation may take, for each application on its way: a satellite and its
    #: primary application may each need one. More are a loop, which Clerk's SDKs break off after three.
    most_handshakes: int = 1
    problems: list[str] = field(default_factory=list)
    #: Every document of every tab, redirects included, in the order in which they were asked for.
    visits: list[Visit] = field(default_factory=list)
    _expected: list[str] = field(default_factory=list)

    def follow(self, context: BrowserContext) -> None:
        context.add_init_script(_REPORT_VIOLATIONS)
        context.on("page", self._follow_tab)
        context.on("request", self._requested)
        context.on("response", self._answered)
        context.on("requestfailed", self._failed)
        context.on("console", self._said)

    def expect(self, pattern: str) -> None:
        """Something that the test provokes, as a regular expression of what `problems` would hold.

        It has to occur, once or more often.
        """
        self._expected.append(pattern)

    def documents(self, since: int = 0) -> list[str]:
        """The paths of what was asked for, for instance to see that nothing goes in circles."""
        return [visit.path for visit in self.visits[since:]]

    def check(self) -> None:
        """Fail for what was not expected, and for what was expected and never came."""
        unexpected = [
            problem
            for problem in self.problems
            if not any(re.search(each, problem) for each in self._expected)
        ]
        assert not unexpected, "\n".join(["the browser complains:", *unexpected])
        missing = [
            each for each in self._expected if not any(re.search(each, problem) for problem in self.problems)
        ]
        assert not missing, f"expected, but it did not happen: {missing}; there was: {self.problems}"

    def _follow_tab(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))

    def _requested(self, request: Request) -> None:
        url = urlsplit(request.url)
        host = url.hostname or ""
        if url.scheme in ("http", "https", "ws", "wss") and not (
            host in ("127.0.0.1", "localhost") or host.endswith(".localhost")
        ):
            self.problems.append(f"elsewhere: {request.method} {request.url}")
        if not _is_document(request):
            return
        chain = _chain(request)
        self.visits.append(Visit(request.url, len(chain) - 1))
        asking = _asking(request.url)
        if asking is not None and [_asking(url) for url in chain].count(asking) > self.most_handshakes:
            self.problems.append(f"another handshake: {' → '.join(urlsplit(url).path for url in chain)}")

    def _answered(self, response: Response) -> None:
        request = response.request
        if _is_document(request):
            visit = next(visit for visit in reversed(self.visits) if visit.url == request.url)
            visit.status = response.status
        if response.status >= 400:
            self.problems.append(f"{response.status} {request.method} {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != _GIVEN_UP:
            self.problems.append(f"{request.failure} {request.method} {request.url}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_SEEN_OTHERWISE):
            self.problems.append(f"console: {message.text}")


def _is_document(request: Request) -> bool:
    """Whether it is for a tab. (Requests of a service worker have no frame.)"""
    return request.is_navigation_request() and request.frame.parent_frame is None


def _chain(request: Request) -> list[str]:
    """The URLs of the redirects that led to a request, and its own."""
    before: Any = request.redirected_from
    return [*([] if before is None else _chain(before)), request.url]


def _asking(url: str) -> str | None:
    """Which application a handshake is for; `None` for another URL."""
    parts = urlsplit(url)
    if parts.path != HANDSHAKE:
        return None
    return urlsplit("".join(parse_qs(parts.query).get("redirect_url", []))).netloc

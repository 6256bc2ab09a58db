"""``clerk-middleware demo --check``: walk through the demo over HTTP, and say of each step if it works."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qs, urlsplit

from clerk_middleware.publishable_key import PublishableKey

from .browser import Browser
from .stage import PROXY

if TYPE_CHECKING:
    import httpx

    from clerk_middleware.local import Session

    from .applications import Part
    from .stage import AdjustableClock, Demo

__all__ = ["Tour", "Unexpected", "expect", "needing", "walk"]

T = TypeVar("T")
Step = Callable[["Tour"], None]

_NEEDED: dict[Step, Part] = {}


def needing(part: Part) -> Callable[[Step], Step]:
    """A step that only some of the applications can take."""

    def remember(step: Step) -> Step:
        _NEEDED[step] = part
        return step

    return remember


class Unexpected(Exception):
    """A step did not go as it should; the message says what was expected and what came."""


def expect(what: str, came: T, expected: T | Callable[[T], bool], *, as_text: str | None = None) -> T:
    """Raise `Unexpected` unless *came* is what is *expected*, or fulfils it."""
    is_right = expected(came) if callable(expected) else came == expected
    if not is_right:
        wanted = as_text or repr(expected)
        raise Unexpected(f"expected {what}: {wanted}\nbut got  {' ' * len(what)}: {came!r}")
    return came


class Tour:
    """What the steps share: the demo, and a browser for each of its users."""

    def __init__(self, demo: Demo, clock: AdjustableClock, browsers: ExitStack) -> None:
        self.demo = demo
        self.clerk = demo.clerk
        self.clock = clock
        self._stack = browsers
        self._browsers: dict[str, Browser] = {}

    @property
    def cookie_suffix(self) -> str:
        """What tells the cookies of this Clerk instance from those of others."""
        return PublishableKey.parse(self.clerk.publishable_key).cookie_suffix

    def url(self, path: str) -> str:
        return f"{self.demo.app_url}{path}"

    def clerk_page(self, path: str) -> str:
        return f"{self.demo.clerk_url}{path}"

    def browser(self, name: str) -> Browser:
        """The browser of that name; a new one on first use."""
        if name not in self._browsers:
            self._browsers[name] = self._stack.enter_context(closing(Browser()))
        return self._browsers[name]

    def sign_in(self, name: str, user_id: str, path: str, code: str | None = None) -> httpx.Response:
        """Sign in on LocalClerk's page, on the way to a page of the application."""
        browser = self.browser(name)
        page = browser.visit(self.url(path))
        expect("the page to sign in", urlsplit(str(page.url)).path, "/sign-in")
        answer = browser.submit(str(page.url), {"user_id": user_id, "password": "fleet-demo"})
        if code is not None:
            expect("the page for the second factor", urlsplit(str(answer.url)).path, "/sign-in/factor-two")
            answer = browser.submit(str(answer.url), {"code": code})
        return answer

    def signed_in_earlier(self, name: str, user_id: str, organization: str, minutes: float) -> Session:
        """A browser with a session that began some minutes ago."""
        with self.clock.minutes_ago(minutes):
            session = self.clerk.sign_in(user_id, organization)
        if session.client is None:
            raise Unexpected("LocalClerk has no browser for the session")
        self.page(self.browser(name).visit(self.url(f"/dashboard?__clerk_db_jwt={session.client.token}")))
        return session

    def let_token_expire(self, name: str, session: Session) -> None:
        """Put a token of 90 seconds ago in the place of the browser's, which lives for 60."""
        token = self.clerk.session_token(session, azp=self.demo.app_url, issued_at=time.time() - 90)
        self.browser(name).replace_cookie("__session", token)

    def page(self, answer: httpx.Response, text: str = "", *, status: int = 200) -> httpx.Response:
        """Expect a page of the application's, and that it holds *text*."""
        expect("status", answer.status_code, status)
        expect("a page of", f"{answer.url.scheme}://{answer.url.netloc.decode()}", self.demo.app_url)
        expect("content-type", answer.headers.get("content-type", ""), "text/html; charset=utf-8")
        expect("no token in the URL", str(answer.url), lambda url: "__clerk" not in url, as_text="none")
        if text not in answer.text:
            raise Unexpected(f"expected the page to say: {text!r}\nbut it does not")
        return answer

    def sent_to(self, answer: httpx.Response, path: str) -> dict[str, str]:
        """Expect a redirect to LocalClerk; returns the query."""
        expect("status", answer.status_code, 307)
        target = urlsplit(answer.headers.get("location", ""))
        expect("Location", f"{target.scheme}://{target.netloc}{target.path}", self.clerk_page(path))
        return {name: values[0] for name, values in parse_qs(target.query).items()}

    def handshake_of(self, answer: httpx.Response) -> dict[str, str]:
        """Expect that a visit went by exactly one handshake, through the proxy; returns its query."""
        handshake = self.url(f"{PROXY}/v1/client/handshake")
        queries = [
            {name: values[0] for name, values in parse_qs(urlsplit(str(hop.url)).query).items()}
            for hop in answer.history
            if str(hop.url).partition("?")[0] == handshake
        ]
        expect("handshakes on the way", len(queries), 1)
        return queries[0]


def walk(demo: Demo, clock: AdjustableClock, print_line: Callable[[str], None] = print) -> bool:
    """Take every step, and tell whether all of them went well."""
    from .steps import STEPS

    failed = skipped = 0
    started = time.monotonic()
    with ExitStack() as browsers:
        tour = Tour(demo, clock, browsers)
        for step in STEPS:
            part = _NEEDED.get(step)
            if part is not None and part not in demo.application.parts:
                skipped += 1
                print_line(f"skip  {step.__doc__}\n        {demo.application.module} does not have {part}")
                continue
            problem = _take(step, tour)
            failed += problem is not None
            print_line(f"{'ok  ' if problem is None else 'FAIL'}  {step.__doc__}")
            for line in (problem or "").splitlines():
                print_line(f"        {line}")
    taken, seconds = len(STEPS) - skipped, time.monotonic() - started
    left_out = f"; {skipped} skipped" if skipped else ""
    print_line(f"\n{taken - failed} of {taken} steps went well, in {seconds:.1f} s{left_out}.")
    return not failed


def _take(step: Step, tour: Tour) -> str | None:
    try:
        step(tour)
    except Unexpected as unexpected:
        return str(unexpected)
    except Exception as error:  # whatever it is, the other steps are worth taking
        return f"{type(error).__name__}: {error}"
    return None

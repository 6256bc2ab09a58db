"""A browser that sends what it should not, where that ends, and after how many steps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect

from clerk_middleware import PublishableKey
from clerk_middleware.local import LocalClerk, Session

from ..fleet import PROXY, Fleet, Person
from ..people import expect_at, give_credentials, settled
from ..watcher import HANDSHAKE, Visit, Watcher

#: Of cookies that prove something, hence are on no page.
_SECRET_COOKIES: Final = ("__session", "__refresh", "__clerk_db_jwt", "__client", "__local_clerk_client")
_LONG_ENOUGH: Final = 16  # a shorter value is on a page by chance


@dataclass(frozen=True)
class Visitor:
    """A tab of a browser, and somebody who may be signed in there."""

    fleet: Fleet
    page: Page
    person: Person
    session: Session
    watch: Watcher

    @property
    def suffix(self) -> str:
        return suffix_of(self.fleet.clerk)

    @property
    def arrival(self) -> str:
        """A page's path, by which the browser is signed in without a form."""
        return self.fleet.arrival(self.session)

    def cookies(self) -> dict[str, str]:
        """Those that the browser has now, without the counters of what it did a moment ago."""
        found = {cookie["name"]: cookie["value"] for cookie in self._jar()}
        return {name: value for name, value in found.items() if not name.endswith("_count")}

    def _jar(self) -> list[Any]:
        jar: list[Any] = self.page.context.cookies(self.fleet.url)
        return jar

    def have_cookies(self, cookies: Mapping[str, str | None]) -> None:
        """Those, and no other."""
        self.page.context.clear_cookies()
        self.page.context.add_cookies(
            [
                {"name": name, "value": value, "url": self.fleet.url}
                for name, value in cookies.items()
                if value is not None
            ]
        )

    def both(self, name: str, value: str | None) -> dict[str, str | None]:
        """A cookie and its twin, by which instances on one host are told apart."""
        return {name: value, f"{name}_{self.suffix}": value}

    def go(self, path: str = "/dashboard", *, handshakes: int = 1, rounds: int = 1) -> str:
        """Visit a page, and say how it ended: ``signed in``, ``signed out`` or the status.

        :param handshakes: how many there may be, between the first redirect and a page.
        :param rounds: how often a page may ask for another one; and that has to be over.
        """
        before = len(self.watch.visits)
        self.page.goto(path, wait_until="domcontentloaded")
        ending = self.ending()
        self.expect_few_steps(before, handshakes=handshakes, rounds=rounds)
        return ending

    def ending(self) -> str:
        """Where the browser is, without JavaScript: a page comes with all that it says."""
        self.expect_no_secret()
        heading = self.page.get_by_role("heading", level=1)
        if urlsplit(self.page.url).path == "/sign-in":
            return "signed out"
        status = self.watch.visits[-1].status
        if status != 200:
            return str(status)
        assert self.is_greeted(heading.inner_text()), "somebody else is signed in"
        return "signed in"

    def is_greeted(self, text: str) -> bool:
        return text in (f"Hello, {self.person.first_name}", f"Hello, {self.person.id}")

    def sign_in(self) -> None:
        """By Clerk's form, which is there."""
        give_credentials(self.page, self.person)

    def expect_signed_in(self) -> None:
        """The server knows who it is, and Clerk's script agrees: so nothing more happens."""
        expect_at(self.page, "/dashboard")
        expect(self.page.get_by_role("heading", level=1)).to_have_text(
            re.compile(rf"Hello, ({self.person.first_name}|{self.person.id})")
        )
        expect(self.page.get_by_role("button", name="Open user menu")).to_be_visible()
        settled(self.page)
        self.expect_no_secret()

    def expect_signed_out(self) -> None:
        """Clerk's form is there, which sends on whom Clerk's script takes for signed in."""
        expect(self.page.get_by_label("Email address")).to_be_visible()
        assert urlsplit(self.page.url).path == "/sign-in"
        self.expect_no_secret()

    def expect_no_secret(self) -> None:
        """Neither on the page nor in its URL."""
        content, url = self.page.content(), self.page.url
        assert self.fleet.clerk.secret_key not in content
        for cookie in self._jar():
            if cookie["name"].startswith(_SECRET_COOKIES) and len(cookie["value"]) >= _LONG_ENOUGH:
                assert cookie["value"] not in content, f"{cookie['name']} is on the page"
                if not urlsplit(url).path.startswith(f"{PROXY}/"):  # Clerk's own URLs are as Clerk has them
                    assert cookie["value"] not in url, f"{cookie['name']} is in the URL"

    def expect_few_steps(self, since: int, *, handshakes: int = 1, rounds: int = 1) -> None:
        """Of all documents since then: see `go`."""
        seen = journeys(self.watch.visits[since:])
        story = "\n".join(" → ".join(visit.path for visit in journey) for journey in seen)
        assert len(seen) <= rounds, f"more than {rounds} pages, one after the other:\n{story}"
        for journey in seen:
            paths = [visit.path for visit in journey]
            assert paths.count(HANDSHAKE) <= handshakes, f"too many handshakes:\n{story}"
            ours = [path for path in paths[:-1] if not path.startswith(f"{PROXY}/")]
            to_sign_in = paths[-1].startswith("/sign-in")
            assert len(ours) - to_sign_in <= max(3, 2 * handshakes), f"too many redirects:\n{story}"


def journeys(visits: Sequence[Visit]) -> list[list[Visit]]:
    """What was asked for, each with the redirects to which that led."""
    found: list[list[Visit]] = []
    for visit in visits:
        if visit.redirects == 0:
            found.append([])
        found[-1].append(visit)
    return found


def suffix_of(clerk: LocalClerk) -> str:
    return PublishableKey.parse(clerk.publishable_key).cookie_suffix


def visiting(fleet: Fleet, page: Page, watch: Watcher) -> Visitor:
    """Somebody who has a session that the browser does not know of yet."""
    person = fleet.person("org:dispatcher")
    return Visitor(fleet, page, person, fleet.session(person), watch)

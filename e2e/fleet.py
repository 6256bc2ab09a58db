"""An example application that signs in with a LocalClerk, and what tests do with the two."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from typing import Any, Final

from clerk_middleware.local import LocalClerk, Seed, Session, load_seed

from .servers import Framework, listen, serving

PASSWORD: Final = "correct horse battery staple"
#: Where the application proxies the Frontend API.
PROXY: Final = "/__clerk"

BLUE_RIDGE: Final = "blue-ridge-freight"
HARBOR: Final = "harbor-lines"


@dataclass(frozen=True)
class Person:
    """A user who was made for one test."""

    id: str
    email: str
    first_name: str
    password: str = PASSWORD
    #: What they work for, and is active when they arrive.
    organization: str | None = None


@dataclass(frozen=True)
class Fleet:
    """An application that is being served at `url`, and the `clerk` behind it."""

    framework: Framework
    url: str
    clerk: LocalClerk
    clerk_url: str
    log: Path
    #: Of the second application, where there is one.
    satellite_url: str | None = None

    def person(self, role: str | None = None, organization: str = BLUE_RIDGE, **fields: Any) -> Person:
        """A new user; with a *role*, such as ``org:admin``, a member of *organization* (id or slug).

        The fields are those of `LocalClerk.create_user`.
        """
        name = f"P{secrets.token_hex(4)}"
        given = {"first_name": name, "last_name": "Test", "password": PASSWORD, **fields}
        user = self.clerk.create_user(f"{name.lower()}@example.com", **given)
        if role is not None:
            self.clerk.create_organization_membership(organization, user.id, role)
        works_for = organization if role is not None else None
        return Person(user.id, user.email, given["first_name"], given["password"], works_for)

    def session(self, person: Person) -> Session:
        """One that no browser knows of before it visits the `arrival`."""
        session = self.clerk.sign_in(person.id, person.organization)
        session.authorized_party = self.url
        return session

    def arrival(self, session: Session, path: str = "/dashboard") -> str:
        """A page's path, by which a new browser is signed in without a form."""
        assert session.client is not None
        return f"{path}?__clerk_db_jwt={session.client.token}"

    def prove_earlier(self, person: Person, *, minutes: float) -> None:
        """Have it been so long ago that the user proved who they are. The next token says so."""
        for session in self.sessions_of(person):
            self.clerk.prove_earlier(session, minutes=minutes)

    def sessions_of(self, person: Person) -> list[Session]:
        """Those that a browser is signed in to."""
        return self.clerk.sessions(person.id)


@contextmanager
def started(
    framework: Framework,
    node_modules: Path,
    *,
    seed: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    satellite: bool = False,
    **options: Any,
) -> Iterator[Fleet]:
    """An application and a LocalClerk of its own, until the block ends.

    :param seed: what is other than in the seed that comes with LocalClerk: fields of `Seed`.
    :param environment: of the application, in addition; ``{clerk}`` in a value is LocalClerk's URL.
    :param satellite: whether there is a second application, at another host: its users sign in at the first.
    :param options: of `LocalClerk`, such as ``session_token_lifetime``.
    """
    with ExitStack() as stack:
        clerk = LocalClerk(_seed(seed or {}), node_modules=node_modules, **options)
        clerk_url = stack.enter_context(clerk.serve()).url
        more = {name: value.replace("{clerk}", clerk_url) for name, value in (environment or {}).items()}

        def serve(listening: socket, url: str, changes: Mapping[str, str]) -> Path:
            webhooks = clerk.add_webhook_endpoint(f"{url}/webhooks/clerk", ["user.*"])
            variables = {
                **clerk.environment(clerk_url, proxy=PROXY, machine="mch_fleet_api", webhooks=webhooks),
                "CLERK_AUTHORIZED_PARTIES": url,
                "CLERK_SIGN_IN_URL": "/sign-in",
                "CLERK_SIGN_UP_URL": "/sign-up",
                "FLEET_COMPONENTS": "1",
            }
            folder = Path(stack.enter_context(TemporaryDirectory(prefix=f"e2e-{framework}-")))
            return stack.enter_context(
                serving(framework, listening, {**variables, **changes, **more}, folder)
            )

        listening = stack.enter_context(listen())
        url = f"http://localhost:{listening.getsockname()[1]}"
        satellite_url = None
        parties = url
        if satellite:
            elsewhere = stack.enter_context(listen())
            satellite_url = f"http://satellite.localhost:{elsewhere.getsockname()[1]}"
            parties = f"{url},{satellite_url}"
            serve(
                elsewhere,
                satellite_url,
                {
                    "CLERK_IS_SATELLITE": "true",
                    "CLERK_SIGN_IN_URL": f"{url}/sign-in",
                    "CLERK_SIGN_UP_URL": f"{url}/sign-up",
                },
            )
        log = serve(listening, url, {"CLERK_AUTHORIZED_PARTIES": parties})
        yield Fleet(framework, url, clerk, clerk_url, log, satellite_url)


def _seed(changes: Mapping[str, Any]) -> Seed:
    return replace(load_seed(None), **changes)

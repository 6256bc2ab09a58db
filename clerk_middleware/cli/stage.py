"""The demo's two servers: a LocalClerk, and an application that is configured for it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .applications import ExampleApplication
from .extras import import_of_extra
from .failure import CommandFailed
from .serving import listen, origins_of, url_of

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from clerk_middleware.asgi_scope import ASGIApp
    from clerk_middleware.local import LocalClerk, Seed

__all__ = ["PROXY", "WEBHOOKS", "AdjustableClock", "Demo", "set_up"]


#: What the application is to services that call it.
_MACHINE = "mch_fleet_api"
#: Where the applications serve the Frontend API, and take webhooks in.
PROXY = "/__clerk"
WEBHOOKS = "/webhooks/clerk"


@dataclass(frozen=True, slots=True)
class Demo:
    """An application that is about to be served at `listening`, and the LocalClerk behind it, which is."""

    application: ExampleApplication
    clerk: LocalClerk
    clerk_url: str
    app: ASGIApp
    app_url: str
    listening: socket.socket


@contextmanager
def set_up(
    application: ExampleApplication,
    host: str = "127.0.0.1",
    port: int = 0,
    clerk_port: int = 0,
    *,
    clock: Callable[[], float] = time.time,
    seed: Seed | None = None,
    node_modules: Path | None = None,
) -> Iterator[Demo]:
    """A LocalClerk that is served, and the application that is configured for it. Port 0 takes a free one.

    With `node_modules` its pages have Clerk's own components.

    Raises `CommandFailed` where a port is taken, or something is not installed.
    """
    local = import_of_extra("clerk_middleware.local", application.extra)
    clerk: LocalClerk = local.LocalClerk(seed, clock=clock, node_modules=node_modules)
    with listen(host, port, option="--port") as listening:
        listen(host, clerk_port, option="--clerk-port").close()  # says what is wrong, if anything is
        with clerk.serve(host, clerk_port) as server:
            # These are the settings of any application; only the URLs are LocalClerk's.
            machine = _MACHINE if _MACHINE in clerk.machines else None  # a seed of one's own may not have it
            app_url = url_of(host, listening)
            webhooks = clerk.add_webhook_endpoint(f"{app_url}{WEBHOOKS}", ["user.*"])
            environment = {
                **clerk.environment(server.url, machine=machine, proxy=PROXY, webhooks=webhooks),
                "CLERK_AUTHORIZED_PARTIES": ",".join(origins_of(host, listening)),
                "FLEET_VERIFY_URL": f"{server.url}/verify",
            }
            if node_modules is not None:
                environment |= {"CLERK_SIGN_IN_URL": "/sign-in", "CLERK_SIGN_UP_URL": "/sign-up"}
            with _components(node_modules is not None), application.started(environment) as app:
                yield Demo(application, clerk, server.url, app, app_url, listening)


@contextmanager
def _components(wanted: bool) -> Iterator[None]:
    """Have the applications, which read it when they start, use Clerk's components."""
    before = os.environ.pop("FLEET_COMPONENTS", None)
    if wanted:
        os.environ["FLEET_COMPONENTS"] = "1"
    elif before == "1":
        raise CommandFailed(
            "FLEET_COMPONENTS=1 needs Clerk's JavaScript: npm install @clerk/clerk-js@6 @clerk/ui@1, and "
            "--node-modules node_modules in place of the variable"
        )
    try:
        yield
    finally:
        os.environ.pop("FLEET_COMPONENTS", None)


class AdjustableClock:
    """LocalClerk's clock, which can be put back: for sessions that began a while ago."""

    def __init__(self) -> None:
        self.behind = 0.0

    def __call__(self) -> float:
        return time.time() - self.behind

    @contextmanager
    def minutes_ago(self, minutes: float) -> Iterator[None]:
        """What happens in the block happened so many minutes ago."""
        self.behind = minutes * 60
        try:
            yield
        finally:
            self.behind = 0.0

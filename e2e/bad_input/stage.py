"""An application that goes on, whatever becomes of the LocalClerk behind it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from clerk_middleware.local import LocalClerk, load_seed

from ..fleet import PROXY, Fleet
from ..servers import Framework, listen, serving


@dataclass
class Clock:
    """LocalClerk's, which may be wrong."""

    #: Seconds by which it is ahead of everybody else's.
    ahead: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Stage:
    """An application, and a LocalClerk that may be stopped, started and replaced by one that knows nobody."""

    def __init__(self, framework: Framework, node_modules: Path) -> None:
        self.framework: Framework = framework
        self.clock = Clock()
        self._node_modules = node_modules
        self._seed = load_seed(None)
        self.clerk = self._first = self._new_clerk()
        self._seed = replace(self._seed, secret_key=self.clerk.secret_key)  # those to come have the same
        self._served = ExitStack()
        self.clerk_url = self._served.enter_context(self.clerk.serve()).url
        self.url = ""
        self.log = Path()

    @property
    def fleet(self) -> Fleet:
        """What other tests have: the application, and the LocalClerk of this moment."""
        return Fleet(self.framework, self.url, self.clerk, self.clerk_url, self.log)

    def stop(self) -> None:
        """Connections to LocalClerk are refused from now on."""
        self._served.close()

    def start(self) -> None:
        """LocalClerk is where it was before, with all that it knows."""
        port = int(self.clerk_url.rpartition(":")[2])
        self._served.enter_context(self.clerk.serve(port=port))

    def restart(self) -> None:
        """LocalClerk has the same keys of the instance, but another signing key, and knows no browser."""
        self._serve(self._new_clerk())

    def set_right(self) -> None:
        """All is again as it was at first: the application has asked for that LocalClerk's signing key."""
        self.clock.ahead = 0.0
        if self.clerk is not self._first:
            self._serve(self._first)
        self.clerk.recover()

    def predecessor(self) -> LocalClerk:
        """One that was there before a `restart`: browsers may still have its cookies."""
        return self._new_clerk()

    def _serve(self, clerk: LocalClerk) -> None:
        self.stop()
        self.clerk = clerk
        self.start()

    def _new_clerk(self) -> LocalClerk:
        return LocalClerk(self._seed, clock=self.clock, node_modules=self._node_modules)


@contextmanager
def staged(framework: Framework, node_modules: Path) -> Iterator[Stage]:
    """An application and its LocalClerk, until the block ends."""
    with ExitStack() as stack:
        stage = Stage(framework, node_modules)
        stack.callback(stage.stop)
        listening = stack.enter_context(listen())
        stage.url = f"http://localhost:{listening.getsockname()[1]}"
        variables = {
            **stage.clerk.environment(stage.clerk_url, proxy=PROXY, machine="mch_fleet_api"),
            "CLERK_WEBHOOK_SIGNING_SECRET": "whsec_bm9ib2R5IHNlbmRzIGFueSB0byB0aGlzIG9uZQ==",
            "CLERK_AUTHORIZED_PARTIES": stage.url,
            "CLERK_SIGN_IN_URL": "/sign-in",
            "CLERK_SIGN_UP_URL": "/sign-up",
            "FLEET_COMPONENTS": "1",
        }
        folder = Path(stack.enter_context(TemporaryDirectory(prefix=f"e2e-{framework}-")))
        stage.log = stack.enter_context(serving(framework, listening, variables, folder))
        yield stage

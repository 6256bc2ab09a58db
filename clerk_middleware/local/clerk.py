"""LocalClerk: an embedded Clerk, for development without an account or a network and for tests over HTTP."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from starlette.types import ASGIApp

from .app import create_app
from .instance import Instance
from .machine_access import MachineAccess
from .origins import OriginPolicy, is_loopback
from .seed import InstanceType, Organization, Seed, User
from .seed_file import load_seed
from .server import LocalServer, run, serve
from .session_access import SessionAccess
from .traffic_access import TrafficAccess
from .user_access import UserAccess
from .webhooks.access import WebhookAccess
from .webhooks.endpoints import WebhookEndpoint
from .webhooks.sender import RETRIES

__all__ = ["LocalClerk"]


class LocalClerk(MachineAccess, SessionAccess, TrafficAccess, UserAccess, WebhookAccess):
    """A Clerk instance in this process, with its Backend API, Frontend API and pages.

    Applications reach it as they reach Clerk, by configuration alone::

        clerk = LocalClerk()
        with clerk.serve() as server:
            config = ClerkConfig(
                publishable_key=clerk.publishable_key,
                secret_key=clerk.secret_key,
                api_url=server.url,
                proxy_url=server.url,
                sign_in_url=f"{server.url}/sign-in",
            )

    It is no production identity provider: passwords are plain text in its seed, state is in memory,
    and whoever reaches it may sign in as anyone in the seed. So it listens on loopback alone unless
    it is told otherwise.

    `seed` is a TOML file, a mapping of the same form or a `Seed`, by default a road freight company;
    `clock` gives Unix seconds; `session_token_lifetime` is in seconds; `webhook_retries` are the seconds
    after which a webhook that was not taken is sent again, by default for a day. `node_modules` is the
    folder in which npm installed ``@clerk/clerk-js`` and ``@clerk/ui``, for pages that use Clerk's
    components: LocalClerk serves them as Clerk does. Raises `SeedError`.
    """

    def __init__(
        self,
        seed: Seed | str | Path | Mapping[str, Any] | None = None,
        *,
        clock: Callable[[], float] = time.time,
        session_token_lifetime: int = 60,
        webhook_retries: Sequence[float] = RETRIES,
        node_modules: str | Path | None = None,
    ) -> None:
        self._seed = seed if isinstance(seed, Seed) else load_seed(seed)
        instance = Instance(self._seed, clock=clock, session_token_lifetime=session_token_lifetime)
        MachineAccess.__init__(self, instance)
        SessionAccess.__init__(self, instance)
        TrafficAccess.__init__(self)
        UserAccess.__init__(self, instance)
        WebhookAccess.__init__(self, instance, webhook_retries)
        self._origins = OriginPolicy(self._seed.allowed_origins, self._seed.hosts)
        self._app = create_app(
            instance=self._instance,
            issuer=self._issuer,
            credentials=self._credentials,
            oauth=self._oauth,
            origins=self._origins,
            faults=self._faults,
            counts=self._counts,
            proxied=self._proxied,
            access=self,
            node_modules=None if node_modules is None else Path(node_modules),
        )

    def __repr__(self) -> str:
        return f"LocalClerk({self._seed.name!r}, {self.publishable_key!r})"

    @property
    def publishable_key(self) -> str:
        """The application's ``publishable_key``."""
        return self._instance.publishable_key

    @property
    def secret_key(self) -> str:
        """The application's ``secret_key``."""
        return self._instance.secret_key

    @property
    def jwt_key(self) -> str:
        """The current public key, PEM, for an application that verifies without fetching the key set."""
        return self._instance.keys.pem

    @property
    def instance_type(self) -> InstanceType:
        """``development`` or ``production``."""
        return self._seed.instance_type

    @property
    def app(self) -> ASGIApp:
        """The ASGI application, to mount or to serve by other means."""
        return self._app

    @property
    def users(self) -> Mapping[str, User]:
        """The users by id."""
        return MappingProxyType(self._instance.users)

    @property
    def organizations(self) -> Mapping[str, Organization]:
        """The organizations by id."""
        return MappingProxyType(self._instance.organizations)

    def rotate_key(self, *, keep_previous: bool = True) -> None:
        """Sign with a new key, under a new ``kid``.

        The key set goes on holding the previous key, so that its tokens verify until they expire;
        without `keep_previous` they are worthless at once.
        """
        self._instance.keys.rotate(keep_previous=keep_previous)

    @contextmanager
    def serve(
        self, host: str = "127.0.0.1", port: int = 0, *, allow_remote: bool = False
    ) -> Iterator[LocalServer]:
        """Serve from a background thread for as long as the ``with`` block lasts.

        In the block LocalClerk answers at `LocalServer.url`; port 0 takes a free one. Raises
        `ConfigurationError` for a `host` that is not loopback, unless `allow_remote` is set. Webhooks
        that are not delivered when the block ends are given up.
        """
        self._expect_any_host(host, allow_remote)
        try:
            with serve(
                self.app, name=self._seed.name, host=host, port=port, allow_remote=allow_remote
            ) as server:
                yield server
        finally:
            self.close()

    def run(
        self,
        host: str = "127.0.0.1",
        port: int = 5400,
        *,
        allow_remote: bool = False,
        announce: Callable[[LocalServer], None] | None = None,
    ) -> None:
        """Serve in the foreground until interrupted; otherwise as `serve`.

        `announce` is called once it listens, in place of the warning in the log that says what it is not.
        """
        self._expect_any_host(host, allow_remote)
        try:
            run(
                self.app,
                name=self._seed.name,
                host=host,
                port=port,
                allow_remote=allow_remote,
                announce=announce,
            )
        finally:
            self.close()

    def close(self) -> None:
        """Give up the webhooks that are not delivered yet. Nothing else has to be closed."""
        self._stop_webhooks()

    def environment(
        self,
        url: str,
        *,
        machine: str | None = None,
        proxy: str | None = None,
        webhooks: WebhookEndpoint | None = None,
    ) -> dict[str, str]:
        """The ``CLERK_…`` variables of an application that signs in with this one, served at `url`.

        ``CLERK_AUTHORIZED_PARTIES`` is not among them: only the application knows its own origins. ::

            config = ClerkConfig.from_env(clerk.environment(server.url), authorized_parties=[...])

        `machine` is the id of the machine that the application is, if it takes or makes M2M tokens; `proxy`
        the path, such as ``/__clerk``, under which it is to proxy the Frontend API; `webhooks` its endpoint
        for them. Raises `LookupError` for a machine that is not, `ValueError` for a path that is none.
        """
        variables = {
            "CLERK_PUBLISHABLE_KEY": self.publishable_key,
            "CLERK_SECRET_KEY": self.secret_key,
            "CLERK_API_URL": url,
            **_frontend_api(url, proxy),
            "CLERK_SIGN_IN_URL": f"{url}/sign-in",
        }
        if machine is not None:
            variables["CLERK_MACHINE_ID"] = machine
            variables["CLERK_MACHINE_SECRET_KEY"] = self._machine(machine).secret_key
        if webhooks is not None:
            variables["CLERK_WEBHOOK_SIGNING_SECRET"] = webhooks.signing_secret
        return variables

    def _expect_any_host(self, host: str, allow_remote: bool) -> None:
        """Beyond loopback there is no telling by which names this machine is called."""
        if allow_remote and not is_loopback(host):
            self._origins.any_host = True


def _frontend_api(url: str, proxy: str | None) -> dict[str, str]:
    """Where browsers find the Frontend API: at LocalClerk, or at the application, which finds it there."""
    if proxy is None:
        return {"CLERK_PROXY_URL": url}
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+/?", proxy):
        raise ValueError(f"proxy must be a path of the application, such as /__clerk, not {proxy!r}")
    return {"CLERK_FAPI_URL": url, "CLERK_FRONTEND_API_PROXY": proxy}

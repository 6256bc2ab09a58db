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
from .records import Session
from .seed import InstanceType, Organization, Seed, User
from .seed_file import load_seed
from .server import LocalServer, run, serve
from .tokens import TokenIssuer
from .traffic_access import TrafficAccess
from .user_access import UserAccess
from .webhooks.access import WebhookAccess
from .webhooks.endpoints import WebhookEndpoint
from .webhooks.sender import RETRIES

__all__ = ["LocalClerk"]


class LocalClerk(MachineAccess, TrafficAccess, UserAccess, WebhookAccess):
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
    after which a webhook that was not taken is sent again, by default for a day. Raises `SeedError`.
    """

    def __init__(
        self,
        seed: Seed | str | Path | Mapping[str, Any] | None = None,
        *,
        clock: Callable[[], float] = time.time,
        session_token_lifetime: int = 60,
        webhook_retries: Sequence[float] = RETRIES,
    ) -> None:
        self._seed = seed if isinstance(seed, Seed) else load_seed(seed)
        instance = Instance(self._seed, clock=clock, session_token_lifetime=session_token_lifetime)
        MachineAccess.__init__(self, instance)
        TrafficAccess.__init__(self)
        UserAccess.__init__(self, instance)
        WebhookAccess.__init__(self, instance, webhook_retries)
        self._issuer = TokenIssuer(self._instance)
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
            users=self,
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

    def sign_in(self, user_id: str, organization: str | None = None) -> Session:
        """Sign a user in without a browser; `organization` (id or slug) becomes the active one.

        The session is held by a client of its own: `session.client.token` is, in development, the
        ``__clerk_db_jwt`` with which a browser is signed in to it. Raises `LookupError`.
        """
        session = self._new_session(user_id, organization)
        self._instance.sign_in(self._instance.new_client(), session)
        return session

    def session_token(
        self,
        session: Session,
        *,
        azp: str | None = None,
        issued_at: float | None = None,
        lifetime: float | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """A signed session token of `session`; the options are those of `issue_session_token`."""
        return self._issuer.session_token(
            session,
            authorized_party=azp or session.authorized_party,
            issued_at=issued_at,
            lifetime=lifetime,
            claims=claims,
        )

    def issue_session_token(
        self,
        user_id: str,
        *,
        organization: str | None = None,
        session_id: str | None = None,
        issued_at: float | None = None,
        lifetime: float | None = None,
        claims: Mapping[str, Any] | None = None,
        azp: str | None = None,
        fva: tuple[int, int] | None = (0, -1),
    ) -> str:
        """A signed session token for a user, of a session that LocalClerk does not keep.

        For tests: `issued_at` (Unix seconds) and `lifetime` (seconds) in the past make an expired one;
        `claims` win over every other claim; `azp` is the origin of the application; `fva` is minutes
        since the first and the second factor, -1 for never, `None` for a token that doesn't say.
        Raises `LookupError` for a user, or a membership in `organization` (id or slug), that is not.
        """
        session = self._new_session(user_id, organization)
        session.id = session_id or session.id
        verified = {} if fva is None else {"fva": list(fva)}
        return self._issuer.session_token(
            session,
            authorized_party=azp,
            issued_at=issued_at,
            lifetime=lifetime,
            claims={**verified, **(claims or {})},
            omit=("fva",) if fva is None else (),
        )

    def revoke_session(self, session_id: str) -> None:
        """End a session from outside: no refresh and no handshake gives tokens for it any more."""
        session = self._instance.session(session_id)
        if session is None:
            raise LookupError(f"no session {session_id!r}")
        self._instance.end_session(session, "revoked")

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

    def _new_session(self, user_id: str, organization: str | None) -> Session:
        if user_id not in self._instance.users:
            raise LookupError(
                f"no user {user_id!r} in the seed; there are: {', '.join(self._instance.users)}"
            )
        session = self._instance.new_session(user_id)
        if organization and not self._instance.activate(session, organization):
            raise LookupError(f"{user_id!r} is no member of an organization {organization!r}")
        return session


def _frontend_api(url: str, proxy: str | None) -> dict[str, str]:
    """Where browsers find the Frontend API: at LocalClerk, or at the application, which finds it there."""
    if proxy is None:
        return {"CLERK_PROXY_URL": url}
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+/?", proxy):
        raise ValueError(f"proxy must be a path of the application, such as /__clerk, not {proxy!r}")
    return {"CLERK_FAPI_URL": url, "CLERK_FRONTEND_API_PROXY": proxy}

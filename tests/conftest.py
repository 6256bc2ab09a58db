"""A Clerk instance, its users' tokens, and clients of applications."""

from __future__ import annotations

import time
import tomllib
import warnings
from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any

import pytest

from clerk_middleware import ClerkConfig, PublishableKey
from clerk_middleware.local import LocalClerk, LocalServer

with warnings.catch_warnings():  # older versions import a name that anyio deprecates
    warnings.simplefilter("ignore", DeprecationWarning)
    from starlette.testclient import TestClient

SITE = "https://app.example.com"


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers of these tests are on this machine, whatever the environment says of others."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def clerk() -> LocalClerk:
    """A production instance: a browser without cookies is signed out, with no handshake."""
    fleet = tomllib.loads(resources.files("clerk_middleware.local").joinpath("fleet.toml").read_text("utf-8"))
    return LocalClerk({**fleet, "instance": {"type": "production", "host": "clerk.example.com"}})


@pytest.fixture(scope="session")
def development() -> LocalClerk:
    """A development instance: a browser without cookies is sent to Clerk, for a handshake."""
    return LocalClerk()


@pytest.fixture(scope="session")
def backend_api(clerk: LocalClerk) -> Iterator[LocalServer]:
    with clerk.serve() as server:
        yield server


@pytest.fixture(scope="session")
def config(clerk: LocalClerk) -> Callable[..., ClerkConfig]:
    """Make a configuration that needs no network."""

    def make(**options: Any) -> ClerkConfig:
        keys = {
            "publishable_key": clerk.publishable_key,
            "secret_key": clerk.secret_key,
            "jwt_key": clerk.jwt_key,
            "authorized_parties": [SITE],
        }
        return ClerkConfig(**(keys | options))

    return make


@pytest.fixture(scope="session")
def development_config(development: LocalClerk) -> ClerkConfig:
    return ClerkConfig(
        publishable_key=development.publishable_key,
        secret_key=development.secret_key,
        jwt_key=development.jwt_key,
        authorized_parties=[SITE],
    )


@pytest.fixture(scope="session")
def signed_in(clerk: LocalClerk) -> Callable[..., dict[str, str]]:
    """The headers of an API client in which a user is signed in."""

    def headers(user_id: str = "user_dev", **options: Any) -> dict[str, str]:
        if user_id != "user_sam":
            options.setdefault("organization", "blue-ridge-freight")
        token = clerk.issue_session_token(user_id, azp=SITE, **options)
        return {"authorization": f"Bearer {token}"}

    return headers


# New for each test, because Starlette's client adds to the headers that it is given for a WebSocket.


@pytest.fixture
def dispatcher(signed_in: Callable[..., dict[str, str]]) -> dict[str, str]:
    return signed_in("user_dev")


@pytest.fixture
def admin(signed_in: Callable[..., dict[str, str]]) -> dict[str, str]:
    return signed_in("user_ada")


@pytest.fixture
def cookies(clerk: LocalClerk) -> dict[str, str]:
    """The header of a browser that is signed in."""
    token = clerk.issue_session_token("user_dev", organization="blue-ridge-freight", azp=SITE)
    return {"cookie": f"__session={token}; __client_uat={int(time.time()) - 100}"}


@pytest.fixture
def expired_cookies(clerk: LocalClerk) -> dict[str, str]:
    """The header of a browser whose session token has to be refreshed."""
    session = clerk.sign_in("user_dev", "blue-ridge-freight")
    expired = clerk.session_token(session, azp=SITE, issued_at=time.time() - 300, lifetime=60)
    suffix = PublishableKey.parse(clerk.publishable_key).cookie_suffix
    now = int(time.time())
    return {
        "cookie": f"__session={expired}; __client_uat={now - 900}; __session_{suffix}={expired}; "
        f"__client_uat_{suffix}={now - 900}; __refresh_{suffix}={session.refresh_token}"
    }


@pytest.fixture
def machine(clerk: LocalClerk) -> dict[str, str]:
    """The header of an OAuth client; an application has to accept its type of token."""
    now = int(time.time())
    claims = {"sub": "user_dev", "client_id": "oac_1", "scope": "loads:read", "iat": now, "exp": now + 600}
    token = clerk._instance.keys.sign(claims, {"typ": "at+jwt"})
    return {"authorization": f"Bearer {token}"}


@pytest.fixture(scope="session")
def stranger_token() -> str:
    """A token of the same user, issuer and party, but signed by somebody else."""
    return LocalClerk().issue_session_token(
        "user_dev", organization="blue-ridge-freight", azp=SITE, claims={"iss": "https://clerk.example.com"}
    )


@pytest.fixture
def navigation() -> dict[str, str]:
    """What a browser sends where a link was followed."""
    return {"accept": "text/html,*/*", "sec-fetch-dest": "document"}


@pytest.fixture(params=["sync", "async"])
def in_kind(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    """Makes a view the kind of the test: as it is, or its asynchronous twin."""

    def of(view: Any) -> Any:
        if request.param == "sync":
            return view

        async def asynchronous(*args: Any, **kwargs: Any) -> Any:
            return view(*args, **kwargs)

        return asynchronous

    return of


@pytest.fixture
def client_of() -> Iterator[Callable[..., TestClient]]:
    """A client of an application that runs, with its lifespan; it follows no redirects."""
    clients: list[TestClient] = []

    def make(app: Any, **options: Any) -> TestClient:
        client = TestClient(app, base_url=SITE, follow_redirects=False, **options)
        clients.append(client.__enter__())
        return client

    yield make
    for client in clients:
        client.__exit__()

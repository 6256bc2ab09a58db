"""One machine calls another: LocalClerk makes the token, `M2MBearer` sends it, the other one verifies it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from clerk_middleware import AsyncAuthenticator, Authenticator, BackendAPIError, ClerkConfig
from clerk_middleware.asgi import ClerkMiddleware
from clerk_middleware.asgi_scope import require
from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware.m2m import M2MBearer
from clerk_middleware.protection import Requirement

pytestmark = pytest.mark.anyio

CREATE, VERIFY = "/m2m_tokens", "/m2m_tokens/verify"


@pytest.fixture
def clerk() -> LocalClerk:
    return LocalClerk()


@pytest.fixture
def server(clerk: LocalClerk) -> Iterator[LocalServer]:
    with clerk.serve() as server:
        yield server


@pytest.fixture
def config_of(clerk: LocalClerk, server: LocalServer) -> Callable[..., ClerkConfig]:
    """Make the configuration of the application that is this machine."""

    def make(machine: str, **options: Any) -> ClerkConfig:
        return ClerkConfig.from_env(
            clerk.environment(server.url, machine=machine),
            jwt_key=clerk.jwt_key,
            authorized_parties=["https://app.example.com"],
            **({"accepts_token": ["session_token", "m2m_token"]} | options),
        )

    return make


async def application(scope: Any, receive: Any, send: Any) -> None:
    machine: Any = require(scope, Requirement(accepts_token="m2m_token"))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"{machine.machine_id} {machine.claims}".encode()})


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
async def test_a_call(token_format: Any, clerk: LocalClerk, config_of: Any) -> None:
    async with (
        AsyncAuthenticator(config_of("mch_fleet_api")) as receiving,
        AsyncAuthenticator(config_of("mch_tracking")) as sending,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(ClerkMiddleware(application, authenticator=receiving)),
            base_url="https://api.internal",
            auth=M2MBearer(sending, token_format=token_format, claims={"trip": 7}),
        ) as client,
    ):
        for _ in range(3):
            response = await client.get("/")
            assert response.status_code == 200
            assert response.text.startswith("mch_tracking ")
            assert "'trip': 7" in response.text
    assert (clerk.calls(CREATE), clerk.calls(VERIFY)) == (1, 1 if token_format == "opaque" else 0)


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
async def test_a_machine_that_may_not_call_it(token_format: Any, clerk: LocalClerk, config_of: Any) -> None:
    async with (
        AsyncAuthenticator(config_of("mch_fleet_api")) as receiving,
        AsyncAuthenticator(config_of("mch_billing")) as sending,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(ClerkMiddleware(application, authenticator=receiving)),
            base_url="https://api.internal",
            auth=M2MBearer(sending, token_format=token_format),
        ) as client,
    ):
        for _ in range(5):
            assert (await client.get("/")).status_code == 401
    assert clerk.calls(CREATE) == 2


async def test_a_token_that_was_revoked_is_renewed_once(clerk: LocalClerk, config_of: Any) -> None:
    async with (
        AsyncAuthenticator(config_of("mch_fleet_api", opaque_token_ttl_in_ms=0)) as receiving,
        AsyncAuthenticator(config_of("mch_tracking")) as sending,
    ):
        bearer = M2MBearer(sending)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(ClerkMiddleware(application, authenticator=receiving)),
            base_url="https://api.internal",
            auth=bearer,
        ) as client:
            assert (await client.get("/")).status_code == 200
            held: Any = bearer._held
            clerk.revoke_m2m_token(held.id)
            assert (await client.get("/")).status_code == 200
    assert clerk.calls(CREATE) == 2


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
async def test_a_token_of_ones_own(token_format: Any, config_of: Any) -> None:
    async with (
        AsyncAuthenticator(config_of("mch_fleet_api")) as receiving,
        AsyncAuthenticator(config_of("mch_tracking")) as sending,
    ):
        token = await sending.m2m.create_token(
            seconds_until_expiration=60, claims={"a": [1]}, token_format=token_format
        )
        assert (token.subject, token.scopes) == ("mch_tracking", ("mch_fleet_api",))
        assert (token.claims or {})["a"] == [1]
        machine = await receiving.m2m.verify_token(token.token)
        assert (machine.machine_id, machine.scopes) == ("mch_tracking", ("mch_fleet_api",))


def test_in_threads(config_of: Any) -> None:
    with (
        Authenticator(config_of("mch_tracking")) as sending,
        Authenticator(config_of("mch_fleet_api")) as receiving,
    ):
        token = sending.m2m.create_token(seconds_until_expiration=60)
        assert receiving.m2m.verify_token(token.token).machine_id == "mch_tracking"


async def test_what_clerk_refuses_is_told(config_of: Any) -> None:
    async with AsyncAuthenticator(config_of("mch_tracking")) as sending:
        with pytest.raises(BackendAPIError, match=r"made no M2M token \(422, "):
            await sending.m2m.create_token(token_format="jwt", claims={"sub": "mch_other"})
        with pytest.raises(BackendAPIError, match="is machine_secret_key that of a machine of this instance"):
            await sending.m2m.create_token(machine_secret_key="ak_wrong")

"""Machines that call an ASGI application: LocalClerk says over HTTP whether their tokens are good."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pytest

from clerk_middleware import AsyncAuthenticator, ClerkConfig
from clerk_middleware.asgi import ClerkMiddleware
from clerk_middleware.asgi_scope import require
from clerk_middleware.local import LocalClerk, LocalServer
from clerk_middleware.protect import Protection
from clerk_middleware.protection import Requirement

SITE = "https://app.example.com"
VERIFY = "/api_keys/verify"
METADATA = f'resource_metadata="{SITE}/.well-known/oauth-protected-resource/mcp"'


@pytest.fixture(scope="module")
def clerk() -> LocalClerk:
    """One of this module's own: what it is asked is counted."""
    return LocalClerk()


@pytest.fixture(scope="module")
def server(clerk: LocalClerk) -> Iterator[LocalServer]:
    with clerk.serve() as server:
        yield server


@pytest.fixture(autouse=True)
def well_again(clerk: LocalClerk) -> Iterator[None]:
    yield
    clerk.recover()


@pytest.fixture
def config_of(clerk: LocalClerk, server: LocalServer) -> Callable[..., ClerkConfig]:
    def make(**options: Any) -> ClerkConfig:
        own: dict[str, Any] = {
            "jwt_key": clerk.jwt_key,
            "accepts_token": "any",
            "authorized_parties": [SITE],
            "oauth_resources": ["/mcp"],
        }
        environment = clerk.environment(server.url, machine="mch_fleet_api")
        return ClerkConfig.from_env(environment, **(own | options))

    return make


@pytest.fixture
def credentials(clerk: LocalClerk) -> dict[str, str]:
    """A fresh one of each kind, which no memory knows."""
    return {
        "api_key": clerk.create_api_key("user_dev", scopes=["read:loads"]).secret,
        "m2m opaque": clerk.create_m2m_token("mch_tracking").token,
        "m2m jwt": clerk.create_m2m_token("mch_tracking", token_format="jwt").token,
        "oauth opaque": clerk.create_oauth_access_token(
            "user_dev", scopes=["read:loads"], token_format="opaque"
        ).token,
        "oauth jwt": clerk.create_oauth_access_token(
            "user_dev", scopes=["read:loads"], token_format="jwt"
        ).token,
        "session": clerk.issue_session_token("user_dev", organization="blue-ridge-freight", azp=SITE),
    }


def bearing(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def requiring(requirement: Requirement) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        auth = require(scope, requirement)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": repr(auth).encode()})

    return app


# --- A burst ---------------------------------------------------------------------------------------------

BURST = 200


@pytest.mark.parametrize("seconds", [0, 0.5], ids=["at once", "slowly"])
def test_a_burst_of_requests_with_one_key_is_one_call(
    seconds: float, every_backend: str, clerk: LocalClerk, config_of: Any, request_to: Any
) -> None:
    key, before = clerk.create_api_key("user_dev").secret, clerk.calls(VERIFY)
    if seconds:
        clerk.delay(VERIFY, seconds)
    answers: list[Any] = []

    async def main() -> None:
        async with AsyncAuthenticator(config_of()) as authenticator:
            app = ClerkMiddleware(
                requiring(Requirement(accepts_token="api_key")), authenticator=authenticator
            )

            async def ask() -> None:
                answers.append(await request_to(app, "/", bearing(key)))

            async with anyio.create_task_group() as tasks:
                for _ in range(BURST):
                    tasks.start_soon(ask)

    anyio.run(main, backend=every_backend)
    assert [answer.status for answer in answers] == [200] * BURST
    assert clerk.calls(VERIFY) - before == 1


def test_a_burst_with_two_keys_is_two_and_mixes_nobody_up(
    every_backend: str, clerk: LocalClerk, config_of: Any, request_to: Any, responding: Any
) -> None:
    keys = {name: clerk.create_api_key(name).secret for name in ("user_dev", "user_ada")}
    before, seen = clerk.calls(VERIFY), []

    async def main() -> None:
        async with AsyncAuthenticator(config_of()) as authenticator:
            app = ClerkMiddleware(responding(), authenticator=authenticator)

            async def ask(name: str) -> None:
                answer = await request_to(app, "/", bearing(keys[name]))
                seen.append((name, answer.scope["auth"].user_id))

            async with anyio.create_task_group() as tasks:
                for _ in range(BURST // 2):
                    for name in keys:
                        tasks.start_soon(ask, name)

    anyio.run(main, backend=every_backend)
    assert len(seen) == BURST
    assert all(name == user_id for name, user_id in seen)
    assert clerk.calls(VERIFY) - before == 2


def test_a_client_that_hangs_up_spoils_it_for_nobody(
    every_backend: str, clerk: LocalClerk, config_of: Any, request_to: Any
) -> None:
    key, before = clerk.create_api_key("user_dev").secret, clerk.calls(VERIFY)
    clerk.delay(VERIFY, 0.2)
    answers: list[Any] = []

    async def main() -> None:
        async with AsyncAuthenticator(config_of()) as authenticator:
            app = ClerkMiddleware(
                requiring(Requirement(accepts_token="api_key")), authenticator=authenticator
            )

            first = anyio.CancelScope()

            async def hang_up() -> None:
                with first:
                    await request_to(app, "/", bearing(key))
                    answers.append("not cancelled")

            async def ask() -> None:
                answers.append(await request_to(app, "/", bearing(key)))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(hang_up)
                with anyio.fail_after(10):
                    while clerk.calls(VERIFY) == before:  # noqa: ASYNC110  # counted in LocalClerk's thread
                        await anyio.sleep(0.005)
                for _ in range(20):
                    tasks.start_soon(ask)
                await anyio.sleep(0.02)
                first.cancel()

    anyio.run(main, backend=every_backend)
    assert [answer.status for answer in answers] == [200] * 20
    assert clerk.calls(VERIFY) - before == 2


# --- Who may come in -------------------------------------------------------------------------------------

TYPES = {
    "api_key": "api_key",
    "m2m opaque": "m2m_token",
    "m2m jwt": "m2m_token",
    "oauth opaque": "oauth_token",
    "oauth jwt": "oauth_token",
    "session": "session_token",
}


@pytest.mark.anyio
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("accepted", [*dict.fromkeys(TYPES.values()), "any"])
@pytest.mark.parametrize("made", [Requirement, Protection])
async def test_each_credential_at_each_door(
    kind: str, accepted: Any, made: Any, credentials: dict[str, str], config_of: Any, request_to: Any
) -> None:
    requirement = Requirement(accepts_token=accepted) if made is Requirement else Protection(token=accepted)
    async with AsyncAuthenticator(config_of()) as authenticator:
        app = ClerkMiddleware(requiring(requirement), authenticator=authenticator)
        answer = await request_to(app, "/", bearing(credentials[kind]))
    if accepted in ("any", TYPES[kind]):
        assert (answer.status, answer.header("www-authenticate")) == (200, None)
    else:
        assert answer.status == 401
        assert answer.header("www-authenticate").startswith("Bearer error=")
        assert answer.json["clerk_error"]["reason"] == "token-type-mismatch"


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["api_key", "oauth opaque", "oauth jwt"])
async def test_a_scope_is_asked_of_a_machine(
    kind: str, credentials: dict[str, str], config_of: Any, request_to: Any
) -> None:
    async with AsyncAuthenticator(config_of()) as authenticator:
        for scope, status in (("read:loads", 200), ("write:loads", 403)):
            app = ClerkMiddleware(
                requiring(Requirement(accepts_token="any", scopes=scope)), authenticator=authenticator
            )
            answer = await request_to(app, "/mcp/x", bearing(credentials[kind]))
            assert answer.status == status
    assert answer.header("www-authenticate") == (
        f'Bearer error="insufficient_scope", scope="write:loads", {METADATA}'
    )
    assert answer.json["clerk_error"]["reason"] == "insufficient-scope"


@pytest.mark.anyio
async def test_a_machine_that_is_not_meant_to_call_here_is_refused(
    clerk: LocalClerk, config_of: Any, request_to: Any
) -> None:
    async with AsyncAuthenticator(config_of()) as authenticator:
        app = ClerkMiddleware(requiring(Requirement(accepts_token="m2m_token")), authenticator=authenticator)
        for token_format in ("opaque", "jwt"):
            token = clerk.create_m2m_token("mch_billing", token_format=token_format).token  # type: ignore[arg-type]
            answer = await request_to(app, "/", bearing(token))
            assert (answer.status, answer.header("www-authenticate")) == (401, 'Bearer error="invalid_token"')


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["api_key", "m2m_token", "oauth_access_token"])
async def test_a_revoked_one_is_refused(
    kind: str, clerk: LocalClerk, config_of: Any, request_to: Any
) -> None:
    """LocalClerk answers 200 and says so, as Clerk may."""
    subject, options = ("mch_tracking", {}) if kind == "m2m_token" else ("user_dev", {})
    if kind == "oauth_access_token":
        options = {"token_format": "opaque"}
    credential = getattr(clerk, f"create_{kind}")(subject, **options)
    getattr(clerk, f"revoke_{kind}")(credential.id)
    async with AsyncAuthenticator(config_of()) as authenticator:
        app = ClerkMiddleware(requiring(Requirement(accepts_token="any")), authenticator=authenticator)
        answer = await request_to(app, "/mcp", bearing(credential.token))
    assert (answer.status, answer.header("www-authenticate")) == (
        401,
        f'Bearer error="invalid_token", {METADATA}',
    )


@pytest.mark.anyio
async def test_while_clerk_is_busy_a_client_is_told_to_come_back(
    clerk: LocalClerk, config_of: Any, request_to: Any
) -> None:
    key, before = clerk.create_api_key("user_dev").secret, clerk.calls(VERIFY)
    clerk.fail(VERIFY, 429, times=None, retry_after=7)
    async with AsyncAuthenticator(config_of()) as authenticator:
        app = ClerkMiddleware(requiring(Requirement(accepts_token="any")), authenticator=authenticator)
        for _ in range(3):
            answer = await request_to(app, "/", bearing(key))
            assert (answer.status, answer.header("www-authenticate")) == (503, None)
            assert int(answer.header("retry-after")) in (6, 7)
    assert clerk.calls(VERIFY) - before == 1


@pytest.mark.anyio
async def test_protected_routes_are_of_sessions(
    credentials: dict[str, str], config_of: Any, request_to: Any, responding: Any
) -> None:
    async with AsyncAuthenticator(config_of()) as authenticator:
        app = ClerkMiddleware(responding(), authenticator=authenticator, protected_routes="/admin")
        statuses = {
            kind: (await request_to(app, "/admin", bearing(token))).status
            for kind, token in credentials.items()
        }
    assert statuses == dict.fromkeys(credentials, 401) | {"session": 200}


@pytest.mark.anyio
async def test_a_machine_opens_a_websocket(
    credentials: dict[str, str], config_of: Any, request_to: Any
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        require(scope, Requirement(accepts_token="api_key", scopes="read:loads"))
        await send({"type": "websocket.accept"})

    async with AsyncAuthenticator(config_of()) as authenticator:
        wrapped = ClerkMiddleware(app, authenticator=authenticator)
        answer = await request_to(wrapped, "/", bearing(credentials["api_key"]), websocket=True)
        assert answer.messages == [{"type": "websocket.accept"}]
        answer = await request_to(wrapped, "/", bearing(credentials["oauth opaque"]), websocket=True)
        assert answer.messages == [{"type": "websocket.close", "code": 1008}]


# --- Bad input -------------------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize(
    "pairs",
    [
        [(b"authorization", b"Bearer unknown_prefix")],
        [(b"authorization", b"Bearer sk_test_x")],
        [(b"authorization", b"Bearer {key},Bearer {key}")],
        [(b"authorization", b"Bearer {key}"), (b"authorization", b"Bearer {key}")],
        [(b"authorization", b"Bearer {key}"), (b"authorization", b"Bearer x")],
        [(b"authorization", b"{key}"), (b"authorization", b"{key}")],
        [(b"authorization", b"Basic {key}")],
        [(b"authorization", b"Bearer {key}" + b"x" * 1024 * 1024)],
        [(b"authorization", b"Bearer ak_\xff")],
        [(b"authorization", b"Bearer ak_\x00")],
        [(b"cookie", b"__session={key}")],
        [(b"cookie", b"__session={key}; __client_uat=1")],
        [(b"x-api-key", b"{key}")],
    ],
    ids=lambda pairs: pairs[0][1][:30].decode("latin-1"),
)
async def test_what_is_no_credential_is_refused_without_a_call(
    pairs: Any, clerk: LocalClerk, config_of: Any, request_to: Any
) -> None:
    key = clerk.create_api_key("user_dev").secret.encode()
    headers = [(b"host", b"app.example.com")]
    headers += [(name, value.replace(b"{key}", key)) for name, value in pairs]
    before = clerk.calls("*/verify")
    messages: list[Any] = []

    async def nothing() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        messages.append(message)

    async def with_headers(scope: Any, _: Any, __: Any) -> None:
        """The same request with these very headers, of which two may have one name."""
        async with AsyncAuthenticator(config_of()) as authenticator:
            app = ClerkMiddleware(requiring(Requirement(accepts_token="any")), authenticator=authenticator)
            await app({**scope, "headers": headers}, nothing, send)

    await request_to(with_headers, "/", method="POST")
    assert messages[0]["status"] == 401
    assert clerk.calls("*/verify") == before


# --- Made-up keys ----------------------------------------------------------------------------------------

#: So many unknown tokens are verified at the same time.
AT_ONCE = 32


def test_a_flood_of_made_up_keys_leaves_a_good_one_alone(
    clerk: LocalClerk, config_of: Any, request_to: Any
) -> None:
    key = clerk.create_api_key("user_dev").secret

    async def main() -> None:
        async with AsyncAuthenticator(config_of(opaque_token_ttl_in_ms=0)) as authenticator:
            app = ClerkMiddleware(
                requiring(Requirement(accepts_token="api_key")), authenticator=authenticator
            )
            assert (await request_to(app, "/", bearing(key))).status == 200
            clerk.delay(VERIFY, 0.3)
            junk = [
                asyncio.create_task(request_to(app, "/", bearing(f"ak_made_up_{number}")))
                for number in range(BURST)
            ]
            await asyncio.sleep(0.1)
            assert (await request_to(app, "/", bearing(key))).status == 200
            statuses = [answer.status for answer in await asyncio.gather(*junk)]
            assert sorted(statuses) == [401] * AT_ONCE + [503] * (BURST - AT_ONCE)

    asyncio.run(main())


def test_threads_with_an_event_loop_each_are_not_mixed_up(
    clerk: LocalClerk, config_of: Any, request_to: Any
) -> None:
    keys = [clerk.create_api_key(name).secret for name in ("user_dev", "user_ada")]
    authenticator, bodies = AsyncAuthenticator(config_of()), []

    def run(key: str, name: str) -> None:
        async def main() -> None:
            app = ClerkMiddleware(
                requiring(Requirement(accepts_token="api_key")), authenticator=authenticator
            )
            for _ in range(5):
                answer = await request_to(app, "/", bearing(key))
                bodies.append((name, answer.status, answer.scope["auth"].user_id))
            await authenticator.aclose()

        asyncio.run(main())

    threads = [
        threading.Thread(target=run, args=[key, name])
        for key, name in zip(keys, ("user_dev", "user_ada"), strict=True)
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert len(bodies) == 30
    assert all((name, 200) == (user_id, status) for name, status, user_id in bodies)


@pytest.mark.anyio
@pytest.mark.parametrize("token", ["ak_made_up", "mt_made_up", "oat_made_up"])
async def test_the_scopes_of_a_refused_token_are_none(
    token: str, config_of: Any, request_to: Any, responding: Any
) -> None:
    """Code that looks for a scope in them asks nobody first."""
    async with AsyncAuthenticator(config_of(accepts_token=["api_key", "m2m_token", "oauth_token"])) as one:
        for websocket in (False, True):
            app = ClerkMiddleware(responding(), authenticator=one)
            auth = (await request_to(app, "/", bearing(token), websocket=websocket)).scope["auth"]
            assert not auth
            assert auth.scopes == ()
            assert "read:loads" not in auth.scopes

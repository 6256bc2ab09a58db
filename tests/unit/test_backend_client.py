"""`authenticator.backend`: Clerk's official client, with this library's connections and bounds."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import logging
import os
import sys
import threading
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import anyio
import httpx
import pytest
from anyio import to_thread
from clerk_backend_api import Clerk
from clerk_backend_api.models import ClerkErrors, SDKError, User

from clerk_middleware import AsyncAuthenticator, Authenticator, ClerkConfig, ClerkError, ConfigurationError
from clerk_middleware.backend import connections, drivers, official, official_http
from clerk_middleware.testing.user_object import user_object

from .backend import CannedBackend
from .conftest import PRODUCTION
from .issuer import NOW
from .server import Exchange, LoopbackAPI, serving


def error(status: int, code: str) -> httpx.Response:
    """An error as Clerk answers it, with all that the official client wants of one."""
    told = {"code": code, "message": "refused", "long_message": "It was refused."}
    return httpx.Response(status, json={"errors": [told]})


ANN = user_object("user_1", email="ann@example.com", first_name="Ann", created_at=NOW)
USER = "GET /v1/users/user_1"
SECRET = PRODUCTION["secret_key"]
DEADLINE = 10


def config_of(api: LoopbackAPI | None = None, **options: Any) -> ClerkConfig:
    where = {} if api is None else {"api_url": api.url}
    return ClerkConfig(**(PRODUCTION | where | options))


def authenticator_of(backend: CannedBackend, config: Any = None) -> Authenticator:
    return Authenticator(config or config_of(), transport=backend.transport)


@pytest.fixture
def api() -> Iterator[LoopbackAPI]:
    with serving(lambda exchange: exchange.send_json(ANN)) as server:
        yield server


def first_name(clerk: Clerk) -> str | None:
    return clerk.users.get(user_id="user_1").first_name


async def afirst_name(clerk: Clerk) -> str | None:
    return (await clerk.users.get_async(user_id="user_1")).first_name


# --- What it is ------------------------------------------------------------------------------------------


def test_it_is_the_official_client_of_this_instance(backend: CannedBackend) -> None:
    backend.on(USER, ANN)
    clerk = authenticator_of(backend).backend
    assert isinstance(clerk, Clerk)
    found = clerk.users.get(user_id="user_1")
    assert isinstance(found, User)
    assert found.email_addresses[0].email_address == "ann@example.com"
    assert backend.requests[-1].headers["authorization"] == f"Bearer {SECRET}"
    assert str(backend.requests[-1].url) == "https://api.clerk.com/v1/users/user_1"


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({"api_url": "http://127.0.0.1:7/"}, "http://127.0.0.1:7/v1/users/user_1"),
        (
            {"api_url": "https://clerk.test/api", "api_version": "v2"},
            "https://clerk.test/api/v2/users/user_1",
        ),
    ],
)
def test_it_asks_where_the_configuration_says(
    options: dict[str, Any], url: str, backend: CannedBackend
) -> None:
    path = url.partition("//")[2].partition("/")[2]
    backend.on(f"GET /{path}", error(404, "resource_not_found"))
    with pytest.raises(ClerkErrors):
        authenticator_of(backend, config_of(**options)).backend.users.get(user_id="user_1")
    assert str(backend.requests[-1].url) == url


def test_it_sends_bodies_and_queries(backend: CannedBackend) -> None:
    backend.on("PATCH /v1/users/user_1/metadata", ANN)
    backend.on("GET /v1/invitations", httpx.Response(200, json=[]))
    clerk = authenticator_of(backend).backend
    clerk.users.update_metadata(user_id="user_1", public_metadata={"plan": "pro"})
    assert backend.body() == {"public_metadata": {"plan": "pro"}}
    assert clerk.invitations.list(query="ann", limit=5) == []
    assert dict(backend.requests[-1].url.params).items() >= {"query": "ann", "limit": "5"}.items()


def test_compressed_answers_are_read() -> None:
    def answer(exchange: Exchange) -> None:
        assert "gzip" in exchange.headers["accept-encoding"]
        exchange.send_whole(
            200,
            gzip.compress(json.dumps(ANN).encode()),
            content_encoding="gzip",
            content_type="application/json",
        )

    with serving(answer) as api, Authenticator(config_of(api)) as authenticator:
        assert first_name(authenticator.backend) == "Ann"


def test_its_errors_are_its_own(backend: CannedBackend) -> None:
    backend.on("GET /v1/users/user_2", error(404, "resource_not_found"))
    with pytest.raises(ClerkErrors) as refused:
        authenticator_of(backend).backend.users.get(user_id="user_2")
    assert refused.value.data.errors[0].code == "resource_not_found"


# --- One for each instance --------------------------------------------------------------------------------


def test_there_is_one_for_an_instance(backend: CannedBackend) -> None:
    authenticator = authenticator_of(backend)
    clerk = authenticator.backend
    assert authenticator.backend is clerk
    same_instance = config_of(authorized_parties=["https://other.example.com"])
    assert authenticator.backend_for(same_instance) is clerk
    assert authenticator.backend_for(config_of(api_url="https://eu.example.com")) is not clerk
    assert authenticator.backend_for(config_of(api_version="v2")) is not clerk


def test_tenants_each_have_their_own_and_their_own_key(backend: CannedBackend) -> None:
    backend.on(USER, ANN)
    tenants = [config_of(secret_key=f"sk_live_{name}") for name in ("a", "b")]
    authenticator = authenticator_of(backend, lambda _: tenants[0])
    clerks = [authenticator.backend_for(tenant) for tenant in tenants]
    for clerk in [*clerks, clerks[0]]:
        first_name(clerk)
    sent = [request.headers["authorization"] for request in backend.requests]
    assert sent == ["Bearer sk_live_a", "Bearer sk_live_b", "Bearer sk_live_a"]


def test_only_so_many_are_kept(backend: CannedBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(official, "_MAX_INSTANCES", 4)
    authenticator = authenticator_of(backend)
    first = authenticator.backend_for(config_of(secret_key="sk_live_first"))
    for number in range(20):
        authenticator.backend_for(config_of(secret_key=f"sk_live_{number}"))
    assert authenticator.backend_for(config_of(secret_key="sk_live_first")) is not first
    backend.on(USER, ANN)
    assert first_name(first) == "Ann"  # who has it may go on
    assert backend.requests[-1].headers["authorization"] == "Bearer sk_live_first"


def test_of_several_instances_it_is_told_how_to_choose(backend: CannedBackend) -> None:
    with pytest.raises(ConfigurationError, match=r"write backend_for\(config\)"):
        _ = authenticator_of(backend, lambda _: config_of()).backend


def test_without_a_secret_key_it_is_told_what_to_set(issuer: Any) -> None:
    authenticator = Authenticator(ClerkConfig(jwt_key=issuer.pem))
    with pytest.raises(ConfigurationError, match="CLERK_SECRET_KEY") as refused:
        _ = authenticator.backend
    assert refused.value.option == "secret_key"


def test_without_the_extra_it_is_told_what_to_install(
    backend: CannedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "clerk_backend_api", None)
    official._client_class.cache_clear()
    with pytest.raises(ConfigurationError, match=r"pip install 'clerk-middleware\[backend\]'"):
        _ = authenticator_of(backend).backend


# --- Secrets ----------------------------------------------------------------------------------------------


def test_neither_the_key_nor_an_answer_is_shown_or_logged(
    backend: CannedBackend, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLERK_DEBUG", "true")
    caplog.set_level(logging.DEBUG)
    backend.on(USER, ANN | {"first_name": "ya29.secret"})
    clerk = authenticator_of(backend).backend
    first_name(clerk)
    shown = [
        repr(each) for each in (clerk, clerk.users, clerk.sdk_configuration, vars(clerk.sdk_configuration))
    ]
    logged = [record.getMessage() for record in caplog.records]
    assert any("HTTP Request: GET" in line for line in logged)  # httpx's own lines are seen
    for text in [*shown, *logged]:
        assert SECRET not in text
        assert "ya29.secret" not in text


# --- Attempts, time and size ------------------------------------------------------------------------------


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Call a method of the official client's users, over a transport or over the network."""

    def call(where: CannedBackend | LoopbackAPI, method: str = "get", **arguments: Any) -> Any:
        arguments = {"user_id": "user_1", **arguments}
        config = config_of(where if isinstance(where, LoopbackAPI) else None)
        transport = where.transport if isinstance(where, CannedBackend) else None
        if request.param == "sync":
            with Authenticator(config, transport=transport) as authenticator:
                return getattr(authenticator.backend.users, method)(**arguments)

        async def acall() -> Any:
            async with AsyncAuthenticator(config, transport=transport) as authenticator:
                return await getattr(authenticator.backend.users, f"{method}_async")(**arguments)

        return asyncio.run(acall())

    return call


def failing_first(*failures: httpx.Response | Exception) -> Callable[[httpx.Request], httpx.Response]:
    remaining = list(failures)

    def answer(_: httpx.Request) -> httpx.Response:
        if not remaining:
            return httpx.Response(200, json=ANN)
        failure = remaining.pop(0)
        if isinstance(failure, Exception):
            raise failure
        return httpx.Response(failure.status_code, json={})

    return answer


@pytest.mark.parametrize(
    "failure", [error(503, "unavailable"), error(429, "too_many"), httpx.ReadError("reset")], ids=repr
)
def test_what_only_reads_is_tried_twice(
    failure: Any, ask: Callable[..., Any], backend: CannedBackend
) -> None:
    backend.on(USER, failing_first(failure))
    assert ask(backend).first_name == "Ann"
    assert backend.asked == [USER] * 2


def test_and_not_a_third_time(ask: Callable[..., Any], backend: CannedBackend) -> None:
    backend.on(USER, error(500, "internal"))
    with pytest.raises(SDKError) as refused:
        ask(backend)
    assert refused.value.status_code == 500
    assert len(backend.requests) == 2


def test_what_changes_something_is_tried_once(ask: Callable[..., Any], backend: CannedBackend) -> None:
    backend.on("POST /v1/users/user_1/ban", error(500, "internal"))
    with pytest.raises(SDKError):
        ask(backend, "ban")
    assert len(backend.requests) == 1


def test_a_pause_that_clerk_asks_for_is_not_waited_for(
    ask: Callable[..., Any], backend: CannedBackend
) -> None:
    """By default the client sleeps for as long as it is told: hours."""
    backend.on(USER, httpx.Response(503, headers={"retry-after": "3600"}, json={"errors": []}))
    started = time.monotonic()
    with pytest.raises(SDKError):
        ask(backend)
    assert time.monotonic() - started < DEADLINE
    assert len(backend.requests) == 1


def test_a_redirect_takes_the_key_nowhere_else(ask: Callable[..., Any], backend: CannedBackend) -> None:
    backend.on(USER, httpx.Response(302, headers={"location": "https://elsewhere.example.com/"}))
    with pytest.raises(SDKError):
        ask(backend)
    assert backend.asked == [USER]


def test_cookies_are_not_kept(api: LoopbackAPI) -> None:
    api.answer = lambda exchange: exchange.send_json(ANN, set_cookie="a=b; Path=/")

    async def main() -> None:
        async with AsyncAuthenticator(config_of(api)) as authenticator:
            await afirst_name(authenticator.backend)
            await afirst_name(authenticator.backend)

    asyncio.run(main())
    with Authenticator(config_of(api)) as authenticator:
        first_name(authenticator.backend)
        first_name(authenticator.backend)
    assert [request.headers["cookie"] for request in api.requests] == [None] * 4


def dripping(begun: bytes, drip: bytes) -> Callable[[Exchange], None]:
    def answer(exchange: Exchange) -> None:
        exchange.wfile.write(begun)
        exchange.send_slowly(drip, seconds=2)

    return answer


@pytest.mark.parametrize(
    ("begun", "drip"),
    [(b"", b""), (b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", b" ")],
    ids=["nothing", "body"],
)
def test_a_slow_answer_is_given_up(
    begun: bytes, drip: bytes, ask: Callable[..., Any], api: LoopbackAPI
) -> None:
    """Even if a byte arrives now and then, so that no single read takes long."""
    api.answer = dripping(begun, drip)
    started = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        ask(api, timeout_ms=300)
    assert time.monotonic() - started < 1.8


def test_so_are_slow_headers_where_it_is_asynchronous(api: LoopbackAPI) -> None:
    """In threads httpx bounds each read of a header, and not their sum."""
    api.answer = dripping(b"HTTP/1.1 200 OK\r\nx-slow: ", b"x")

    async def main() -> None:
        async with AsyncAuthenticator(config_of(api)) as authenticator:
            await authenticator.backend.users.get_async(user_id="user_1", timeout_ms=300)

    started = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        asyncio.run(main())
    assert time.monotonic() - started < 1.8


def test_an_endless_answer_is_given_up_and_not_asked_for_again(
    ask: Callable[..., Any], api: LoopbackAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(official_http, "_MAX_BYTES", 1000)
    with pytest.raises(httpx.DecodingError, match="its answer is larger than 1000 bytes"):
        ask(api)
    assert len(api.requests) == 1


def compressed(body: bytes, encoding: str = "gzip") -> Callable[[Exchange], None]:
    return lambda exchange: exchange.send_whole(
        200, body, content_encoding=encoding, content_type="application/json"
    )


def test_what_is_small_only_while_it_is_compressed_takes_no_memory(
    ask: Callable[..., Any], api: LoopbackAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(official_http, "_MAX_BYTES", 1_000_000)
    api.answer = compressed(gzip.compress(bytes(64_000_000), 1))
    tracemalloc.start()
    try:
        with pytest.raises(httpx.DecodingError, match="its answer is larger than 1000000 bytes"):
            ask(api)
        assert tracemalloc.get_traced_memory()[1] < 32_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (compressed(b"{}"), "its answer can't be decompressed"),
        (compressed(b"{}", "br"), "not asked for"),
    ],
    ids=["broken", "br"],
)
def test_what_can_not_be_decompressed_is_no_answer(
    answer: Callable[[Exchange], None], words: str, ask: Callable[..., Any], api: LoopbackAPI
) -> None:
    api.answer = answer
    with pytest.raises(httpx.DecodingError, match=words):
        ask(api)
    assert len(api.requests) == 1


def test_where_nobody_listens(ask: Callable[..., Any]) -> None:
    with serving(lambda _: None) as gone:
        pass
    with pytest.raises(httpx.ConnectError):
        ask(gone)


# --- How many at once --------------------------------------------------------------------------------------


class OneWaits:
    """Answers the first request when it is let, and all others at once."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        if not self.begun.is_set():
            self.begun.set()
            assert self.go_on.wait(DEADLINE)
        exchange.send_json(ANN)


def test_others_wait_but_not_for_ever_and_the_engine_does_not(
    api: LoopbackAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What applications ask must not take up the connections by which people sign in."""
    monkeypatch.setattr(official_http, "_MAX_AT_ONCE", 1)
    api.answer = waits = OneWaits()
    config = config_of(api)
    with Authenticator(config) as authenticator, ThreadPoolExecutor(2) as threads:
        clerk = authenticator.backend
        first = threads.submit(first_name, clerk)
        assert waits.begun.wait(DEADLINE)
        with pytest.raises(httpx.ReadTimeout, match="it took too long"):
            clerk.users.get(user_id="user_1", timeout_ms=100)
        assert authenticator.describe_user(config, "user_1")["first_name"] == "Ann"
        assert len(api.requests) == 2
        second = threads.submit(first_name, clerk)
        waits.go_on.set()
        assert [first.result(DEADLINE), second.result(DEADLINE)] == ["Ann", "Ann"]


def test_so_do_tasks(api: LoopbackAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(official_http, "_MAX_AT_ONCE", 1)
    api.answer = waits = OneWaits()
    config = config_of(api)

    async def main() -> list[str | None]:
        async with AsyncAuthenticator(config) as authenticator:
            clerk = authenticator.backend
            first = asyncio.create_task(afirst_name(clerk))
            assert await asyncio.to_thread(waits.begun.wait, DEADLINE)
            with pytest.raises(httpx.ReadTimeout, match="it took too long"):
                await clerk.users.get_async(user_id="user_1", timeout_ms=100)
            assert (await authenticator.describe_user(config, "user_1"))["first_name"] == "Ann"
            assert len(api.requests) == 2
            second = asyncio.create_task(afirst_name(clerk))
            waits.go_on.set()
            with anyio.fail_after(DEADLINE):
                return [await first, await second]

    assert asyncio.run(main()) == ["Ann", "Ann"]


def test_the_queues_of_the_engine_leave_connections_for_the_key_set() -> None:
    taken = official_http._MAX_AT_ONCE + sum(drivers._MAX_IN_QUEUE.values())
    assert connections.MAX_CONNECTIONS - taken >= 20


# --- Threads, event loops, processes -----------------------------------------------------------------------


def test_asynchronous_methods_of_a_synchronous_authenticator_wait_in_a_thread(api: LoopbackAPI) -> None:
    """So that an event loop that ends, as that of a view in Flask, leaves no connection behind."""
    with Authenticator(config_of(api)) as authenticator:
        names = [asyncio.run(afirst_name(authenticator.backend)) for _ in range(2)]
        assert [*names, first_name(authenticator.backend)] == ["Ann"] * 3
    assert len(set(api.connections)) == 1


def test_synchronous_methods_of_an_asynchronous_authenticator_are_for_worker_threads(
    api: LoopbackAPI,
) -> None:
    async def main() -> list[str | None]:
        async with AsyncAuthenticator(config_of(api)) as authenticator:
            clerk = authenticator.backend
            with pytest.raises(ClerkError, match=r"would block the event loop: await .*get_async"):
                first_name(clerk)
            with pytest.raises(ClerkError, match="in any other thread use an Authenticator"):
                await asyncio.to_thread(first_name, clerk)
            return [await to_thread.run_sync(first_name, clerk), await afirst_name(clerk)]

    assert asyncio.run(main()) == ["Ann", "Ann"]
    assert len(set(api.connections)) == 1


def test_they_may_be_given_other_connections_for_all_other_threads(api: LoopbackAPI) -> None:
    async def main(in_threads: Authenticator) -> str | None:
        async with AsyncAuthenticator(config_of(api), in_threads=in_threads) as authenticator:
            clerk = authenticator.backend
            with pytest.raises(ClerkError, match="would block the event loop"):
                first_name(clerk)
            return await asyncio.to_thread(first_name, clerk)

    with Authenticator(config_of(api)) as in_threads:
        assert asyncio.run(main(in_threads)) == "Ann"


def test_an_error_of_the_call_itself_is_no_lack_of_an_event_loop() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise RuntimeError("of the transport")

    async def main() -> None:
        transport = httpx.MockTransport(answer)
        async with AsyncAuthenticator(config_of(), transport=transport) as authenticator:
            await to_thread.run_sync(first_name, authenticator.backend)

    with pytest.raises(RuntimeError, match="of the transport"):
        asyncio.run(main())


@pytest.mark.skipif(find_spec("trio") is None, reason="needs trio")
def test_on_trio_it_is_used_in_a_thread(api: LoopbackAPI) -> None:
    async def main() -> str | None:
        async with AsyncAuthenticator(config_of(api)) as authenticator:
            return await to_thread.run_sync(first_name, authenticator.backend)

    assert anyio.run(main, backend="trio") == "Ann"


def test_event_loops_share_no_connection(api: LoopbackAPI) -> None:
    authenticator = AsyncAuthenticator(config_of(api))
    clerk = authenticator.backend  # one and the same client

    async def of_another_loop() -> str | None:
        async with authenticator:
            return await afirst_name(clerk)

    async def main() -> list[str | None]:
        async with authenticator:
            first = await afirst_name(clerk)
            other = await asyncio.to_thread(lambda: asyncio.run(of_another_loop()))
            return [first, other, await afirst_name(clerk)]

    assert asyncio.run(main()) == ["Ann"] * 3
    first, other, again = api.connections
    assert first == again != other


def test_threads_share_it(api: LoopbackAPI) -> None:
    start = threading.Barrier(8)

    def call(_: int) -> str | None:
        start.wait(DEADLINE)
        return first_name(authenticator.backend)

    with Authenticator(config_of(api)) as authenticator, ThreadPoolExecutor(8) as threads:
        assert list(threads.map(call, range(8))) == ["Ann"] * 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_a_client_that_a_child_inherits_opens_connections_of_its_own(api: LoopbackAPI) -> None:
    with Authenticator(config_of(api)) as authenticator:
        clerk = authenticator.backend
        assert first_name(clerk) == "Ann"
        with (
            warnings.catch_warnings()
        ):  # newer Pythons warn of a fork beside threads, which is the point here
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if first_name(clerk) == "Ann" else 1
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert first_name(clerk) == "Ann"
    parent, of_child, parent_again = api.connections
    assert parent == parent_again != of_child


def test_closing_the_authenticator_closes_its_connections(api: LoopbackAPI) -> None:
    authenticator = Authenticator(config_of(api))
    clerk = authenticator.backend
    authenticator.close()  # there is none yet
    first_name(clerk)
    authenticator.close()
    assert first_name(clerk) == "Ann"  # by a new one
    authenticator.close()
    assert len(set(api.connections)) == 2
    gc.collect()  # what is left open warns, which is an error here


def test_closing_the_asynchronous_one_does_so_too(api: LoopbackAPI) -> None:
    async def main() -> str | None:
        authenticator = AsyncAuthenticator(config_of(api))
        clerk = authenticator.backend
        await authenticator.aclose()
        await afirst_name(clerk)
        await authenticator.aclose()
        name = await afirst_name(clerk)
        await authenticator.aclose()
        return name

    assert asyncio.run(main()) == "Ann"
    assert len(set(api.connections)) == 2
    gc.collect()


def test_who_is_done_with_it_does_not_close_it_for_others(api: LoopbackAPI) -> None:
    async def main() -> list[str | None]:
        async with AsyncAuthenticator(config_of(api)) as authenticator:
            async with authenticator.backend as clerk:
                names = [await afirst_name(clerk)]
            return [*names, await afirst_name(authenticator.backend)]

    with Authenticator(config_of(api)) as authenticator:
        with authenticator.backend as clerk:
            assert first_name(clerk) == "Ann"
        assert first_name(authenticator.backend) == "Ann"
        authenticator.backend.sdk_configuration.client.close()
        asyncio.run(authenticator.backend.sdk_configuration.async_client.aclose())
    assert asyncio.run(main()) == ["Ann", "Ann"]


class CountsClosing(httpx.MockTransport):
    """Tells how often it was closed."""

    closed = 0

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


def test_a_transport_is_closed_once(backend: CannedBackend) -> None:
    """It is the engine's, too."""
    backend.on(USER, ANN)
    config, transport, atransport = config_of(), CountsClosing(backend), CountsClosing(backend)
    with Authenticator(config, transport=transport) as authenticator:
        first_name(authenticator.backend)
        authenticator.describe_user(config, "user_1")
    assert transport.closed == 1

    async def main() -> None:
        async with AsyncAuthenticator(config, transport=atransport) as authenticator:
            await afirst_name(authenticator.backend)
            await authenticator.describe_user(config, "user_1")

    asyncio.run(main())
    assert atransport.closed == 1


def test_the_engine_uses_the_same_connection(api: LoopbackAPI) -> None:
    config = config_of(api)
    with Authenticator(config) as authenticator:
        first_name(authenticator.backend)
        authenticator.describe_user(config, "user_1")

    async def main() -> None:
        async with AsyncAuthenticator(config) as authenticator:
            await afirst_name(authenticator.backend)
            await authenticator.describe_user(config, "user_1")

    asyncio.run(main())
    first, second, third, fourth = api.connections
    assert first == second != third == fourth

"""How the Backend API is asked, over real connections: once for all, in time, and of nobody else."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from clerk_middleware import (
    AsyncAuthenticator,
    Authenticator,
    ClerkConfig,
    ClerkRequest,
    TokenVerificationError,
)
from clerk_middleware.backend import attempts

from .backend import CannedBackend
from .conftest import PRODUCTION
from .issuer import NOW, Issuer
from .server import Exchange, LoopbackAPI, serving

CALLERS = 30


@pytest.fixture
def api(issuer: Issuer) -> Iterator[LoopbackAPI]:
    with serving(lambda exchange: exchange.send_json(issuer.jwks)) as server:
        yield server


def config_for(api: LoopbackAPI, **options: Any) -> ClerkConfig:
    return ClerkConfig(**PRODUCTION, api_url=api.url, **options)


def reason_of(authenticator: Authenticator, token: str) -> str | None:
    try:
        authenticator.verify_token(token)
    except TokenVerificationError as error:
        return error.reason
    return None


async def areason_of(authenticator: AsyncAuthenticator, token: str) -> str | None:
    try:
        await authenticator.verify_token(token)
    except TokenVerificationError as error:
        return error.reason
    return None


def ask_sync(api: LoopbackAPI, token: str) -> str | None:
    with Authenticator(config_for(api), clock=lambda: NOW) as authenticator:
        return reason_of(authenticator, token)


def ask_async(api: LoopbackAPI, token: str) -> str | None:
    async def ask() -> str | None:
        async with AsyncAuthenticator(config_for(api), clock=lambda: NOW) as authenticator:
            return await areason_of(authenticator, token)

    return asyncio.run(ask())


BOTH = pytest.mark.parametrize("ask", [ask_sync, ask_async], ids=["sync", "async"])
Ask = Callable[[LoopbackAPI, str], str | None]


# --- One fetch for all ---------------------------------------------------------------------------------


def slowly(issuer: Issuer, seconds: float) -> Callable[[Exchange], None]:
    def answer(exchange: Exchange) -> None:
        time.sleep(seconds)
        exchange.send_json(issuer.jwks)

    return answer


def test_threads_share_one_fetch(api: LoopbackAPI, issuer: Issuer) -> None:
    api.answer = slowly(issuer, 0.1)
    start = threading.Barrier(CALLERS)
    with Authenticator(config_for(api), clock=lambda: NOW) as authenticator:

        def call(number: int) -> str | None:
            token = issuer.token(jti=str(number))
            start.wait(10)
            return reason_of(authenticator, token)

        with ThreadPoolExecutor(CALLERS) as threads:
            assert list(threads.map(call, range(CALLERS))) == [None] * CALLERS
    assert api.asked == ["GET /v1/jwks"]


def test_tasks_share_one_fetch(api: LoopbackAPI, issuer: Issuer) -> None:
    api.answer = slowly(issuer, 0.05)

    async def call_all() -> list[str | None]:
        async with AsyncAuthenticator(config_for(api), clock=lambda: NOW) as authenticator:
            tokens = [issuer.token(jti=str(number)) for number in range(CALLERS)]
            return await asyncio.gather(*(areason_of(authenticator, token) for token in tokens))

    assert asyncio.run(call_all()) == [None] * CALLERS
    assert api.asked == ["GET /v1/jwks"]


def test_threads_share_a_failure_too(api: LoopbackAPI, issuer: Issuer) -> None:
    def refuse(exchange: Exchange) -> None:
        time.sleep(0.05)
        exchange.send_json({}, 500)

    api.answer = refuse
    with (
        Authenticator(config_for(api), clock=lambda: NOW) as authenticator,
        ThreadPoolExecutor(5) as threads,
    ):
        reasons = list(threads.map(lambda _: reason_of(authenticator, issuer.token()), range(5)))
    assert set(reasons) == {"jwk-remote-failed-to-load"}
    assert len(api.requests) == 3


def test_another_task_asks_where_the_first_was_cancelled(api: LoopbackAPI, issuer: Issuer) -> None:
    asked, cancelled = threading.Event(), threading.Event()

    def answer(exchange: Exchange) -> None:
        asked.set()
        cancelled.wait(5)
        exchange.send_json(issuer.jwks)

    async def call_and_cancel() -> list[str | None]:
        async with AsyncAuthenticator(config_for(api), clock=lambda: NOW) as authenticator:
            leader = asyncio.create_task(areason_of(authenticator, issuer.token()))
            await asyncio.to_thread(asked.wait, 5)
            followers = [asyncio.create_task(areason_of(authenticator, issuer.token())) for _ in range(3)]
            await asyncio.sleep(0.01)
            leader.cancel()
            with pytest.raises(asyncio.CancelledError):
                await leader
            cancelled.set()
            return await asyncio.gather(*followers)

    api.answer = answer
    assert asyncio.run(call_and_cancel()) == [None, None, None]
    assert api.asked == ["GET /v1/jwks"] * 2


def test_instances_do_not_wait_for_each_other(api: LoopbackAPI, issuer: Issuer) -> None:
    """A fetch is only shared within one instance."""
    api.answer = slowly(issuer, 0.05)
    authenticator = Authenticator(
        lambda request: ClerkConfig(secret_key=f"sk_test_{request.url.path[1:]}", api_url=api.url),
        clock=lambda: NOW,
    )
    headers = {"authorization": f"Bearer {issuer.token()}"}

    def call(number: int) -> str:
        request = ClerkRequest("GET", f"https://a.example/{number}", headers)
        return authenticator.authenticate_request(request).status

    with authenticator, ThreadPoolExecutor(4) as threads:
        assert list(threads.map(call, range(4))) == ["signed-in"] * 4
    assert sorted(exchange.headers["authorization"] for exchange in api.requests) == [
        f"Bearer sk_test_{number}" for number in range(4)
    ]


# --- Attempts and time ---------------------------------------------------------------------------------


def failing_first(issuer: Issuer, *statuses: int) -> Callable[[Exchange], None]:
    left = list(statuses)

    def answer(exchange: Exchange) -> None:
        if left:
            exchange.send_json({"errors": []}, left.pop(0))
        else:
            exchange.send_json(issuer.jwks)

    return answer


@BOTH
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(ask: Ask, status: int, api: LoopbackAPI, issuer: Issuer) -> None:
    api.answer = failing_first(issuer, status, status)
    assert ask(api, issuer.token()) is None
    assert len(api.requests) == 3


@BOTH
@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 501])
def test_what_will_not_pass_is_not_tried_again(
    ask: Ask, status: int, api: LoopbackAPI, issuer: Issuer
) -> None:
    api.answer = failing_first(issuer, status, status, status)
    assert ask(api, issuer.token()) == "jwk-remote-failed-to-load"
    assert len(api.requests) == 1


@BOTH
def test_three_attempts_are_enough(ask: Ask, api: LoopbackAPI, issuer: Issuer) -> None:
    api.answer = failing_first(issuer, *[500] * 10)
    assert ask(api, issuer.token()) == "jwk-remote-failed-to-load"
    assert len(api.requests) == 3


@BOTH
def test_no_attempt_starts_after_the_deadline(
    ask: Ask, api: LoopbackAPI, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "DEADLINE", 2.0)
    monkeypatch.setattr(attempts, "_BACKOFF", 10.0)
    api.answer = failing_first(issuer, *[500] * 10)
    assert ask(api, issuer.token()) == "jwk-remote-failed-to-load"
    assert len(api.requests) == 1


@BOTH
def test_a_connection_that_is_refused_is_a_failure(ask: Ask, issuer: Issuer) -> None:
    with serving(lambda _: None) as gone:
        pass
    assert ask(gone, issuer.token()) == "jwk-remote-failed-to-load"


DRIPPING = {
    "nothing": b"",
    "body": b" ",
    "headers": b"x",
}


SLOW = [
    pytest.param(ask, what, id=f"{kind}-{what}")
    for kind, ask in (("sync", ask_sync), ("async", ask_async))
    for what in DRIPPING
    if (kind, what) != ("sync", "headers")
]
SLOW.append(
    pytest.param(
        ask_sync,
        "headers",
        id="sync-headers",
        marks=pytest.mark.xfail(reason="httpx bounds each read of a header, not their sum"),
    )
)


@pytest.mark.parametrize(("ask", "what"), SLOW)
def test_a_slow_answer_is_given_up(
    ask: Ask, what: str, api: LoopbackAPI, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if a byte arrives now and then, so that no single read takes long."""
    monkeypatch.setattr(attempts, "_ATTEMPT_TIMEOUT", 0.2)
    monkeypatch.setattr(attempts, "DEADLINE", 0.3)

    def drip(exchange: Exchange) -> None:
        if what == "body":
            exchange.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        elif what == "headers":
            exchange.wfile.write(b"HTTP/1.1 200 OK\r\nx-slow: ")
        exchange.send_slowly(DRIPPING[what], seconds=2)

    api.answer = drip
    started = time.monotonic()
    assert ask(api, issuer.token()) == "jwk-remote-failed-to-load"
    assert time.monotonic() - started < 1.8


@BOTH
def test_an_endless_answer_is_given_up(ask: Ask, api: LoopbackAPI, issuer: Issuer) -> None:
    def flood(exchange: Exchange) -> None:
        exchange.wfile.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{")
        exchange.send_slowly(b" " * 256 * 1024, seconds=5, pause=0)

    api.answer = flood
    started = time.monotonic()
    assert ask(api, issuer.token()) == "jwk-remote-failed-to-load"
    assert time.monotonic() - started < 4


@BOTH
def test_an_answer_that_is_just_not_too_large(ask: Ask, api: LoopbackAPI, issuer: Issuer) -> None:
    api.answer = lambda exchange: exchange.send_json(issuer.jwks | {"x": "x" * 1_000_000})
    assert ask(api, issuer.token()) is None


@BOTH
@pytest.mark.parametrize("body", [b"", b"nonsense", b"\xff\xfe", b"[" * 100_000, b"<html>"], ids=len)
def test_what_is_no_json_is_no_answer(ask: Ask, body: bytes, api: LoopbackAPI, issuer: Issuer) -> None:
    api.answer = lambda exchange: exchange.send_whole(200, body)
    assert ask(api, issuer.token()) == "jwk-remote-failed-to-load"


@BOTH
def test_a_broken_answer_is_a_failure(ask: Ask, api: LoopbackAPI, issuer: Issuer) -> None:
    def break_off(exchange: Exchange) -> None:
        exchange.wfile.write(b"HTTP/9.9 nonsense\r\n\r\n")
        exchange.close_connection = True

    api.answer = break_off
    assert ask(api, issuer.token()) == "jwk-remote-failed-to-load"


# --- To nobody else ------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(ask: Ask, status: int, api: LoopbackAPI, issuer: Issuer) -> None:
    """It would take the secret key elsewhere."""
    with serving(lambda exchange: exchange.send_json(issuer.jwks)) as elsewhere:
        api.answer = lambda exchange: exchange.send_whole(status, b"", location=f"{elsewhere.url}/v1/jwks")
        assert ask(api, issuer.token()) == "jwk-remote-failed-to-load"
        assert elsewhere.requests == []
    assert len(api.requests) == 1


@BOTH
def test_a_call_says_who_asks(ask: Ask, api: LoopbackAPI, issuer: Issuer) -> None:
    ask(api, issuer.token())
    sent = api.requests[0].headers
    assert sent["authorization"] == f"Bearer {PRODUCTION['secret_key']}"
    assert sent["user-agent"].startswith("clerk-middleware/")
    assert sent["clerk-api-version"]


def test_a_call_without_a_secret_key_has_no_bearer(
    config: Callable[..., ClerkConfig], backend: CannedBackend
) -> None:
    request = ClerkRequest("GET", "https://app.example.com/", {"cookie": "__clerk_handshake_nonce=n"})
    with Authenticator(config(secret_key=None), transport=backend.transport) as authenticator:
        authenticator.authenticate_request(request)
    assert backend.asked == ["GET /v1/clients/handshake_payload"]
    assert "authorization" not in backend.requests[0].headers


def test_cookies_of_an_answer_are_not_kept(api: LoopbackAPI, issuer: Issuer) -> None:
    api.answer = lambda exchange: exchange.send_json(issuer.jwks, set_cookie="a=1; Path=/")
    secrets = iter(["sk_test_one", "sk_test_two"])
    authenticator = Authenticator(
        lambda _: ClerkConfig(secret_key=next(secrets), api_url=api.url), clock=lambda: NOW
    )
    headers = {"authorization": f"Bearer {issuer.token()}"}
    with authenticator:
        for _ in range(2):
            authenticator.authenticate_request(ClerkRequest("GET", "https://a.example/", headers))
    assert [exchange.headers["cookie"] for exchange in api.requests] == [None, None]


def test_cookies_of_an_answer_are_not_kept_asynchronously(api: LoopbackAPI, issuer: Issuer) -> None:
    api.answer = lambda exchange: exchange.send_json(issuer.jwks, set_cookie="a=1; Path=/")

    async def ask_twice() -> None:
        now = NOW
        async with AsyncAuthenticator(config_for(api), clock=lambda: now) as authenticator:
            await areason_of(authenticator, issuer.token())
            now += 300
            await areason_of(authenticator, issuer.token())

    asyncio.run(ask_twice())
    assert [exchange.headers["cookie"] for exchange in api.requests] == [None, None]


class Bang(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Fails as no transport should."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise ValueError("bang")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise ValueError("bang")


def test_an_unexpected_error_signs_out(issuer: Issuer) -> None:
    request = ClerkRequest("GET", "https://a.example/", {"authorization": f"Bearer {issuer.token()}"})
    with Authenticator(ClerkConfig(**PRODUCTION), transport=Bang(), clock=lambda: NOW) as authenticator:
        state = authenticator.authenticate_request(request)
    assert (state.status, state.reason) == ("signed-out", "unexpected-error")


def test_an_unexpected_error_signs_out_asynchronously(issuer: Issuer) -> None:
    request = ClerkRequest("GET", "https://a.example/", {"authorization": f"Bearer {issuer.token()}"})

    async def ask() -> Any:
        config = ClerkConfig(**PRODUCTION)
        async with AsyncAuthenticator(config, transport=Bang(), clock=lambda: NOW) as authenticator:
            return await authenticator.authenticate_request(request)

    state = asyncio.run(ask())
    assert (state.status, state.reason) == ("signed-out", "unexpected-error")


# --- Connections ---------------------------------------------------------------------------------------


def test_a_connection_is_used_again_until_it_is_closed(api: LoopbackAPI, issuer: Issuer) -> None:
    now = NOW
    with Authenticator(config_for(api), clock=lambda: now) as authenticator:
        reason_of(authenticator, issuer.token())
        now = NOW + 300
        reason_of(authenticator, issuer.token())
    assert len(set(api.connections)) == 1

    now = NOW + 600
    with authenticator:  # opens another
        reason_of(authenticator, issuer.token())
    assert len(set(api.connections)) == 2


def test_closing_is_allowed_before_and_twice(api: LoopbackAPI, issuer: Issuer) -> None:
    authenticator = Authenticator(config_for(api), clock=lambda: NOW)
    authenticator.close()
    reason_of(authenticator, issuer.token())
    authenticator.close()
    authenticator.close()

    async def close_twice() -> None:
        authenticator = AsyncAuthenticator(config_for(api), clock=lambda: NOW)
        await authenticator.aclose()
        await areason_of(authenticator, issuer.token())
        await authenticator.aclose()
        await authenticator.aclose()

    asyncio.run(close_twice())


def ask_in_one_loop_after_another(api: LoopbackAPI, issuer: Issuer) -> list[str | None]:
    now = NOW
    authenticator = AsyncAuthenticator(config_for(api), clock=lambda: now)
    reasons = []
    for _ in range(3):
        reasons.append(asyncio.run(areason_of(authenticator, issuer.token(exp=now + 60))))
        now += 300
    return reasons


def ask_in_four_loops_at_a_time(api: LoopbackAPI, issuer: Issuer) -> list[str | None]:
    authenticator = AsyncAuthenticator(config_for(api), clock=lambda: NOW)
    start = threading.Barrier(4)

    def call(number: int) -> str | None:
        async def ask() -> str | None:
            start.wait(10)
            return await areason_of(authenticator, issuer.token(jti=str(number)))

        return asyncio.run(ask())

    with ThreadPoolExecutor(4) as threads:
        return list(threads.map(call, range(4)))


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # what a loop leaves open, nobody else can close
def test_several_event_loops_one_after_another(api: LoopbackAPI, issuer: Issuer) -> None:
    """As in test suites, each of whose tests has a loop of its own."""
    assert ask_in_one_loop_after_another(api, issuer) == [None] * 3
    assert len(api.requests) == 3
    gc.collect()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_several_event_loops_at_the_same_time(api: LoopbackAPI, issuer: Issuer) -> None:
    """As under WSGI servers that run each asynchronous view in a loop of its own."""
    api.answer = slowly(issuer, 0.05)
    assert ask_in_four_loops_at_a_time(api, issuer) == [None] * 4
    gc.collect()


def in_child(work: Callable[[], bool]) -> bool:
    """Whether *work* holds in a forked process."""
    with warnings.catch_warnings():  # newer Pythons warn of a fork beside threads, which is the point here
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if work() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")


@needs_fork
def test_a_client_made_before_a_fork_is_not_used_after_it(api: LoopbackAPI, issuer: Issuer) -> None:
    now = NOW
    with Authenticator(config_for(api), clock=lambda: now) as authenticator:
        assert reason_of(authenticator, issuer.token()) is None
        now = NOW + 300

        assert in_child(lambda: reason_of(authenticator, issuer.token(exp=now + 60)) is None)
        assert reason_of(authenticator, issuer.token(exp=now + 60)) is None

    parent, child, parent_again = api.connections
    assert parent == parent_again != child


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # the parent's connection stays the parent's
def test_a_process_of_another_id_opens_connections_of_its_own(
    api: LoopbackAPI, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, as far as the parent can see it."""
    now = NOW
    with Authenticator(config_for(api), clock=lambda: now) as authenticator:
        reason_of(authenticator, issuer.token())
        now = NOW + 300
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: -1)
            reason_of(authenticator, issuer.token())
            authenticator.close()
    gc.collect()
    assert len(set(api.connections)) == 2


@needs_fork
def test_closing_in_a_child_leaves_the_parents_connection_open(api: LoopbackAPI, issuer: Issuer) -> None:
    now = NOW
    with Authenticator(config_for(api), clock=lambda: now) as authenticator:
        reason_of(authenticator, issuer.token())
        assert in_child(lambda: authenticator.close() is None)
        now = NOW + 300
        assert reason_of(authenticator, issuer.token(exp=now + 60)) is None
    assert len(set(api.connections)) == 1


@needs_fork
def test_a_child_does_not_wait_for_a_fetch_of_its_parent(api: LoopbackAPI, issuer: Issuer) -> None:
    api.answer = slowly(issuer, 0.2)
    with (
        Authenticator(config_for(api), clock=lambda: NOW) as authenticator,
        ThreadPoolExecutor(1) as thread,
    ):
        fetching = thread.submit(reason_of, authenticator, issuer.token())
        started = time.monotonic()
        while not api.requests and time.monotonic() - started < 10:
            time.sleep(0.005)
        assert api.requests
        started = time.monotonic()
        assert in_child(lambda: reason_of(authenticator, issuer.token()) is None)
        assert time.monotonic() - started < 4
        assert fetching.result(10) is None
    assert len(api.requests) == 2


@needs_fork
def test_an_asynchronous_client_is_not_used_after_a_fork_either(api: LoopbackAPI, issuer: Issuer) -> None:
    now = NOW
    authenticator = AsyncAuthenticator(config_for(api), clock=lambda: now)

    async def ask_and_fork() -> bool:
        nonlocal now
        async with authenticator:
            await areason_of(authenticator, issuer.token())
            now += 300

            def child() -> bool:
                asyncio.events._set_running_loop(None)
                return asyncio.run(areason_of(authenticator, issuer.token(exp=now + 60))) is None

            return in_child(child)

    assert asyncio.run(ask_and_fork())
    assert len(set(api.connections)) == 2

"""Concurrent requests with one opaque token: Clerk is asked once, and nobody gets another's answer."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import anyio
import httpx
import pytest

from clerk_middleware import AsyncAuthenticator, Authenticator, ClerkRequest, RequestState
from clerk_middleware.backend import drivers
from clerk_middleware.tokens.opaque import OpaqueTokens

from .backend import error
from .issuer import NOW
from .machines import Clock, accepting, carrying, verified

TOKEN = "ak_1secret"
CALLERS = 50


class SlowAPI:
    """Knows every API key that does not hold ``junk``; its subject is the key itself."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.arrived = threading.Semaphore(0)
        #: Calls about keys that hold ``held`` are answered after this.
        self.let_go = threading.Event()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        token = json.loads(request.content)["secret"]
        self.asked.append(token)
        self.arrived.release()
        if "held" in token:
            assert self.let_go.wait(10)
        if "junk" in token:
            return error(404, "api_key_not_found")
        return httpx.Response(200, json=verified("api_key", subject=f"user_{token}"))

    async def on_an_event_loop(self, request: httpx.Request) -> httpx.Response:
        await anyio.sleep(0.01)
        return self(request)


@pytest.fixture
def api() -> SlowAPI:
    return SlowAPI()


def in_threads(tokens: list[str], ask: Callable[[str], RequestState]) -> list[RequestState]:
    start = threading.Barrier(len(tokens))

    def call(token: str) -> RequestState:
        start.wait(10)
        return ask(token)

    with ThreadPoolExecutor(len(tokens)) as threads:
        return list(threads.map(call, tokens))


def moving() -> Callable[[], float]:
    """A clock that is later each time it is looked at, as a real one is."""
    ticks = count()
    return lambda: NOW + next(ticks) / 1000


# --- Threads ---------------------------------------------------------------------------------------------


def authenticating(api: SlowAPI, **options: Any) -> Callable[[str], RequestState]:
    authenticator = Authenticator(
        accepting("api_key", **options), transport=httpx.MockTransport(api), clock=moving()
    )
    return lambda token: authenticator.authenticate_request(carrying(token))


def test_threads_share_one_call(api: SlowAPI) -> None:
    ask = authenticating(api)
    with ThreadPoolExecutor(CALLERS) as threads:
        asked = [threads.submit(ask, "ak_held") for _ in range(CALLERS)]
        assert api.arrived.acquire(timeout=10)
        time.sleep(0.05)
        api.let_go.set()
        states = [future.result(5) for future in asked]
    assert {state.to_auth().user_id for state in states} == {"user_ak_held"}
    assert api.asked == ["ak_held"]


def test_also_where_it_is_answered_at_once(api: SlowAPI) -> None:
    """Some come when the answer is there, and is only just being remembered."""
    for round in range(20):
        api.asked.clear()
        states = in_threads([f"ak_{round}"] * 20, authenticating(api))
        assert all(state.is_authenticated for state in states)
        assert api.asked == [f"ak_{round}"]


class Halted(OpaqueTokens):
    """Halts the thread ``late`` when it has looked for a verified token, and found none."""

    def __init__(self) -> None:
        super().__init__(16)
        self.has_looked, self.may_go_on = threading.Event(), threading.Event()

    def wait(self, caller: Any, now: float) -> int | None:
        found = super().wait(caller, now)
        if threading.current_thread().name == "late":
            self.has_looked.set()
            assert self.may_go_on.wait(10)
        return found


@pytest.mark.parametrize(("token", "is_good"), [("ak_good", True), ("ak_junk", False)])
def test_there_is_no_gap_between_the_memory_and_the_call(token: str, is_good: bool, api: SlowAPI) -> None:
    """Who has looked into the memory in vain finds there, or shares, what another has asked meanwhile."""
    authenticator = Authenticator(accepting("api_key"), transport=httpx.MockTransport(api), clock=moving())
    memory = authenticator._memory.opaque_tokens = Halted()
    states: list[RequestState] = []

    def ask() -> None:
        states.append(authenticator.authenticate_request(carrying(token)))

    late = threading.Thread(target=ask, name="late")
    late.start()
    assert memory.has_looked.wait(10)
    ask()
    memory.may_go_on.set()
    late.join(10)
    assert [state.is_authenticated for state in states] == [is_good] * 2
    assert api.asked == [token]


def test_there_is_none_between_the_answer_and_the_memory(
    api: SlowAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes when the answer is there, and not remembered yet, still shares it."""
    storing, may_store = threading.Event(), threading.Event()
    store = OpaqueTokens.store

    def slow(self: OpaqueTokens, *entry: Any) -> None:
        if threading.current_thread().name == "first":
            storing.set()
            assert may_store.wait(10)
        store(self, *entry)

    monkeypatch.setattr(OpaqueTokens, "store", slow)
    ask = authenticating(api)
    first = threading.Thread(target=ask, args=[TOKEN], name="first")
    first.start()
    assert storing.wait(10)
    assert ask(TOKEN).is_authenticated
    may_store.set()
    first.join(10)
    assert ask(TOKEN).is_authenticated
    assert api.asked == [TOKEN]


def test_threads_with_two_keys_are_never_mixed(api: SlowAPI) -> None:
    tokens = ["ak_one", "ak_two", "ak_junk"] * 20
    states = in_threads(tokens, authenticating(api, opaque_token_ttl_in_ms=0))
    assert [state.to_auth().user_id for state in states] == [
        None if "junk" in token else f"user_{token}" for token in tokens
    ]


def test_threads_share_trouble_too(api: SlowAPI) -> None:
    def busy(request: httpx.Request) -> httpx.Response:
        api(request)
        return httpx.Response(429, headers={"retry-after": "7"})

    authenticator = Authenticator(accepting("api_key"), transport=httpx.MockTransport(busy), clock=Clock())
    states = in_threads([TOKEN] * 20, lambda token: authenticator.authenticate_request(carrying(token)))
    assert {state.retry_after for state in states} == {7}
    assert api.asked == [TOKEN]


def test_where_the_thread_that_asks_fails_the_others_are_told_to_come_back(api: SlowAPI) -> None:
    """What is no answer at all, but an interruption, is the asking thread's alone."""

    class Interrupted(BaseException):
        pass

    def interrupt(request: httpx.Request) -> httpx.Response:
        api(request)
        raise Interrupted

    authenticator = Authenticator(
        accepting("api_key"), transport=httpx.MockTransport(interrupt), clock=Clock()
    )
    with ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(authenticator.authenticate_request, carrying("ak_held")) for _ in range(2)]
        assert api.arrived.acquire(timeout=10)
        time.sleep(0.05)
        api.let_go.set()
        errors = [future.exception(10) for future in asked]
        kinds = sorted(type(error).__name__ for error in errors)
        (state,) = (future.result() for future in asked if future.exception() is None)
    assert kinds == ["Interrupted", "NoneType"]
    assert (state.reason, state.retry_after) == ("unexpected-error", 5)
    with pytest.raises(Interrupted):  # and nothing is left behind: the next one asks
        authenticator.authenticate_request(carrying("ak_held"))


# --- Tasks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event_loop", ["asyncio", "trio"])
def test_tasks_share_one_call(event_loop: str, api: SlowAPI) -> None:
    if event_loop == "trio":
        pytest.importorskip("trio")
    states: list[RequestState] = []

    async def main() -> None:
        transport = httpx.MockTransport(api.on_an_event_loop)
        async with AsyncAuthenticator(
            accepting("api_key"), transport=transport, clock=Clock()
        ) as authenticator:

            async def ask(token: str) -> None:
                state = await authenticator.authenticate_request(carrying(token))
                assert state.to_auth().user_id == f"user_{token}"
                states.append(state)

            async with anyio.create_task_group() as tasks:
                for _ in range(CALLERS):
                    tasks.start_soon(ask, "ak_one")
                    tasks.start_soon(ask, "ak_two")

    anyio.run(main, backend=event_loop)
    assert len(states) == 2 * CALLERS
    assert sorted(api.asked) == ["ak_one", "ak_two"]


@pytest.mark.parametrize("event_loop", ["asyncio", "trio"])
def test_another_task_asks_where_the_first_was_cancelled(event_loop: str) -> None:
    if event_loop == "trio":
        pytest.importorskip("trio")
    calls, states = 0, []

    async def main() -> None:
        nonlocal calls
        asked, may_answer = anyio.Event(), anyio.Event()

        async def answer(request: httpx.Request) -> httpx.Response:
            nonlocal calls
            calls += 1
            asked.set()
            await may_answer.wait()
            return httpx.Response(200, json=verified("api_key"))

        transport = httpx.MockTransport(answer)
        async with AsyncAuthenticator(
            accepting("api_key"), transport=transport, clock=Clock()
        ) as authenticator:

            async def ask() -> None:
                states.append(await authenticator.authenticate_request(carrying(TOKEN)))

            async def ask_in(scope: anyio.CancelScope) -> None:
                with scope:
                    await ask()

            async with anyio.create_task_group() as tasks:
                first = anyio.CancelScope()
                tasks.start_soon(ask_in, first)
                await asked.wait()
                for _ in range(5):
                    tasks.start_soon(ask)
                await anyio.sleep(0.01)
                first.cancel()
                await anyio.sleep(0.01)
                may_answer.set()

    anyio.run(main, backend=event_loop)
    assert [state.is_authenticated for state in states] == [True] * 5
    assert calls == 2


# --- What anybody can cause ------------------------------------------------------------------------------


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch) -> int:
    """Of calls about tokens that nobody has seen before; 32 would need as many threads."""
    monkeypatch.setitem(drivers._MAX_IN_QUEUE, "tokens", 4)  # type: ignore[arg-type]
    return 4


def test_made_up_keys_take_up_so_many_calls_at_once(bound: int, api: SlowAPI) -> None:
    ask = authenticating(api)
    with ThreadPoolExecutor(bound) as threads:
        held = [threads.submit(ask, f"ak_junk_held{number}") for number in range(bound)]
        for _ in held:
            assert api.arrived.acquire(timeout=10)
        state = ask("ak_new")
        assert (state.reason, state.retry_after) == ("unexpected-error", 5)
        assert "too many calls at once" in state.message
        assert len(api.asked) == bound
        api.let_go.set()
        assert {future.result(10).reason for future in held} == {"token-invalid"}
    assert ask("ak_new").is_authenticated


def test_they_keep_no_browser_from_signing_in(bound: int, api: SlowAPI) -> None:
    """Browsers' sessions have a queue of their own."""
    nonces: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/clients/handshake_payload":
            nonces.append(request.url.params["nonce"])
            return httpx.Response(200, json={"directives": []})
        return api(request)

    authenticator = Authenticator(accepting("any"), transport=httpx.MockTransport(answer), clock=moving())
    with ThreadPoolExecutor(bound) as threads:
        held = [
            threads.submit(authenticator.authenticate_request, carrying(f"ak_junk_held{number}"))
            for number in range(bound)
        ]
        for _ in held:
            assert api.arrived.acquire(timeout=10)
        authenticator.authenticate_request(
            ClerkRequest("GET", "https://app.example.com/?__clerk_handshake_nonce=n1", {})
        )
        api.let_go.set()
        for future in held:
            future.result(10)
    assert nonces == ["n1"]


def test_a_key_that_was_good_does_not_wait_behind_them(bound: int, api: SlowAPI) -> None:
    ask = authenticating(api, opaque_token_ttl_in_ms=0)
    assert ask(TOKEN).is_authenticated
    assert api.arrived.acquire(timeout=10)
    with ThreadPoolExecutor(bound) as threads:
        held = [threads.submit(ask, f"ak_junk_held{number}") for number in range(bound)]
        for _ in held:
            assert api.arrived.acquire(timeout=10)
        assert ask(TOKEN).is_authenticated
        api.let_go.set()
        for future in held:
            future.result(10)
    assert api.asked.count(TOKEN) == 2


def test_the_same_for_tasks(bound: int) -> None:
    calls: list[str] = []

    async def main() -> list[RequestState]:
        async def answer(request: httpx.Request) -> httpx.Response:
            token = json.loads(request.content)["secret"]
            calls.append(token)
            if "junk" in token:
                await asyncio.sleep(0.05)
                return error(404, "api_key_not_found")
            return httpx.Response(200, json=verified("api_key"))

        config = accepting("api_key", opaque_token_ttl_in_ms=0)
        transport = httpx.MockTransport(answer)
        async with AsyncAuthenticator(config, transport=transport, clock=Clock()) as authenticator:
            known = await authenticator.authenticate_request(carrying(TOKEN))
            junk = [
                asyncio.create_task(authenticator.authenticate_request(carrying(f"ak_junk{number}")))
                for number in range(20)
            ]
            await asyncio.sleep(0.01)
            again = await authenticator.authenticate_request(carrying(TOKEN))
            return [known, again, *await asyncio.gather(*junk)]

    known, again, *junk = asyncio.run(main())
    assert known.is_authenticated
    assert again.is_authenticated
    assert [state.retry_after for state in junk] == [None] * bound + [5] * (20 - bound)
    assert len(calls) == 2 + bound


def test_a_key_that_clerk_has_revoked_is_anybodys_again(bound: int, api: SlowAPI) -> None:
    answers = [verified("api_key"), verified("api_key", revoked=True)]

    def answer(request: httpx.Request) -> httpx.Response:
        if json.loads(request.content)["secret"] == TOKEN:
            return httpx.Response(200, json=answers[min(1, len(api.asked))])
        return api(request)

    clock = Clock()
    authenticator = Authenticator(accepting("api_key"), transport=httpx.MockTransport(answer), clock=clock)
    assert authenticator.authenticate_request(carrying(TOKEN)).is_authenticated
    api.asked.append("from now on it is revoked")
    clock.now += 10
    assert authenticator.authenticate_request(carrying(TOKEN)).reason == "token-invalid"
    clock.now += 5
    with ThreadPoolExecutor(bound) as threads:
        held = [
            threads.submit(authenticator.authenticate_request, carrying(f"ak_junk_held{number}"))
            for number in range(bound)
        ]
        for _ in held:
            assert api.arrived.acquire(timeout=10)
        assert "too many calls" in authenticator.authenticate_request(carrying(TOKEN)).message
        api.let_go.set()
        for future in held:
            future.result(10)

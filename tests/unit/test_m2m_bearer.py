"""`M2MBearer`: the tokens of an httpx client's requests are made, kept, renewed, and given to nobody else."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import Any

import anyio
import httpx
import pytest

from clerk_middleware import AsyncAuthenticator, Authenticator, BackendAPIError, ConfigurationError
from clerk_middleware.backend.drivers import Driver
from clerk_middleware.m2m import M2MBearer, bearer

from .issuer import NOW
from .machines import Clock, verified
from .test_m2m import of_machine

ORDERS = "https://orders.internal/orders"


class Clerk:
    """Makes tokens ``mt_1``, ``mt_2`` and so on, that end an hour from `clock`'s now."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.made: list[Any] = []
        self.lifetime: float | None = 3600
        self.answer: Callable[[], httpx.Response] | None = None
        self.arrived = threading.Semaphore(0)
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.made.append(json.loads(request.content))
        self.arrived.release()
        assert self.may_answer.wait(10)
        if self.answer is not None:
            return self.answer()
        number = len(self.made)
        ends = None if self.lifetime is None else (self.clock.now + self.lifetime) * 1000
        return httpx.Response(
            200, json=verified("m2m_token", token=f"mt_{number}", id=f"mt_id{number}", expiration=ends)
        )


class Service:
    """A service that is called; refuses the tokens in `refused`, or all of them."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.bodies: list[bytes] = []
        self.refused: set[str] = set()
        self.refuses_all = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        return self.answer(request, request.content)

    def answer(self, request: httpx.Request, body: bytes) -> httpx.Response:
        self.tokens.append(request.headers.get("authorization", ""))
        self.bodies.append(body)
        token = self.tokens[-1].removeprefix("Bearer ")
        return httpx.Response(401 if self.refuses_all or token in self.refused else 200)


class Wire(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport that takes a body as a network does: once, and it keeps none of it."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        return self.service.answer(request, b"".join(request.stream))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        return self.service.answer(request, b"".join([chunk async for chunk in request.stream]))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def monotonic(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that is never set back."""
    clock = Clock(1000.0)
    monkeypatch.setattr(bearer, "monotonic", clock)
    return clock


@pytest.fixture
def clerk(clock: Clock) -> Clerk:
    return Clerk(clock)


@pytest.fixture
def service() -> Service:
    return Service()


class Client:
    """Sends requests with an `httpx.Client` or an `httpx.AsyncClient`."""

    def __init__(self, kind: str, clerk: Clerk, service: Any, options: dict[str, Any]) -> None:
        self._transport: Any = service if isinstance(service, Wire) else httpx.MockTransport(service)
        self._asynchronous = kind == "async"
        authenticator: Any = AsyncAuthenticator if self._asynchronous else Authenticator
        made = authenticator(of_machine(), transport=httpx.MockTransport(clerk))
        self.bearer = M2MBearer(made, clock=clerk.clock, **options)

    def __call__(self, method: str = "GET", url: str = ORDERS, **options: Any) -> httpx.Response:
        if not self._asynchronous:
            with httpx.Client(transport=self._transport, auth=self.bearer) as client:
                return client.request(method, url, **options)

        async def main() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, auth=self.bearer) as client:
                return await client.request(method, url, **options)

        return asyncio.run(main())


@pytest.fixture(params=["sync", "async"])
def client_with(request: pytest.FixtureRequest, clerk: Clerk, service: Service) -> Callable[..., Client]:
    return lambda **options: Client(request.param, clerk, options.pop("service", service), options)


# --- Kept ------------------------------------------------------------------------------------------------


def test_one_token_serves_many_requests(client_with: Any, clerk: Clerk, service: Service) -> None:
    client = client_with()
    assert [client().status_code for _ in range(5)] == [200] * 5
    assert service.tokens == ["Bearer mt_1"] * 5
    assert clerk.made == [{"seconds_until_expiration": 3600, "token_format": "opaque"}]


def test_none_is_made_before_it_is_needed(client_with: Any, clerk: Clerk) -> None:
    client_with()
    assert clerk.made == []


def test_what_the_tokens_say_can_be_chosen(client_with: Any, clerk: Clerk) -> None:
    client_with(seconds_until_expiration=60, claims={"a": 1}, token_format="jwt")()
    assert clerk.made == [{"seconds_until_expiration": 60, "claims": {"a": 1}, "token_format": "jwt"}]


@pytest.mark.parametrize(
    ("lifetime", "kept_for"), [(3600, 3570), (300, 270), (299, 269.1), (60, 54), (10, 9), (1, 0.9)]
)
def test_it_is_replaced_before_it_ends(
    lifetime: int, kept_for: float, client_with: Any, clerk: Clerk, service: Service, clock: Clock
) -> None:
    clerk.lifetime = lifetime
    client = client_with(seconds_until_expiration=lifetime)
    client()
    clock.now = NOW + kept_for - 0.01
    client()
    clock.now = NOW + kept_for + 0.01
    client()
    client()
    assert service.tokens == ["Bearer mt_1"] * 2 + ["Bearer mt_2"] * 2


def test_one_that_never_ends_is_kept(client_with: Any, clerk: Clerk, clock: Clock) -> None:
    clerk.lifetime = None
    client = client_with()
    for _ in range(3):
        client()
        clock.now += 1_000_000
    assert len(clerk.made) == 1


def test_a_token_of_the_requests_own_is_replaced(client_with: Any, service: Service) -> None:
    client_with()(headers={"authorization": "Bearer other"})
    assert service.tokens == ["Bearer mt_1"]


# --- Refused ---------------------------------------------------------------------------------------------


def test_a_refused_request_is_sent_again_with_a_new_token(
    client_with: Any, clerk: Clerk, service: Service, monotonic: Clock
) -> None:
    client = client_with()
    client()
    service.refused = {"mt_1"}
    response = client("POST", content=b"order 7")
    assert response.status_code == 200
    assert service.tokens == ["Bearer mt_1", "Bearer mt_1", "Bearer mt_2"]
    assert service.bodies[1:] == [b"order 7"] * 2
    client()
    assert service.tokens[-1] == "Bearer mt_2"
    assert len(clerk.made) == 2


def test_once_and_then_it_stays_refused(
    client_with: Any, clerk: Clerk, service: Service, monotonic: Clock
) -> None:
    service.refuses_all = True
    assert client_with()().status_code == 401
    assert service.tokens == ["Bearer mt_1", "Bearer mt_2"]
    assert len(clerk.made) == 2


def test_a_service_that_refuses_every_token_has_none_made_for_each_request(
    client_with: Any, clerk: Clerk, service: Service, monotonic: Clock
) -> None:
    service.refuses_all = True
    client = client_with()
    for _ in range(20):
        assert client().status_code == 401
        monotonic.now += 0.4
    assert len(clerk.made) == 2
    monotonic.now = 1010.0
    client()
    assert len(clerk.made) == 3
    monotonic.now = 1019.9
    client()
    assert len(clerk.made) == 3
    monotonic.now = 1020.0
    client()
    assert len(clerk.made) == 4


@pytest.mark.parametrize("status", [200, 302, 400, 403, 404, 500, 503])
def test_no_other_answer_renews_it(status: int, client_with: Any, clerk: Clerk) -> None:
    client = client_with(service=lambda request: httpx.Response(status))
    assert client().status_code == status
    assert len(clerk.made) == 1


def test_what_another_request_has_renewed_is_taken(client_with: Any, clerk: Clerk, monotonic: Clock) -> None:
    """While this one was on its way, and whenever the last renewal was."""
    client: Any = None

    def answer(request: httpx.Request) -> httpx.Response:
        token = request.headers["authorization"]
        if token == "Bearer mt_2" and request.url.path == "/slow":
            client.bearer._held = replace(client.bearer._held, token="mt_other", id="mt_9")
            return httpx.Response(401)
        return httpx.Response(401 if token == "Bearer mt_1" else 200, headers={"seen": token})

    client = client_with(service=answer)
    assert client().headers["seen"] == "Bearer mt_2"
    assert client(url=f"{ORDERS[:-7]}/slow").headers["seen"] == "Bearer mt_other"
    assert len(clerk.made) == 2


class TestBodies:
    """Which can be sent a second time."""

    @pytest.fixture
    def client(self, client_with: Any, service: Service) -> Client:
        service.refused = {"mt_1"}
        client: Client = client_with(service=Wire(service))
        return client

    @pytest.mark.parametrize(
        "body",
        [{}, {"content": b"x"}, {"json": {"a": 1}}, {"data": {"a": "1"}}, {"content": "text"}],
        ids=str,
    )
    def test_one_at_hand_can(self, body: Any, client: Client, service: Service) -> None:
        assert client("POST", **body).status_code == 200
        first, second = service.bodies
        assert first == second
        assert service.tokens == ["Bearer mt_1", "Bearer mt_2"]

    def test_one_that_is_streamed_can_not(self, clerk: Clerk, service: Service) -> None:
        service.refused = {"mt_1"}

        def chunks() -> Iterator[bytes]:
            yield b"once"

        assert Client("sync", clerk, Wire(service), {})("POST", content=chunks()).status_code == 401
        assert len(clerk.made) == 1

    def test_nor_can_one_of_an_asynchronous_client(self, clerk: Clerk, service: Service) -> None:
        service.refused = {"mt_1"}

        async def chunks() -> Any:
            yield b"once"

        assert Client("async", clerk, Wire(service), {})("POST", content=chunks()).status_code == 401
        assert len(clerk.made) == 1

    def test_nor_can_files(self, clerk: Clerk, service: Service, tmp_path: Any) -> None:
        service.refused = {"mt_1"}
        (tmp_path / "file").write_bytes(b"once")
        with (tmp_path / "file").open("rb") as file:
            response = Client("sync", clerk, Wire(service), {})("POST", files={"file": file})
        assert response.status_code == 401
        assert len(service.bodies) == 1

    def test_the_next_request_gets_a_new_token_nonetheless(self, clerk: Clerk, service: Service) -> None:
        service.refused = {"mt_1"}
        client = Client("sync", clerk, Wire(service), {})
        assert client("POST", content=iter([b"once"])).status_code == 401
        assert client().status_code == 200


# --- At once ---------------------------------------------------------------------------------------------


def test_threads_share_their_first_token(clerk: Clerk, service: Service) -> None:
    clerk.may_answer.clear()
    client = Client("sync", clerk, service, {})
    with ThreadPoolExecutor(20) as threads:
        sent = [threads.submit(client) for _ in range(20)]
        assert clerk.arrived.acquire(timeout=10)
        time.sleep(0.05)
        clerk.may_answer.set()
        assert {future.result(10).status_code for future in sent} == {200}
    assert set(service.tokens) == {"Bearer mt_1"}
    assert len(clerk.made) == 1


def test_there_is_no_gap_between_looking_and_calling(
    clerk: Clerk, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who found no token takes the one that another thread has had made before it calls itself."""
    about_to_call, may_call = threading.Event(), threading.Event()
    answer = Driver._answer

    def halted(self: Driver, call: Any) -> Any:
        if threading.current_thread().name == "late":
            about_to_call.set()
            assert may_call.wait(10)
        return answer(self, call)

    monkeypatch.setattr(Driver, "_answer", halted)
    client = Client("sync", clerk, service, {})
    late = threading.Thread(target=client, name="late")
    late.start()
    assert about_to_call.wait(10)
    client()
    may_call.set()
    late.join(10)
    assert service.tokens == ["Bearer mt_1"] * 2
    assert len(clerk.made) == 1


def test_threads_share_a_failure(clerk: Clerk, service: Service) -> None:
    """Else they would wait for a Clerk that hangs one after the other."""
    clerk.may_answer.clear()
    clerk.answer = lambda: httpx.Response(500)
    client = Client("sync", clerk, service, {})
    with ThreadPoolExecutor(10) as threads:
        sent = [threads.submit(client) for _ in range(10)]
        assert clerk.arrived.acquire(timeout=10)
        time.sleep(0.05)
        clerk.may_answer.set()
        assert {type(future.exception(10)) for future in sent} == {BackendAPIError}
    assert len(clerk.made) == 1


@pytest.mark.parametrize("event_loop", ["asyncio", "trio"])
def test_tasks_share_their_first_token_and_a_renewal(event_loop: str, clerk: Clerk) -> None:
    if event_loop == "trio":
        pytest.importorskip("trio")
    statuses: list[int] = []

    async def slow_clerk(request: httpx.Request) -> httpx.Response:
        await anyio.sleep(0.02)
        return clerk(request)

    async def service(request: httpx.Request) -> httpx.Response:
        await anyio.sleep(0.001)
        return httpx.Response(401 if request.headers["authorization"] == "Bearer mt_1" else 200)

    async def main() -> None:
        transport = httpx.MockTransport(slow_clerk)
        async with (
            AsyncAuthenticator(of_machine(), transport=transport) as authenticator,
            httpx.AsyncClient(
                transport=httpx.MockTransport(service), auth=M2MBearer(authenticator, clock=clerk.clock)
            ) as client,
        ):

            async def get() -> None:
                statuses.append((await client.get(ORDERS)).status_code)

            async with anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(get)

    anyio.run(main, backend=event_loop)
    assert statuses == [200] * 20
    assert len(clerk.made) == 2


def test_threads_share_a_renewal(clerk: Clerk, service: Service) -> None:
    client = Client("sync", clerk, service, {})
    client()
    service.refused = {"mt_1"}
    with ThreadPoolExecutor(20) as threads:
        statuses = [future.result(10).status_code for future in [threads.submit(client) for _ in range(20)]]
    assert statuses == [200] * 20
    assert len(clerk.made) == 2


def test_two_bearers_of_one_authenticator_are_not_mixed_up(clerk: Clerk) -> None:
    """Each has its own claims, also where both need a token at the same moment."""
    sent: dict[str, set[str]] = {"/one": set(), "/two": set()}

    async def slow_clerk(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.01)
        return clerk(request)

    def service(request: httpx.Request) -> httpx.Response:
        sent[request.url.path].add(request.headers["authorization"])
        return httpx.Response(200)

    async def main() -> None:
        transport = httpx.MockTransport(slow_clerk)
        async with (
            AsyncAuthenticator(of_machine(), transport=transport) as authenticator,
            httpx.AsyncClient(
                transport=httpx.MockTransport(service), base_url="https://orders.internal"
            ) as client,
        ):
            bearers = {
                path: M2MBearer(authenticator, claims={"path": path}, clock=clerk.clock) for path in sent
            }
            await asyncio.gather(
                *(client.get(path, auth=bearer) for path, bearer in bearers.items() for _ in range(5))
            )

    asyncio.run(main())
    assert {made["claims"]["path"] for made in clerk.made} == {"/one", "/two"}
    assert len(clerk.made) == 2
    assert [len(tokens) for tokens in sent.values()] == [1, 1]
    assert sent["/one"] != sent["/two"]


def test_two_bearers_have_each_their_own(clerk: Clerk, service: Service) -> None:
    one, other = Client("sync", clerk, service, {}), Client("sync", clerk, service, {"claims": {"a": 1}})
    one()
    other()
    one()
    assert service.tokens == ["Bearer mt_1", "Bearer mt_2", "Bearer mt_1"]


# --- Given to nobody else --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "is_sent"),
    [
        ("https://evil.example/orders", False),
        ("//evil.example/orders", False),
        ("https://orders.internal:8443/orders", False),
        ("http://orders.internal/orders", False),
        ("https://orders.internal.evil.example/", False),
        ("/elsewhere", True),
        ("https://orders.internal/elsewhere", True),
    ],
)
def test_a_redirect_takes_it_to_no_other_origin(
    location: str, is_sent: bool, client_with: Any, clerk: Clerk
) -> None:
    seen: list[bool] = []
    places = count()

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append("authorization" in request.headers)
        return httpx.Response(200) if next(places) else httpx.Response(307, headers={"location": location})

    client_with(service=answer)(follow_redirects=True)
    assert seen == [True, is_sent]


def test_nor_does_a_foreign_refusal(client_with: Any, clerk: Clerk, monotonic: Clock) -> None:
    """The request is sent again to where it was meant for, and redirected again."""
    seen: list[tuple[str, str | None]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, request.headers.get("authorization")))
        if request.url.host == "evil.example":
            return httpx.Response(401)
        return httpx.Response(307, headers={"location": "https://evil.example/"})

    assert client_with(service=answer)(follow_redirects=True).status_code == 401
    assert seen == [
        ("orders.internal", "Bearer mt_1"),
        ("evil.example", None),
        ("orders.internal", "Bearer mt_2"),
        ("evil.example", None),
    ]


def test_it_is_not_in_a_repr(client_with: Any) -> None:
    client = client_with()
    client()
    assert "mt_1" not in f"{client.bearer!r}{client.bearer._held!r}".replace("mt_id1", "")


# --- Mistakes --------------------------------------------------------------------------------------------


def test_where_clerk_makes_none_the_request_is_not_sent(
    client_with: Any, clerk: Clerk, service: Service
) -> None:
    clerk.answer = lambda: httpx.Response(500)
    client = client_with()
    with pytest.raises(BackendAPIError, match="made no M2M token"):
        client()
    assert service.tokens == []
    clerk.answer = None
    assert client().status_code == 200


def test_an_authenticator_of_the_other_kind(clerk: Clerk, service: Service) -> None:
    transport = httpx.MockTransport(service)
    with (
        httpx.Client(transport=transport, auth=M2MBearer(AsyncAuthenticator(of_machine()))) as client,
        pytest.raises(
            ConfigurationError, match=r"^httpx.Client waits in its thread: give .* an Authenticator$"
        ),
    ):
        client.get(ORDERS)

    async def main() -> None:
        async with httpx.AsyncClient(
            transport=transport, auth=M2MBearer(Authenticator(of_machine()))
        ) as client:
            with pytest.raises(ConfigurationError, match=r"never waits: give .* an AsyncAuthenticator$"):
                await client.get(ORDERS)

    asyncio.run(main())
    assert service.tokens == []


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_its_clock_is_the_authenticators(kind: str, clerk: Clerk, clock: Clock) -> None:
    authenticator: Any = AsyncAuthenticator if kind == "async" else Authenticator
    client = Client(kind, clerk, Service(), {})
    client.bearer = M2MBearer(authenticator(of_machine(), transport=httpx.MockTransport(clerk), clock=clock))
    client()
    clock.now += 3600 - 31
    client()
    assert len(clerk.made) == 1
    clock.now += 1
    client()
    assert len(clerk.made) == 2


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_where_no_other_token_can_be_had_the_refusal_stands(
    kind: str, clerk: Clerk, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client(kind, clerk, service, {})
    assert client().status_code == 200
    service.refuses_all = True
    clerk.answer = lambda: httpx.Response(500)
    assert client().status_code == 401
    assert len(service.tokens) == 2
    (record,) = (record for record in caplog.records if record.levelname == "WARNING")
    assert record.getMessage() == (
        "Clerk: an M2M token was refused, and there is no other: Clerk's Backend API made no M2M token (500)"
    )
    assert "mt_1" not in caplog.text

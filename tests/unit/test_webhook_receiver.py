"""`WebhookReceiver`: each message is handled once, in a thread and on an event loop alike."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, get_type_hints

import anyio
import pytest

from clerk_middleware import Answer, ConfigurationError
from clerk_middleware.webhooks import MemoryWebhookStore, WebhookReceiver, WebhookStore, answers

from ..webhook_messages import SECRET, STRANGERS, an_event, signed

BODY = an_event()

Deliver = Callable[..., Answer]


@pytest.fixture(params=["sync", "asyncio", "trio"])
def deliver(request: pytest.FixtureRequest) -> Deliver:
    """Hand a delivery to a receiver, as a server of each kind does."""
    if request.param == "trio":
        pytest.importorskip("trio")

    def call(webhooks: WebhookReceiver, body: Any = BODY, headers: Any = None) -> Answer:
        headers = signed(BODY) if headers is None else headers
        if request.param == "sync":
            return webhooks.handle(body, headers)
        return anyio.run(webhooks.ahandle, body, headers, backend=request.param)

    return call


@pytest.fixture
def webhooks() -> WebhookReceiver:
    return WebhookReceiver(SECRET)


class Handler:
    """Notes what it is called with; fails as often as it is told to."""

    def __init__(self, *, failures: int = 0, error: type[BaseException] = ValueError) -> None:
        self.events: list[Any] = []
        self._failures = failures
        self._error = error

    def __call__(self, event: Any) -> None:
        self.events.append(event)
        if len(self.events) <= self._failures:
            raise self._error("the database is gone")

    @property
    def calls(self) -> int:
        return len(self.events)


def error_of(answer: Answer) -> Any:
    assert ("content-type", "application/json") in answer.headers
    assert ("cache-control", "no-store") in answer.headers
    return json.loads(answer.body)["clerk_error"]


class TestAMessage:
    def test_is_handled(self, webhooks: WebhookReceiver, deliver: Deliver) -> None:
        webhooks.on("user.created")(handler := Handler())
        answer = deliver(webhooks, headers=signed(BODY, "msg_a"))
        assert (answer.status, answer.body, answer.headers) == (204, b"", [("cache-control", "no-store")])
        (event,) = handler.events
        assert (event.id, event.type, event.data["first_name"]) == ("msg_a", "user.created", "Dev")

    def test_is_handled_once(self, webhooks: WebhookReceiver, deliver: Deliver) -> None:
        webhooks.on("user.created")(handler := Handler())
        headers = signed(BODY, "msg_a")
        assert [deliver(webhooks, headers=headers).status for _ in range(3)] == [204, 200, 200]
        assert deliver(webhooks, headers=signed(BODY, "msg_a")).status == 200
        assert handler.calls == 1
        assert deliver(webhooks, headers=signed(BODY, "msg_b")).status == 204
        assert handler.calls == 2

    def test_without_a_handler_is_none_of_the_stores_business(self, deliver: Deliver) -> None:
        webhooks = WebhookReceiver(SECRET, store=RaisingStore("begin"))
        webhooks.on("user.deleted")(pytest.fail)
        assert deliver(webhooks).status == 204

    def test_whose_handler_failed_runs_again(
        self, webhooks: WebhookReceiver, deliver: Deliver, caplog: pytest.LogCaptureFixture
    ) -> None:
        webhooks.on("user.created")(handler := Handler(failures=2))
        headers = signed(BODY, "msg_a")
        answers = [deliver(webhooks, headers=headers) for _ in range(4)]
        assert [answer.status for answer in answers] == [500, 500, 204, 200]
        assert handler.calls == 3
        assert (error_of(answers[0])["type"], error_of(answers[0])["reason"]) == (
            "webhook-failed",
            "handler-failed",
        )
        assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
        assert "a handler of the webhook msg_a failed (user.created)" in caplog.text
        assert "ValueError: the database is gone" in caplog.text

    def test_that_is_refused_is_not_remembered(self, webhooks: WebhookReceiver, deliver: Deliver) -> None:
        webhooks.on("user.created")(handler := Handler())
        assert deliver(webhooks, headers=signed(BODY, "msg_a", secrets=[STRANGERS])).status == 400
        assert deliver(webhooks, headers=signed(BODY, "msg_a")).status == 204
        assert handler.calls == 1

    def test_of_two_secrets_is_one_message(self, deliver: Deliver) -> None:
        webhooks = WebhookReceiver([SECRET, STRANGERS])
        webhooks.on("user.created")(handler := Handler())
        for secret, status in ((STRANGERS, 204), (SECRET, 200)):
            assert deliver(webhooks, headers=signed(BODY, "msg_a", secrets=[secret])).status == status
        assert handler.calls == 1


class TestHandlers:
    def test_run_in_order(self, webhooks: WebhookReceiver, deliver: Deliver) -> None:
        called = []

        @webhooks.on("*")
        def first(event: Any) -> None:
            called.append("first")

        @webhooks.on("user.created")
        async def second(event: Any) -> None:
            await anyio.sleep(0.001)
            called.append("second")

        @webhooks.on("user.*")
        def third(event: Any) -> None:
            called.append("third")

        assert deliver(webhooks).status == 204
        assert called == ["first", "second", "third"]

    def test_after_one_that_failed_wait_for_the_redelivery(
        self, webhooks: WebhookReceiver, deliver: Deliver
    ) -> None:
        first, second, third = Handler(), Handler(failures=1), Handler()
        for handler in (first, second, third):
            webhooks.on("user.created")(handler)
        headers = signed(BODY)
        assert [deliver(webhooks, headers=headers).status for _ in range(3)] == [500, 204, 200]
        assert [first.calls, second.calls, third.calls] == [2, 2, 1]

    def test_may_be_coroutine_functions_of_any_sort(
        self, webhooks: WebhookReceiver, deliver: Deliver
    ) -> None:
        called = []

        async def function(name: str, event: Any) -> None:
            called.append(name)

        class Callable:
            async def __call__(self, event: Any) -> None:
                called.append("object")

            async def method(self, event: Any) -> None:
                called.append("method")

        webhooks.on("*")(partial(function, "partial"))
        webhooks.on("*")(Callable())
        webhooks.on("*")(Callable().method)
        webhooks.on("*")(lambda event: function("lambda", event))
        assert deliver(webhooks).status == 204
        assert called == ["partial", "object", "method", "lambda"]

    @pytest.mark.parametrize("kind", ["coroutine", "lambda"])
    def test_that_are_coroutine_functions_fail_alike(
        self, kind: str, webhooks: WebhookReceiver, deliver: Deliver, caplog: pytest.LogCaptureFixture
    ) -> None:
        failing = Handler(failures=1)

        async def handler(event: Any) -> None:
            failing(event)

        webhooks.on("*")(handler if kind == "coroutine" else lambda event: handler(event))
        headers = signed(BODY)
        assert [deliver(webhooks, headers=headers).status for _ in range(3)] == [500, 204, 200]
        assert caplog.text.count("Traceback") == 1  # of the handler, and of nothing that this library tried

    @pytest.mark.parametrize("error", [StopIteration, StopAsyncIteration, RuntimeError, ExceptionGroup])
    def test_may_raise_anything(
        self, error: Any, webhooks: WebhookReceiver, deliver: Deliver, caplog: pytest.LogCaptureFixture
    ) -> None:
        def handler(event: Any) -> None:
            raise error("x", [ValueError("y")]) if error is ExceptionGroup else error("x")

        webhooks.on("*")(handler)
        headers = signed(BODY)
        assert [deliver(webhooks, headers=headers).status for _ in range(2)] == [500, 500]
        assert caplog.text.count("a handler of the webhook") == 2

    def test_that_end_the_process_leave_the_message_to_the_next(self, webhooks: WebhookReceiver) -> None:
        webhooks.on("*")(handler := Handler(failures=1, error=SystemExit))
        headers = signed(BODY)
        with pytest.raises(SystemExit):
            webhooks.handle(BODY, headers)
        assert webhooks.handle(BODY, headers).status == 204
        assert handler.calls == 2

    def test_do_not_block_the_event_loop(self, webhooks: WebhookReceiver) -> None:
        threads = []
        webhooks.on("*")(lambda event: threads.append(threading.current_thread()))

        async def asynchronous(event: Any) -> None:
            threads.append(threading.current_thread())

        webhooks.on("*")(asynchronous)
        anyio.run(webhooks.ahandle, BODY, signed(BODY))
        here = threading.current_thread()
        assert [thread is here for thread in threads] == [False, True]
        assert webhooks.handle(BODY, signed(BODY)).status == 204
        assert [thread is here for thread in threads[2:]] == [True, True]

    def test_that_are_coroutine_functions_do_not_run_within_a_loop(
        self, webhooks: WebhookReceiver, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def handler(event: Any) -> None: ...

        webhooks.on("*")(handler)

        async def main() -> Answer:
            return webhooks.handle(BODY, signed(BODY))

        assert asyncio.run(main()).status == 500
        assert "await ahandle()" in caplog.text


class RaisingStore:
    """Fails in one method, once."""

    def __init__(self, method: str, *, is_async: bool = False) -> None:
        self._method = method
        self._is_async = is_async
        self._kept = MemoryWebhookStore()
        self.calls: list[str] = []

    def begin(self, message_id: str) -> Any:
        return self._do("begin", message_id)

    def finish(self, message_id: str) -> Any:
        return self._do("finish", message_id)

    def abandon(self, message_id: str) -> Any:
        return self._do("abandon", message_id)

    def _do(self, method: str, message_id: str) -> Any:
        def do() -> Any:
            self.calls.append(method)
            if method == self._method:
                self._method = ""
                raise OSError("no connection to the store")
            return getattr(self._kept, method)(message_id)

        async def later() -> Any:
            await asyncio.sleep(0)
            return do()

        return later() if self._is_async else do()


class TestAStore:
    @pytest.mark.parametrize("method", ["begin", "finish", "abandon"])
    def test_may_fail(self, method: str, deliver: Deliver, caplog: pytest.LogCaptureFixture) -> None:
        store = RaisingStore(method)
        webhooks = WebhookReceiver(SECRET, store=store)
        webhooks.on("*")(handler := Handler(failures=1 if method == "abandon" else 0))
        answer = deliver(webhooks, headers=signed(BODY, "msg_a"))
        assert (answer.status, handler.calls) == {"begin": (500, 0), "finish": (204, 1), "abandon": (500, 1)}[
            method
        ]
        if answer.status == 500:
            assert error_of(answer)["reason"] == ("store-failed" if method == "begin" else "handler-failed")
        assert b"connection" not in answer.body
        assert "OSError: no connection to the store" in caplog.text
        assert "msg_a" in caplog.text

    def test_that_failed_to_begin_begins_at_the_redelivery(self, deliver: Deliver) -> None:
        webhooks = WebhookReceiver(SECRET, store=RaisingStore("begin"))
        webhooks.on("*")(handler := Handler())
        headers = signed(BODY)
        assert [deliver(webhooks, headers=headers).status for _ in range(3)] == [500, 204, 200]
        assert handler.calls == 1

    def test_may_have_coroutine_functions(self) -> None:
        store = RaisingStore("", is_async=True)
        webhooks = WebhookReceiver(SECRET, store=store)
        webhooks.on("*")(handler := Handler(failures=1))
        headers = signed(BODY)

        async def main() -> list[int]:
            return [(await webhooks.ahandle(BODY, headers)).status for _ in range(3)]

        assert asyncio.run(main()) == [500, 204, 200]
        assert handler.calls == 2
        assert store.calls == ["begin", "abandon", "begin", "finish", "begin"]
        assert webhooks.handle(BODY, headers).status == 200

    @pytest.mark.parametrize("state", [None, True, "", "began", "HANDLED"])
    def test_that_says_nonsense_has_nothing_handled(
        self, state: Any, deliver: Deliver, caplog: pytest.LogCaptureFixture
    ) -> None:
        store = MemoryWebhookStore()
        store.begin = lambda *given: state  # type: ignore[method-assign]
        webhooks = WebhookReceiver(SECRET, store=store)
        webhooks.on("*")(pytest.fail)
        assert deliver(webhooks).status == 500
        assert f"WebhookStore.begin() returned {state!r}" in caplog.text

    def test_only_hears_of_what_is_clerks(self, deliver: Deliver) -> None:
        store = RaisingStore("")
        webhooks = WebhookReceiver(SECRET, store=store)
        webhooks.on("*")(Handler())
        deliver(webhooks, headers=signed(BODY, secrets=[STRANGERS]))
        deliver(webhooks, headers=signed(BODY, at=1))
        deliver(webhooks, body="{}", headers=signed("{}"))
        assert store.calls == []


class TestARefusal:
    @pytest.mark.parametrize(
        ("headers", "reason"),
        [
            ({}, "missing-headers"),
            (signed(BODY, "a.b"), "invalid-headers"),
            (signed(BODY, secrets=[STRANGERS]), "invalid-signature"),
            (signed(BODY, at=1), "stale-timestamp"),
            (signed(BODY, at=9_999_999_999), "future-timestamp"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_says_why_and_no_more(
        self, headers: Any, reason: str, webhooks: WebhookReceiver, deliver: Deliver
    ) -> None:
        webhooks.on("*")(pytest.fail)
        answer = deliver(webhooks, headers=headers)
        assert answer.status == 400
        error = error_of(answer)
        assert (error["type"], error["reason"]) == ("webhook-refused", reason)
        assert not any(char.isdigit() for char in error["message"])

    def test_of_a_body_that_is_no_event(self, webhooks: WebhookReceiver, deliver: Deliver) -> None:
        answer = deliver(webhooks, "[]", signed("[]"))
        assert (answer.status, error_of(answer)["reason"]) == (400, "invalid-payload")

    def test_is_logged_once_a_minute_of_each_kind(
        self, webhooks: WebhookReceiver, caplog: pytest.LogCaptureFixture
    ) -> None:
        for _ in range(5):
            webhooks.handle(BODY, {})
            webhooks.handle(BODY, signed(BODY, at=1))
        first, second = (record.message for record in caplog.records)
        assert "(reason: missing-headers)" in first
        assert "(reason: stale-timestamp)" in second
        assert SECRET not in caplog.text

    @pytest.mark.parametrize(
        ("answer", "told"),
        [
            (answers.METHOD_NOT_ALLOWED, "405: it was no POST (method-not-allowed). "),
            (answers.TOO_LARGE, "413: its body is larger than max_body_size (payload-too-large). "),
            (
                answers.TOO_SLOW,
                "408: its body did not arrive in time (body-too-slow). Has middleware read it before?",
            ),
            (
                answers.INCOMPLETE,
                "400: its body was not there in full (incomplete-body). Has middleware read it before?",
            ),
            (Answer(499, [], b""), "499: see its answer."),
        ],
        ids=lambda value: value[:3] if isinstance(value, str) else "",
    )
    def test_without_a_look_at_its_signature_is_logged_with_its_cause(
        self, answer: Answer, told: str, webhooks: WebhookReceiver, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert webhooks.refuse(answer) == answer
        assert f"Clerk: a webhook was refused with {told}" in caplog.text

    def test_of_a_body_that_is_too_large(self, deliver: Deliver) -> None:
        webhooks = WebhookReceiver(SECRET, max_body_size=len(BODY))
        assert deliver(webhooks).status == 204
        larger = BODY + " "
        answer = deliver(webhooks, larger, signed(larger))
        assert (answer.status, error_of(answer)["reason"]) == (413, "payload-too-large")

    def test_of_a_body_that_was_parsed_is_the_applications_mistake(
        self, webhooks: WebhookReceiver, deliver: Deliver
    ) -> None:
        with pytest.raises(ConfigurationError, match="pass the raw body"):
            deliver(webhooks, json.loads(BODY))


@pytest.mark.parametrize("value", [0, -1, float("nan"), "5", None, True])
@pytest.mark.parametrize("name", ["max_body_size", "body_timeout_in_seconds", "wait_in_seconds"])
def test_limits_are_positive(name: str, value: Any) -> None:
    options: dict[str, Any] = {name: value}
    with pytest.raises(ConfigurationError, match=f"{name} must be a positive (whole )?number"):
        WebhookReceiver(SECRET, **options)


def test_the_tolerance_and_the_clock_are_ones_own() -> None:
    webhooks = WebhookReceiver(SECRET, tolerance_in_seconds=10, clock=lambda: 1000.0)
    assert webhooks.handle(BODY, signed(BODY, at=990)).status == 204
    assert webhooks.handle(BODY, signed(BODY, at=989)).status == 400
    with pytest.raises(ConfigurationError, match="tolerance_in_seconds"):
        WebhookReceiver(SECRET, tolerance_in_seconds=0)


@pytest.mark.parametrize("value", [1.5, "5", 0])
def test_a_size_is_a_whole_number_of_bytes(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_body_size must be a positive whole number"):
        WebhookReceiver(SECRET, max_body_size=value)


@pytest.mark.parametrize(
    ("store", "problem"),
    [
        (MemoryWebhookStore, "is a class: call it"),
        (object(), r"is without begin, finish, abandon\(\)"),
        ({"begin": 1}, "without begin"),
    ],
)
def test_a_store_is_one(store: Any, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        WebhookReceiver(SECRET, store=store)


def test_the_constructor_tells_its_types() -> None:
    hints = get_type_hints(WebhookReceiver.__init__)
    assert hints["max_body_size"] is int
    assert hints["store"] == WebhookStore | None


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("router", "from clerk_middleware_fastapi import"),
        ("blueprint", "from clerk_middleware_flask import"),
        ("view", "from clerk_middleware_django.webhooks import"),
        ("endpoint", "from clerk_middleware_starlette import"),
        ("register", r"register_blueprint\(webhooks.blueprint"),
        ("routes", r"include_router\(webhooks.router"),
        ("rout", "'WebhookReceiver' object has no attribute 'rout'"),
    ],
)
def test_what_another_frameworks_has_is_named(name: str, hint: str, webhooks: WebhookReceiver) -> None:
    with pytest.raises(AttributeError, match=hint):
        getattr(webhooks, name)


def test_headers_that_are_added_are_on_no_other_answer(webhooks: WebhookReceiver, deliver: Deliver) -> None:
    webhooks.on("*")(Handler(failures=1))
    headers = signed(BODY)
    for status, headers_of_it in ((500, headers), (204, headers), (200, headers), (400, {})):
        for _ in range(1 if status in (500, 204) else 2):
            answer = deliver(webhooks, headers=headers_of_it)
            assert answer.status == status
            assert "x-mine" not in dict(answer.headers)
            answer.headers.append(("x-mine", "1"))
    other = WebhookReceiver(SECRET)
    other.on("*")(Handler(failures=1))
    for status in (500, 204, 200):
        answer = deliver(other, headers=headers)
        assert (answer.status, "x-mine" in dict(answer.headers)) == (status, False)


class TestAnAdapter:
    def test_says_what_is_used_where_nothing_is_given(self) -> None:
        kept = MemoryWebhookStore()

        class Adapter(WebhookReceiver):
            def default_secret(self) -> Any:
                return lambda: STRANGERS

            def default_store(self) -> Any:
                return kept

            def register_own(self) -> None:
                self.on("*")(lambda event: called.append("the adapter's own"))

        called: list[str] = []
        webhooks, own = Adapter(), Adapter(SECRET, store=MemoryWebhookStore())
        assert (webhooks.has_own_secret, own.has_own_secret) == (False, True)
        assert webhooks.store is kept
        assert own.store is not kept
        assert webhooks.handle(BODY, signed(BODY)).status == 400
        assert webhooks.handle(BODY, signed(BODY, secrets=[STRANGERS])).status == 204
        own.on("*")(lambda event: called.append("the application's"))
        called.clear()
        assert own.handle(BODY, signed(BODY)).status == 204
        assert called == ["the adapter's own", "the application's"]

    def test_says_how_the_other_kind_is_called(self) -> None:
        called = []

        class Adapter(WebhookReceiver):
            def call_async(self, function: Any, /) -> Any:
                called.append(inspect.iscoroutinefunction(function))
                return super().call_async(function)

            async def call_sync(self, function: Any, /) -> Any:
                called.append("sync")
                return await super().call_sync(function)

        webhooks = Adapter(SECRET)
        webhooks.on("*")(Handler())

        async def handler(event: Any) -> None: ...

        webhooks.on("*")(handler)
        assert webhooks.handle(BODY, signed(BODY)).status == 204
        assert called == [True]
        assert asyncio.run(webhooks.ahandle(BODY, signed(BODY))).status == 204
        assert called[1:] == ["sync"] * 3

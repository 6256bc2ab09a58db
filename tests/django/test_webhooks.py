"""Webhooks in Django: a view, signals, and handlers; signed by svix and delivered by LocalClerk."""

from __future__ import annotations

import asyncio
import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import transaction
from django.http import HttpRequest
from django.urls import path

from clerk_middleware import ConfigurationError
from clerk_middleware.local import LocalClerk
from clerk_middleware.webhooks.events import KNOWN_TYPES
from clerk_middleware_django import signals
from clerk_middleware_django.test import ClerkClient
from clerk_middleware_django.webhooks import WebhookReceiver

from ..gunicorn_server import gunicorn, needs_gunicorn
from ..webhook_messages import SECRET, STRANGERS, an_event, new_id, signed
from .conftest import Browse, served

Deliver = Callable[..., Any]

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def secret(clerk_settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLERK_WEBHOOK_SIGNING_SECRET", raising=False)
    clerk_settings(WEBHOOK_SIGNING_SECRET=SECRET)


@pytest.fixture
def webhooks(routes: Any) -> WebhookReceiver:
    webhooks = WebhookReceiver()
    routes(path("webhooks/clerk", webhooks.view))
    return webhooks


@pytest.fixture
def deliver(webhooks: WebhookReceiver, browse: Browse) -> Deliver:
    """Send the project a message, signed as it should be unless *headers* say otherwise."""

    def send(body: str | None = None, headers: dict[str, str] | None = None, **options: Any) -> Any:
        body = an_event() if body is None else body
        headers = signed(body) if headers is None else headers
        options.setdefault("method", "POST")
        options.setdefault("enforce_csrf_checks", True)
        return browse(
            "/webhooks/clerk", headers=headers, data=body, content_type="application/json", **options
        )

    return send


class TestView:
    def test_a_message_reaches_both_kinds_of_handlers_once(
        self, webhooks: WebhookReceiver, deliver: Deliver
    ) -> None:
        seen: list[Any] = []

        @webhooks.on("user.created")
        def handle(event: Any) -> None:
            seen.append(event.data["first_name"])

        @webhooks.on("user.*")
        async def ahandle(event: Any) -> None:
            await asyncio.sleep(0)
            seen.append(event.type)

        body = an_event()
        answers = [deliver(body, signed(body, "msg_same")) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [204, 200]
        assert answers[0].content == b""
        assert seen == ["Dev", "user.created"]

    @pytest.mark.parametrize(
        ("headers", "reason"),
        [
            (lambda body: signed(body, secrets=[STRANGERS]), "invalid-signature"),
            (lambda body: signed(body, at=1_700_000_000), "stale-timestamp"),
            (lambda body: {}, "missing-headers"),
        ],
    )
    def test_what_is_not_clerks_is_refused(
        self, webhooks: WebhookReceiver, deliver: Deliver, headers: Any, reason: str
    ) -> None:
        webhooks.on("*")(lambda event: pytest.fail("it was handled"))
        answer = deliver(headers=headers(an_event()))
        assert answer.status_code == 400
        assert json.loads(answer.content)["clerk_error"]["reason"] == reason

    def test_only_post_delivers(self, deliver: Deliver) -> None:
        answer = deliver(method="PUT")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")

    def test_its_limit_is_its_own(self, deliver: Deliver, settings: Any) -> None:
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
        fits = an_event(data={"id": "user_1", "text": "x" * 900_000})
        assert deliver(fits).status_code == 204
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000_000
        assert deliver(an_event(data={"id": "user_1", "text": "x" * 1_100_000})).status_code == 413

    def test_a_body_that_breaks_off_is_refused(self, webhooks: WebhookReceiver, receive: Any) -> None:
        body = an_event()
        headers = {**signed(body), "content-length": str(len(body) + 1)}
        assert receive("/webhooks/clerk", "POST", headers, body=body.encode()).status == 400

    def test_a_body_that_was_read_before_is_the_same(self, deliver: Deliver, settings: Any) -> None:
        settings.MIDDLEWARE = [f"{__name__}.reading", *settings.MIDDLEWARE]
        assert deliver().status_code == 204

    def test_nobody_has_to_be_signed_in(self, deliver: Deliver, settings: Any) -> None:
        settings.MIDDLEWARE = [
            *settings.MIDDLEWARE,
            "django.contrib.auth.middleware.LoginRequiredMiddleware",
        ]
        assert deliver().status_code == 204

    def test_routes_that_need_a_session_refuse_it_and_say_so(
        self, deliver: Deliver, clerk_settings: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        clerk_settings(WEBHOOK_SIGNING_SECRET=SECRET, PROTECTED_ROUTES="/webhooks(.*)")
        assert deliver().status_code == 401

    def test_asynchronous_code_may_handle_a_message_too(self) -> None:
        webhooks, seen = WebhookReceiver(), []
        webhooks.on("user.created")(lambda event: seen.append(threading.get_ident()))
        body = an_event()
        answer = asyncio.run(webhooks.ahandle(body, signed(body)))
        assert answer.status == 204
        assert seen != [threading.get_ident()]  # what may block is not on the event loop

    def test_each_receiver_has_one_view(self, webhooks: WebhookReceiver) -> None:
        assert webhooks.view is webhooks.view


def reading(get_response: Any) -> Any:
    def middleware(request: HttpRequest) -> Any:
        assert request.body
        return get_response(request)

    return middleware


class TestSecrets:
    def test_come_from_the_settings_of_the_moment(self, deliver: Deliver, clerk_settings: Any) -> None:
        body = an_event()
        strangers = signed(body, secrets=[STRANGERS])
        assert deliver(body, strangers).status_code == 400
        clerk_settings(WEBHOOK_SIGNING_SECRET=[SECRET, STRANGERS])  # as while it is rotated
        assert deliver(body, strangers).status_code == 204
        assert deliver().status_code == 204

    def test_may_be_the_receivers_own(self, routes: Any, browse: Browse, clerk_settings: Any) -> None:
        clerk_settings()
        routes(path("billing", WebhookReceiver(STRANGERS).view))
        body = an_event()
        headers = signed(body, secrets=[STRANGERS])
        assert browse("/billing", "POST", headers=headers, data=body).status_code == 204

    def test_are_missed_with_500_and_a_word_in_the_log(
        self, deliver: Deliver, clerk_settings: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        clerk_settings()
        assert deliver().status_code == 500
        assert "settings.CLERK['WEBHOOK_SIGNING_SECRET']: is not set" in caplog.text

    def test_may_depend_on_the_request(self, deliver: Deliver, config: Any, settings: Any) -> None:
        settings.CLERK = {
            "CONFIG": lambda request: config(
                webhook_signing_secret=STRANGERS if request.url.path == "/webhooks/clerk" else SECRET
            )
        }
        body = an_event()
        assert deliver(body, signed(body, secrets=[STRANGERS])).status_code == 204
        assert deliver().status_code == 400

    def test_that_depend_on_a_request_need_one(
        self, config: Any, settings: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        settings.CLERK = {"CONFIG": lambda request: config(webhook_signing_secret=SECRET)}
        body = an_event()
        assert WebhookReceiver().handle(body, signed(body)).status == 500
        assert "give WebhookReceiver its signing_secret" in caplog.text

    def test_of_a_test_client_are_the_settings(self, webhooks: WebhookReceiver) -> None:
        body = an_event()
        answer = ClerkClient().post("/webhooks/clerk", body, "application/json", headers=signed(body))
        assert answer.status_code == 204

    def test_a_malformed_one_is_refused_at_once(self) -> None:
        with pytest.raises(ConfigurationError, match="does not start with 'whsec_'"):
            WebhookReceiver("sk_test_of_the_backend_api")


class TestSignals:
    @pytest.fixture
    def seen(self) -> list[Any]:
        return []

    @pytest.fixture(params=["synchronous", "asynchronous"])
    def connect(self, request: pytest.FixtureRequest, seen: list[Any]) -> Iterator[Callable[..., None]]:
        connected: list[Any] = []

        def note(sender: Any, webhooks: Any, event: Any, **_: Any) -> None:
            seen.append((sender, webhooks, event.type))

        async def anote(sender: Any, webhooks: Any, event: Any, **_: Any) -> None:
            await asyncio.sleep(0)
            note(sender, webhooks, event)

        def connect(signal: Any, receiver: Any = None, sender: Any = None) -> None:
            chosen = receiver or (note if request.param == "synchronous" else anote)
            connected.append((signal, chosen, sender))
            signal.connect(chosen, sender)

        yield connect
        for signal, receiver, sender in connected:
            signal.disconnect(receiver, sender)

    def test_there_is_one_for_each_type(self) -> None:
        names = {name for name, found in vars(signals).items() if isinstance(found, signals.Signal)}
        expected = {re.sub("([A-Z])", r"_\1", kind).replace(".", "_").lower() for kind in KNOWN_TYPES}
        assert names == {*expected, "webhook_received"}
        assert {"subscription_item_past_due", "organization_membership_created"} < names

    @pytest.mark.parametrize("event_type", sorted(KNOWN_TYPES))
    def test_each_is_of_its_type(
        self, webhooks: WebhookReceiver, connect: Any, seen: list[Any], event_type: str
    ) -> None:
        signal = getattr(signals, re.sub("([A-Z])", r"_\1", event_type).replace(".", "_").lower())
        connect(signal)
        for kind in ("user.invented", *sorted(KNOWN_TYPES)):
            body = an_event(kind, data={})
            assert webhooks_of(webhooks, body) == 204
        assert seen == [(WebhookReceiver, webhooks, event_type)]

    def test_one_is_of_all_and_comes_first(
        self, webhooks: WebhookReceiver, deliver: Deliver, connect: Any, seen: list[Any]
    ) -> None:
        webhooks.on("*")(lambda event: seen.append("handler"))
        connect(signals.user_created)
        connect(signals.webhook_received)
        assert deliver().status_code == 204
        assert deliver(an_event("another.type")).status_code == 204
        first, second = ((WebhookReceiver, webhooks, kind) for kind in ("user.created", "another.type"))
        assert seen == [first, first, "handler", second, "handler"]

    def test_their_sender_is_a_class_as_with_djangos_own(
        self, webhooks: WebhookReceiver, connect: Any, seen: list[Any]
    ) -> None:
        class Partners(WebhookReceiver):
            """Has a class of its own, to be told apart."""

        partners = Partners()
        connect(signals.user_created, sender=WebhookReceiver)
        connect(signals.user_updated, sender=Partners)
        for receiver in (webhooks, partners):
            for kind in ("user.created", "user.updated"):
                assert webhooks_of(receiver, an_event(kind)) == 204
        assert seen == [
            (WebhookReceiver, webhooks, "user.created"),
            (Partners, partners, "user.updated"),
        ]

    def test_a_receiver_that_fails_gets_the_message_again(
        self, deliver: Deliver, connect: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        failures = [LookupError("the first time")]

        def fail(sender: Any, event: Any, **_: Any) -> None:
            if failures:
                raise failures.pop()

        connect(signals.user_created, fail)
        body, message_id = an_event(), new_id()
        answers = [deliver(body, signed(body, message_id)) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [500, 204, 200]
        assert "LookupError: the first time" in caplog.text


def webhooks_of(webhooks: WebhookReceiver, body: str) -> int:
    """Deliver without a client, which is most of the time that a delivery takes."""
    from django.test import RequestFactory

    request = RequestFactory().post("/", body, "application/json", headers=signed(body), secure=True)
    return webhooks.view(request).status_code


@pytest.mark.django_db(transaction=True)
def test_what_a_handler_did_before_it_failed_is_its_own_transactions(
    webhooks: WebhookReceiver, deliver: Deliver, settings: Any
) -> None:
    from django.db import connection

    atomic: list[bool] = []
    webhooks.on("*")(lambda event: atomic.append(transaction.get_connection().in_atomic_block))
    settings.DATABASES["default"]["ATOMIC_REQUESTS"] = True
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        assert deliver().status_code == 204
    finally:
        settings.DATABASES["default"]["ATOMIC_REQUESTS"] = False
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    assert atomic == [False]


class TestFromLocalClerk:
    def test_under_uvicorn(self, webhooks: WebhookReceiver, settings: Any, clerk_settings: Any) -> None:
        settings.ALLOWED_HOSTS = ["127.0.0.1"]
        seen: list[str] = []
        webhooks.on("user.*")(lambda event: seen.append(event.data["id"]))
        with served() as url, closing(LocalClerk(webhook_retries=())) as clerk:
            endpoint = clerk.add_webhook_endpoint(f"{url}/webhooks/clerk")
            clerk_settings(WEBHOOK_SIGNING_SECRET=endpoint.signing_secret)
            user = clerk.create_user("new@example.com")
            clerk.wait_for_webhooks()
            clerk.redeliver(clerk.webhook_messages[-1])
            clerk.wait_for_webhooks()
        assert seen == [user.id]

    @needs_gunicorn
    def test_under_gunicorn(self, tmp_path: Path) -> None:
        with closing(LocalClerk(webhook_retries=())) as clerk:
            environment = {
                "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parents[1])]),
                "CLERK_PUBLISHABLE_KEY": clerk.publishable_key,
                "CLERK_SECRET_KEY": clerk.secret_key,
                "CLERK_WEBHOOK_SIGNING_SECRET": SECRET,
            }
            with gunicorn("django_project.served:wsgi", folder=tmp_path, environment=environment) as server:
                clerk.add_webhook_endpoint(f"{server.url}/webhooks/clerk", signing_secret=SECRET)
                user = clerk.create_user("new@example.com")
                clerk.wait_for_webhooks()
                assert httpx.get(f"{server.url}/people").json() == [user.id]

"""Webhooks: signed so that Svix's own package takes them, retried, sent again, and never without end."""

from __future__ import annotations

import base64
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from clerk_middleware.errors import ConfigurationError
from clerk_middleware.local import LocalClerk, WebhookEndpoint, WebhookMessage
from clerk_middleware.local.seed_reader import SeedError
from clerk_middleware.local.webhooks.courier import Courier, Delivery
from clerk_middleware.local.webhooks.endpoints import new_endpoint
from clerk_middleware.local.webhooks.sender import RETRIES, WebhookSender

from .conftest import Clock
from .webhook_receiver import Receiver, certificate_for_loopback, receiving, verifies

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
USERS = [{"id": "user_1", "email": "one@example.com", "password": "one"}]


@pytest.fixture(scope="module")
def one_receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def receiver(one_receiver: Receiver) -> Receiver:
    one_receiver.requests.clear()
    one_receiver.answers.clear()
    return one_receiver


@pytest.fixture
def clerk(clock: Clock) -> Iterator[LocalClerk]:
    """One that tries again at once, twice."""
    clerk = LocalClerk(clock=clock, webhook_retries=(0.01, 0.02))
    yield clerk
    clerk.close()
    assert not sending()


def sending() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "LocalClerk webhooks"]


def wait_until(condition: Callable[[], object]) -> None:
    give_up = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.005)


class Held:
    """An answer that waits until the test lets it go."""

    def __init__(self) -> None:
        self.begun, self.let_go = threading.Event(), threading.Event()

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        self.begun.set()
        self.let_go.wait(10)
        handler.send_response(200)
        handler.send_header("content-length", "0")
        handler.end_headers()


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held()
    yield held
    held.let_go.set()


# What is sent


def test_a_webhook_is_signed_for_the_endpoint(clerk: LocalClerk, receiver: Receiver) -> None:
    endpoint = clerk.add_webhook_endpoint(receiver.url)
    message = clerk.send_webhook("user.created", {"id": "user_1", "first_name": "Zoë"})
    clerk.wait_for_webhooks()
    (request,) = receiver.requests
    assert verifies(request, endpoint.signing_secret)
    assert not verifies(request, SECRET)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["svix-id"] == message.id
    assert abs(int(request.headers["svix-timestamp"]) - time.time()) < 60
    assert json.loads(request.body) == {
        "data": {"id": "user_1", "first_name": "Zoë"},
        "event_attributes": {"http_request": {"client_ip": "127.0.0.1", "user_agent": "LocalClerk"}},
        "instance_id": clerk._instance.id,
        "object": "event",
        "timestamp": 1_750_000_000_000,
        "type": "user.created",
    }
    assert (request.body, message.payload["type"], message.data["first_name"]) == (
        message.body,
        "user.created",
        "Zoë",
    )


def test_what_is_known_of_a_message(clerk: LocalClerk, receiver: Receiver) -> None:
    endpoint = clerk.add_webhook_endpoint(f"{receiver.url}?key=of-the-application")
    message = clerk.send_webhook("user.created", {})
    clerk.wait_for_webhooks()
    (attempt,) = message.attempts
    assert (attempt.endpoint_id, attempt.url) == (endpoint.id, receiver.url)  # no query
    assert (attempt.status, attempt.status_code, attempt.error) == ("delivered", 204, None)
    assert abs(attempt.timestamp - time.time()) < 60
    assert 0 < attempt.duration < 10
    assert message.status == "delivered"
    assert clerk.webhook_messages == (message,)
    assert receiver.requests[0].path == "/webhooks?key=of-the-application"


def test_the_instance_has_the_same_id_at_each_start(clerk: LocalClerk) -> None:
    instance_id = clerk.send_webhook("user.created", {}).payload["instance_id"]
    assert instance_id.startswith("ins_")
    assert LocalClerk().send_webhook("user.created", {}).payload["instance_id"] == instance_id
    other = LocalClerk({"instance": {"host": "other.clerk.accounts.dev"}, "users": USERS})
    assert other.send_webhook("user.created", {}).payload["instance_id"] != instance_id


def test_attributes_of_ones_own(clerk: LocalClerk) -> None:
    attributes = {"http_request": {"client_ip": "192.0.2.7", "user_agent": "curl"}}
    message = clerk.send_webhook("user.created", {}, attributes)
    assert message.payload["event_attributes"] == attributes


def test_each_endpoint_gets_what_it_subscribes_to(clerk: LocalClerk, receiver: Receiver) -> None:
    for path, events in {
        "/all": None,
        "/star": ("*",),
        "/users": ("user.*",),
        "/both": ["user.created", "session.created"],
    }.items():
        clerk.add_webhook_endpoint(receiver.url + path, events)
    messages = [
        clerk.send_webhook(event, {}) for event in ("user.created", "user.deleted", "userless.created")
    ]
    clerk.wait_for_webhooks()
    got = {
        message.type: {
            request.path for request in receiver.requests if request.headers["svix-id"] == message.id
        }
        for message in messages
    }
    everything = {"/webhooks/all", "/webhooks/star"}
    assert got == {
        "user.created": {*everything, "/webhooks/users", "/webhooks/both"},
        "user.deleted": {*everything, "/webhooks/users"},
        "userless.created": everything,
    }


def test_what_nobody_subscribes_to_is_kept(clerk: LocalClerk, receiver: Receiver) -> None:
    message = clerk.send_webhook("user.created", {})
    endpoint = clerk.add_webhook_endpoint(receiver.url, ["session.created"])
    with pytest.raises(LookupError, match=r"no webhook endpoint subscribes to 'user\.created'"):
        clerk.redeliver(message)
    assert message.status == "unsent"
    assert clerk.webhook_messages == (message,)
    assert clerk.webhook_endpoints == {endpoint.id: endpoint}
    assert not sending()


def test_what_json_cannot_say_is_not_sent(clerk: LocalClerk) -> None:
    for data in ({"when": object()}, {"much": float("inf")}):
        with pytest.raises((TypeError, ValueError)):
            clerk.send_webhook("user.created", data)
    assert clerk.webhook_messages == ()


def test_so_many_messages_are_kept(clerk: LocalClerk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clerk_middleware.local.webhooks.access._MAXIMUM_MESSAGES", 3)
    clerk = LocalClerk()
    messages = [clerk.send_webhook("user.created", {"number": number}) for number in range(5)]
    assert clerk.webhook_messages == tuple(messages[2:])


# Secrets


def test_a_secret_that_is_given(clerk: LocalClerk, receiver: Receiver) -> None:
    assert clerk.add_webhook_endpoint(receiver.url, signing_secret=SECRET).signing_secret == SECRET
    clerk.send_webhook("user.created", {})
    clerk.wait_for_webhooks()
    assert verifies(receiver.requests[0], SECRET)


def test_after_a_rotation_both_secrets_verify(clerk: LocalClerk, receiver: Receiver) -> None:
    endpoint = clerk.add_webhook_endpoint(receiver.url, signing_secret=SECRET)
    new = clerk.rotate_webhook_secret(endpoint)
    assert new == endpoint.signing_secret != SECRET
    clerk.send_webhook("user.created", {})
    clerk.wait_for_webhooks()
    (request,) = receiver.requests
    assert len(request.headers["svix-signature"].split(" ")) == 2
    assert verifies(request, SECRET)
    assert verifies(request, new)


def test_a_rotation_that_trusts_the_previous_secret_no_more(clerk: LocalClerk, receiver: Receiver) -> None:
    endpoint = clerk.add_webhook_endpoint(receiver.url, signing_secret=SECRET)
    clerk.rotate_webhook_secret(endpoint, keep_previous=False)
    clerk.send_webhook("user.created", {})
    clerk.wait_for_webhooks()
    assert not verifies(receiver.requests[0], SECRET)
    assert verifies(receiver.requests[0], endpoint.signing_secret)


def test_the_previous_secret_signs_for_a_day() -> None:
    endpoint = new_endpoint("http://localhost/", ["*"], SECRET)
    endpoint.rotate_secret(1000, keep_previous=True)
    assert endpoint.signing_secrets(1000 + 86_399) == [endpoint.signing_secret, SECRET]
    assert endpoint.signing_secrets(1000 + 86_400) == [endpoint.signing_secret]


def test_nothing_shows_a_secret(
    clerk: LocalClerk, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers.extend([500, 500, 500])
    endpoint = clerk.add_webhook_endpoint(f"{receiver.url}?key=of-the-application", signing_secret=SECRET)
    with caplog.at_level(logging.DEBUG, "clerk_middleware"):
        message = clerk.send_webhook("user.created", {"private_metadata": "of-the-user"})
        clerk.wait_for_webhooks()
    shown = f"{endpoint!r}".replace(endpoint.url, "") + f"{message!r}{message.attempts!r}{caplog.text}"
    assert f"webhook {message.id} (user.created) to {receiver.url} answered 500" in caplog.text
    for secret in (SECRET, SECRET[6:], "of-the-application", "of-the-user"):
        assert secret not in shown


# Attempts


def test_what_is_not_taken_is_tried_again(clerk: LocalClerk, receiver: Receiver) -> None:
    receiver.answers.extend([503, lambda handler: handler.connection.close(), 200])
    endpoint = clerk.add_webhook_endpoint(receiver.url)
    message = clerk.send_webhook("user.created", {"id": "user_1"})
    clerk.wait_for_webhooks()
    assert message.status == "delivered"
    first, second, third = message.attempts
    assert [attempt.status for attempt in message.attempts] == ["failed", "failed", "delivered"]
    assert [attempt.status_code for attempt in message.attempts] == [503, None, 200]
    assert first.error is None
    assert second.error
    assert third.is_delivered
    assert receiver.ids == [message.id] * 3
    assert len({request.body for request in receiver.requests}) == 1
    assert all(verifies(request, endpoint.signing_secret) for request in receiver.requests)


@pytest.mark.parametrize("status", [302, 307, 400, 404, 413, 429, 500])
def test_only_2xx_is_delivered_and_no_redirect_is_followed(
    clerk: LocalClerk, receiver: Receiver, status: int
) -> None:
    receiver.answers.extend([status] * 3)
    clerk.add_webhook_endpoint(receiver.url)
    message = clerk.send_webhook("user.created", {})
    clerk.wait_for_webhooks()
    assert message.status == "failed"
    assert [attempt.status_code for attempt in message.attempts] == [status] * 3
    assert {request.path for request in receiver.requests} == {"/webhooks"}


def test_the_schedule_of_svix_is_the_default() -> None:
    assert RETRIES == (5, 300, 1800, 7200, 18_000, 36_000, 36_000)


def test_without_retries_there_is_one_attempt(receiver: Receiver) -> None:
    receiver.answers.append(500)
    clerk = LocalClerk(webhook_retries=())
    clerk.add_webhook_endpoint(receiver.url)
    message = clerk.send_webhook("user.created", {})
    clerk.wait_for_webhooks()
    assert (message.status, len(message.attempts)) == ("failed", 1)


def test_one_endpoint_that_fails_makes_a_message_fail(clerk: LocalClerk, receiver: Receiver) -> None:
    clerk.add_webhook_endpoint(receiver.url)
    clerk.add_webhook_endpoint(closed_url())
    message = clerk.send_webhook("user.created", {})
    clerk.wait_for_webhooks()
    assert message.status == "failed"
    assert sorted(attempt.status for attempt in message.attempts) == ["delivered", *["failed"] * 3]


def test_the_application_may_say_why(clerk: LocalClerk, receiver: Receiver) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write("the signature is schlecht ü".encode() + b"\xff" + b"x" * 1000)

    receiver.answers.append(answer)
    clerk.add_webhook_endpoint(receiver.url)
    message = clerk.send_webhook("user.created", {})
    clerk.wait_for_webhooks()
    (attempt,) = message.attempts
    assert attempt.answer.startswith("the signature is schlecht ü\ufffdxxx")
    assert len(attempt.answer) == 500


def says(status: int, body: str, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body.encode())

    return answer


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (says(400, '{"clerk_error": {"reason": "invalid-signature"}}'), "answered 400 (invalid-signature)"),
        (says(500, '{"clerk_error": {"reason": "handler-failed"}}'), "answered 500 (handler-failed)"),
        (says(200, '{"clerk_error": {"reason": "invalid-signature"}}'), "answered 200"),
        (says(400, "no JSON"), "answered 400"),
        (says(400, "[]"), "answered 400"),
        (says(400, '{"clerk_error": "no"}'), "answered 400"),
        (says(400, '{"clerk_error": {"reason": 1}}'), "answered 400"),
        (says(400, '{"clerk_error": {"reason": "not a\\nword"}}'), "answered 400"),
        (says(400, '{"clerk_error": {"reason": "' + "a" * 41 + '"}}'), "answered 400"),
        (says(400, "[" * 400), "answered 400"),
    ],
)
def test_the_log_has_the_reason_of_a_receiver(
    receiver: Receiver,
    caplog: pytest.LogCaptureFixture,
    answer: Callable[[BaseHTTPRequestHandler], None],
    outcome: str,
) -> None:
    receiver.answers.append(answer)
    clerk = LocalClerk(webhook_retries=())
    clerk.add_webhook_endpoint(receiver.url)
    message = clerk.send_webhook("user.created", {})
    clerk.wait_for_webhooks()
    assert message.attempts[0].outcome == outcome
    assert message.status == "delivered" or f"{outcome}; it is tried no more" in caplog.text


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("/webhooks/?code=secret#part", "/webhooks/"),
        ("{own}/webhooks/?code=secret", "/webhooks/"),
        ("https://login.example.com/?code=secret", "https://login.example.com/"),
        ("https://me:secret@login.example.com/a", "https://login.example.com/a"),
        ("/" + "x" * 300, "/" + "x" * 199),
        ("/ü b", "/??b"),
    ],
)
def test_the_log_says_where_an_answer_redirects_to(
    receiver: Receiver, caplog: pytest.LogCaptureFixture, location: str, shown: str
) -> None:
    own = receiver.url.removesuffix("/webhooks")
    receiver.answers.append(says(307, "", location=location.format(own=own)))
    clerk = LocalClerk(webhook_retries=())
    clerk.add_webhook_endpoint(receiver.url)
    message = clerk.send_webhook("user.created", {})
    clerk.wait_for_webhooks()
    assert message.attempts[0].redirects_to == shown
    assert f"answered 307 to {shown}: Clerk follows no redirect; it is tried no more" in caplog.text
    assert "secret" not in caplog.text


def test_names_below_localhost_are_this_machine_whatever_dns_says(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    resolve = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
        asked.append(host)
        return resolve("192.0.2.1" if "app" in str(host) else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    clerk = LocalClerk(webhook_retries=())
    clerk.add_webhook_endpoint(receiver.url.replace("127.0.0.1", "app.localhost"))
    message = clerk.send_webhook("user.created", {})
    clerk.wait_for_webhooks()
    assert message.status == "delivered", message.attempts
    assert {str(host) for host in asked} <= {"localhost", "b'localhost'"}
    assert receiver.requests[0].headers["host"] == f"app.localhost:{urlsplit(receiver.url).port}"


def test_an_answer_without_end_is_not_read_to_its_end(clerk: LocalClerk, receiver: Receiver) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:  # until nobody listens any more
            handler.wfile.write(b"x" * 65536)

    receiver.answers.append(answer)
    clerk.add_webhook_endpoint(receiver.url)
    message = clerk.send_webhook("user.created", {})
    clerk.wait_for_webhooks()
    assert message.status == "delivered"


def test_an_answer_that_does_not_come_is_not_awaited_without_end(receiver: Receiver, held: Held) -> None:
    receiver.answers.append(held)
    sender = WebhookSender((), time_out=0.05)
    message = message_of("user.created")
    sender.send(Delivery(message, new_endpoint(receiver.url, ["*"], SECRET)))
    assert sender.wait(10) == []
    (attempt,) = message.attempts
    assert (attempt.status, attempt.error) == ("failed", "no answer within 0.05 seconds")
    assert WebhookSender()._time_out == 15


def test_no_proxy_of_the_environment_is_asked(
    clerk: LocalClerk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, closed_url())
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    clerk.add_webhook_endpoint(receiver.url)
    message = clerk.send_webhook("user.created", {})
    clerk.wait_for_webhooks()
    assert message.status == "delivered"


@pytest.mark.parametrize("host", ["127.0.0.1", "app.localhost"])
def test_an_authority_that_the_system_trusts(
    clerk: LocalClerk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """As mkcert makes one on a developer's machine."""
    file = certificate_for_loopback(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with receiving(context) as receiver:
        clerk.add_webhook_endpoint(receiver.url.replace("127.0.0.1", host))
        unknown = clerk.send_webhook("user.created", {})
        clerk.wait_for_webhooks()
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        known = clerk.send_webhook("user.created", {})
        clerk.wait_for_webhooks()
    assert (unknown.status, known.status) == ("failed", "delivered")
    assert "CERTIFICATE_VERIFY_FAILED" in (unknown.attempts[0].error or "")


# Sending again


def test_redelivery_has_the_same_id_and_a_new_timestamp(receiver: Receiver, clock: Clock) -> None:
    clock.now = time.time() - 100
    sender = WebhookSender((), clock=clock)
    message, endpoint = message_of("user.created"), new_endpoint(receiver.url, ["*"], SECRET)
    for is_redelivery in (False, True):
        sender.send(Delivery(message, endpoint, is_redelivery=is_redelivery))
        assert sender.wait(10) == []
        clock.now += 10
    first, second = receiver.requests
    assert first.body == second.body
    assert first.headers["svix-id"] == second.headers["svix-id"] == message.id
    assert int(second.headers["svix-timestamp"]) == int(first.headers["svix-timestamp"]) + 10
    assert verifies(second, SECRET)


def test_a_message_that_failed_can_be_sent_again(clerk: LocalClerk, receiver: Receiver) -> None:
    receiver.answers.extend([500, 500, 500])
    clerk.add_webhook_endpoint(receiver.url)
    message = clerk.send_webhook("user.created", {})
    clerk.wait_for_webhooks()
    assert message.status == "failed"
    clerk.redeliver(message)
    clerk.wait_for_webhooks()
    assert message.status == "delivered"
    assert receiver.ids == [message.id] * 4


def test_redeliveries_are_requests_at_once(clerk: LocalClerk, receiver: Receiver) -> None:
    both = threading.Barrier(2, timeout=10)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        both.wait()
        handler.send_response(200)
        handler.end_headers()

    clerk.add_webhook_endpoint(receiver.url)
    message = clerk.send_webhook("user.created", {})
    clerk.wait_for_webhooks()
    receiver.answers.extend([answer, answer])
    clerk.redeliver(message)
    clerk.redeliver(message)
    clerk.wait_for_webhooks()
    assert [attempt.status_code for attempt in message.attempts] == [204, 200, 200]


# In which order


def test_an_endpoint_gets_events_in_their_order(clerk: LocalClerk, receiver: Receiver, held: Held) -> None:
    receiver.answers.append(held)
    clerk.add_webhook_endpoint(receiver.url)
    messages = [clerk.send_webhook("user.updated", {"number": number}) for number in range(20)]
    assert held.begun.wait(10)
    held.let_go.set()
    clerk.wait_for_webhooks()
    assert receiver.ids == [message.id for message in messages]


def test_a_slow_endpoint_holds_up_no_other(clerk: LocalClerk, receiver: Receiver, held: Held) -> None:
    receiver.answers.append(held)
    clerk.add_webhook_endpoint(receiver.url)
    first = clerk.send_webhook("user.created", {})
    assert held.begun.wait(10)
    clerk.add_webhook_endpoint(f"{receiver.url}/other")
    second = clerk.send_webhook("user.created", {})
    wait_until(lambda: second.attempts)
    assert (first.status, second.status) == ("pending", "pending")
    assert [request.path for request in receiver.requests] == ["/webhooks", "/webhooks/other"]
    held.let_go.set()
    clerk.wait_for_webhooks()
    assert (first.status, second.status) == ("delivered", "delivered")


def test_what_waits_for_a_retry_holds_up_nothing(receiver: Receiver) -> None:
    receiver.answers.append(500)
    clerk = LocalClerk(webhook_retries=(60,))
    clerk.add_webhook_endpoint(receiver.url)
    first, second = clerk.send_webhook("user.created", {}), clerk.send_webhook("user.updated", {})
    wait_until(lambda: second.status == "delivered")
    assert first.status == "pending"
    clerk.close()


# Waiting and stopping


def test_waiting_says_what_is_missing(receiver: Receiver) -> None:
    receiver.answers.append(500)
    clerk = LocalClerk()
    clerk.add_webhook_endpoint(f"{receiver.url}?key=of-the-application", signing_secret=SECRET)
    message = clerk.send_webhook("user.created", {})
    wait_until(lambda: message.attempts)
    with pytest.raises(TimeoutError) as caught:
        clerk.wait_for_webhooks(0.01)
    text = str(caught.value)
    assert f"1 webhooks are not delivered after 0.01 seconds: webhook {message.id} (user.created)" in text
    assert f"to {receiver.url} answered 500. What fails is tried again" in text
    assert "LocalClerk(webhook_retries=())" in text
    assert "of-the-application" not in text
    clerk.close()


def test_waiting_for_the_first_answer(clerk: LocalClerk, receiver: Receiver, held: Held) -> None:
    receiver.answers.append(held)
    clerk.add_webhook_endpoint(receiver.url)
    clerk.send_webhook("user.created", {})
    with pytest.raises(TimeoutError, match="has no answer yet"):
        clerk.wait_for_webhooks(0.01)


def test_there_may_be_nothing_to_wait_for(clerk: LocalClerk) -> None:
    clerk.wait_for_webhooks(0)


def test_no_thread_is_left_once_all_is_delivered(clerk: LocalClerk, receiver: Receiver) -> None:
    clerk.add_webhook_endpoint(receiver.url)
    for _ in range(3):
        clerk.send_webhook("user.created", {})
        clerk.wait_for_webhooks()
        assert not sending()


@pytest.mark.parametrize("where", ["under way", "waiting for a retry"])
def test_close_gives_up_what_is_pending(receiver: Receiver, held: Held, where: str) -> None:
    receiver.answers.append(held if where == "under way" else 500)
    clerk = LocalClerk(webhook_retries=(60,))
    clerk.add_webhook_endpoint(receiver.url)
    message = clerk.send_webhook("user.created", {})
    wait_until(held.begun.is_set if where == "under way" else lambda: message.attempts)
    waiting = clerk.send_webhook("user.updated", {}) if where == "under way" else message
    begun = time.monotonic()
    clerk.close()
    assert time.monotonic() - begun < 5
    assert not sending()
    clerk.wait_for_webhooks(0)
    assert (message.status, waiting.status) == ("failed", "failed")
    assert len(receiver.requests) == 1
    held.let_go.set()
    clerk.redeliver(message)  # it can go on afterwards
    clerk.wait_for_webhooks()
    assert message.status == "delivered"


def test_the_end_of_serving_gives_up_what_is_pending(receiver: Receiver) -> None:
    receiver.answers.append(500)
    clerk = LocalClerk()
    clerk.add_webhook_endpoint(receiver.url)
    with clerk.serve():
        message = clerk.send_webhook("user.created", {})
        wait_until(lambda: message.attempts)
        assert message.status == "pending"
    assert message.status == "failed"
    assert not sending()


def test_an_endpoint_that_is_removed_gets_nothing_more(receiver: Receiver) -> None:
    receiver.answers.extend([500, 500])
    clerk = LocalClerk(webhook_retries=(60,))
    gone = clerk.add_webhook_endpoint(receiver.url)
    kept = clerk.add_webhook_endpoint(f"{receiver.url}/kept")
    message = clerk.send_webhook("user.created", {})
    wait_until(lambda: len(message.attempts) == 2)
    clerk.remove_webhook_endpoint(gone)
    assert sending()  # for the other one
    clerk.send_webhook("user.updated", {})
    wait_until(lambda: len(receiver.requests) == 3)
    assert receiver.requests[2].path == "/webhooks/kept"
    clerk.remove_webhook_endpoint(kept)
    clerk.wait_for_webhooks(5)
    assert message.status == "failed"
    for use in (clerk.remove_webhook_endpoint, clerk.rotate_webhook_secret):
        with pytest.raises(LookupError, match=f"no webhook endpoint '{gone.id}'"):
            use(gone)


def test_what_is_over_cannot_be_given_up(receiver: Receiver) -> None:
    """Where it was delivered just before somebody closes LocalClerk, it stays delivered."""
    over: list[Delivery] = []
    courier = Courier((), time.time, 15, over.append)
    message = message_of("user.created")
    delivery = Delivery(message, new_endpoint(receiver.url, ["*"], SECRET))
    thread = threading.Thread(target=courier.run)
    thread.start()
    courier.hand(delivery)
    wait_until(lambda: over)
    courier.drop(delivery)
    courier.dismiss()
    thread.join(10)
    assert (message.status, over, thread.is_alive()) == ("delivered", [delivery], False)


# Bounds


def message_of(event: str) -> WebhookMessage:
    return WebhookMessage(f"msg_{event}", event, b'{"data": {}}')


def test_what_waits_for_a_retry_makes_room(receiver: Receiver) -> None:
    receiver.answers.extend([500, 500])
    sender = WebhookSender((60,), maximum=2)
    endpoint = new_endpoint(receiver.url, ["*"], SECRET)
    first, second, third = map(message_of, ("first", "second", "third"))
    for message in (first, second):
        sender.send(Delivery(message, endpoint))
        wait_until(lambda message=message: message.attempts)
    wait_until(lambda: all(delivery.awaits_retry for delivery in sender._pending))
    sender.send(Delivery(third, endpoint))
    wait_until(lambda: third.status == "delivered")
    assert (first.status, second.status) == ("failed", "pending")
    sender.stop()


def test_what_is_too_much_is_not_sent(
    receiver: Receiver, held: Held, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers.append(held)
    sender = WebhookSender((), maximum=2)
    endpoint = new_endpoint(receiver.url, ["*"], SECRET)
    messages = [message_of(str(number)) for number in range(3)]
    for message in messages:
        sender.send(Delivery(message, endpoint))
    assert [message.status for message in messages] == ["pending", "pending", "failed"]
    assert "webhook msg_2 (2) to" in caplog.text
    assert "is given up: 2 others are pending" in caplog.text
    held.let_go.set()
    assert sender.wait(10) == []
    assert receiver.ids == ["msg_0", "msg_1"]


# Endpoints


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "must be a full http or https URL"),
        ("/webhooks", "must be a full http or https URL"),
        ("ftp://localhost/", "must be a full http or https URL"),
        ("http://", "must be a full http or https URL"),
        ("http://localhost:x/", "must be a full http or https URL"),
        ("http://[::1/", "must be a full http or https URL"),
        ("http://localhost/a b", "must be a full http or https URL"),
        ("http://localhost\\@example.com/", "must be a full http or https URL"),
        ("http://localhost/\n", "must be a full http or https URL"),
        ("http://me:password@localhost/", "must not hold a user name or password"),
        ("https://example.com/webhooks", "is at 'example.com', and LocalClerk sends webhooks to loopback"),
        ("http://localhost.example.com/", "to loopback alone, so that test data goes to nobody by accident"),
        ("http://192.0.2.1:8000/", "Use a host such as localhost, or allow_remote"),
    ],
)
def test_urls_to_which_nothing_is_sent(clerk: LocalClerk, url: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        clerk.add_webhook_endpoint(url)
    assert str(caught.value).startswith("url of a webhook endpoint ")
    assert problem in str(caught.value)
    assert caught.value.option == "url"
    assert "password@" not in str(caught.value)
    assert not clerk.webhook_endpoints


@pytest.mark.parametrize("host", ["localhost", "app.localhost", "127.0.0.1", "127.0.0.9", "[::1]"])
def test_urls_on_loopback(clerk: LocalClerk, host: str) -> None:
    assert clerk.add_webhook_endpoint(f"https://{host}:8000/webhooks").url == f"https://{host}:8000/webhooks"


def test_urls_elsewhere_when_told_to(clerk: LocalClerk) -> None:
    url = "https://app.example.com/webhooks"
    assert clerk.add_webhook_endpoint(url, allow_remote=True).url == url
    with pytest.raises(ConfigurationError, match="must be a full http"):
        clerk.add_webhook_endpoint("ftp://app.example.com/", allow_remote=True)


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "whsec_short", SECRET[6:], "whsec_" + "A" * 31, SECRET + "!", "whsec_" + "ü" * 32,
     "whsec_" + base64.b64encode(b"x" * 23).decode(), "whsec_" + base64.b64encode(b"x" * 65).decode()],
)  # fmt: skip
def test_secrets_that_are_none(clerk: LocalClerk, secret: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        clerk.add_webhook_endpoint("http://localhost/", signing_secret=secret)
    assert "signing_secret of a webhook endpoint must be whsec_ and 24 to 64 bytes" in str(caught.value)
    assert len(secret) < 8 or secret not in str(caught.value)


@pytest.mark.parametrize(("events", "problem"), [("user.created", "not a string"), ((), "is empty")])
def test_events_that_are_none(clerk: LocalClerk, events: tuple[str, ...], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=f"events of a webhook endpoint .*{problem}"):
        clerk.add_webhook_endpoint("http://localhost/", events)


# The seed


def test_endpoints_of_a_seed(receiver: Receiver) -> None:
    remote = "https://app.example.com/webhooks"
    webhooks = [
        {"url": receiver.url, "events": ["user.*"], "signing_secret": SECRET},
        {"url": remote, "events": ["nothing.ever"], "allow_remote": True},
    ]
    clerk = LocalClerk({"users": USERS, "webhooks": webhooks})
    here, there = clerk.webhook_endpoints.values()
    assert (here.url, here.events, here.signing_secret) == (receiver.url, ("user.*",), SECRET)
    assert (there.url, there.events) == (remote, ("nothing.ever",))
    assert there.signing_secret.startswith("whsec_")
    clerk.send_webhook("user.created", {})
    clerk.wait_for_webhooks()
    assert verifies(receiver.requests[0], SECRET)


@pytest.mark.parametrize(
    ("webhook", "problem"),
    [
        ({}, r"\[webhooks 1\] url: is missing"),
        ({"url": "https://example.com/"}, r"\[webhooks 1\] url: is at 'example.com'.*allow_remote"),
        ({"url": "http://localhost/", "signing_secret": "whsec_x"}, "signing_secret: must be whsec_ and 24"),
        ({"url": "http://localhost/", "events": "user.created"}, "events: must be a list of strings"),
        ({"url": "http://localhost/", "event": ["user.created"]}, "event: is no key.*'events'"),
        ({"url": "http://localhost/", "allow_remote": 1}, "allow_remote: must be true or false"),
    ],
)
def test_mistakes_in_a_seed(webhook: dict[str, object], problem: str) -> None:
    with pytest.raises(SeedError, match=problem):
        LocalClerk({"users": USERS, "webhooks": [webhook]})


# The application's side


def test_the_environment_has_the_signing_secret(clerk: LocalClerk) -> None:
    endpoint: WebhookEndpoint = clerk.add_webhook_endpoint("http://localhost:8000/webhooks")
    environment = clerk.environment("http://127.0.0.1:5400", webhooks=endpoint)
    assert environment.pop("CLERK_WEBHOOK_SIGNING_SECRET") == endpoint.signing_secret
    assert environment == clerk.environment("http://127.0.0.1:5400")


def closed_url() -> str:
    """A URL at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}/"

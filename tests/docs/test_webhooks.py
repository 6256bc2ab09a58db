"""The page on webhooks says what is so: its examples, called by a LocalClerk."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

import clerk_middleware.webhooks
from clerk_middleware import ConfigurationError, WebhookReceiver, WebhookStore
from clerk_middleware.local import LocalClerk
from clerk_middleware.testing import signed_webhook
from clerk_middleware_starlette import WebhookReceiver as StarletteReceiver

from .examples import ROOT, example, section_of
from .serving import serving

PAGE = (ROOT / "docs/webhooks.md").read_text("utf-8")
section = partial(section_of, PAGE)
SECRET = "CLERK_WEBHOOK_SIGNING_SECRET"
Prepared = Callable[..., dict[str, Any]]


@pytest.fixture
def clerk(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalClerk]:
    """Sends to nobody yet. The secret of its first endpoint is in the environment before that is there."""
    clerk = LocalClerk(webhook_retries=(0.05,))
    monkeypatch.setenv(SECRET, clerk.add_webhook_endpoint("http://127.0.0.1:9/").signing_secret)
    yield clerk
    clerk.close()


@contextmanager
def receiving(clerk: LocalClerk, app: Any, path: str = "/webhooks/clerk") -> Iterator[str]:
    """Have the webhooks of *clerk* sent to an application that is served."""
    [placeholder] = clerk.webhook_endpoints.values()
    clerk.remove_webhook_endpoint(placeholder)
    with serving(app) as url:
        clerk.add_webhook_endpoint(url + path, signing_secret=placeholder.signing_secret)
        yield url
        clerk.wait_for_webhooks(20)


@pytest.fixture
def defined(environment: Callable[..., None], clerk: LocalClerk, tmp_path: Path) -> Prepared:
    """What the page's example that holds a text defines."""
    return lambda holds: example("webhooks.md", holds).run(tmp_path)


def statuses(clerk: LocalClerk) -> list[int | None]:
    return [attempt.status_code for message in clerk.webhook_messages for attempt in message.attempts]


# The first examples


def test_users_are_saved_and_forgotten(defined: Prepared, clerk: LocalClerk) -> None:
    shop = defined("# shop.py")
    names = shop["save"].__globals__["names"]
    with receiving(clerk, shop["app"]):
        clerk.create_user("ann@example.com", id="user_ann", first_name="Ann")
        clerk.wait_for_webhooks()
        assert names == {"user_ann": "Ann"}
        clerk.update_user("user_ann", first_name="Anna")
        clerk.wait_for_webhooks()
        assert names == {"user_ann": "Anna"}
        clerk.delete_user("user_ann")
        clerk.wait_for_webhooks()
        assert names == {}
    assert set(statuses(clerk)) == {204}


def test_any_wsgi_application(
    defined: Prepared, clerk: LocalClerk, capsys: pytest.CaptureFixture[str]
) -> None:
    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    application = defined("application = webhooks.wsgi")["application"]
    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            [placeholder] = clerk.webhook_endpoints.values()
            url = f"http://127.0.0.1:{server.server_port}/any/path"
            clerk.add_webhook_endpoint(url, signing_secret=placeholder.signing_secret)
            clerk.remove_webhook_endpoint(placeholder)
            clerk.create_user("ann@example.com", id="user_ann")
            clerk.wait_for_webhooks()
        finally:
            server.shutdown()
            thread.join(10)
    assert "welcome user_ann" in capsys.readouterr().out
    assert statuses(clerk) == [204]


def test_flask(defined: Prepared, capsys: pytest.CaptureFixture[str]) -> None:
    client = defined("app.register_blueprint")["app"].test_client()
    body, headers = signed_webhook("user.created", {"id": "user_ann"})
    assert 'client.post("/webhooks/clerk", data=body, headers=headers)' in PAGE
    statuses = [client.post("/webhooks/clerk", data=body, headers=headers).status_code for _ in range(2)]
    assert statuses == [204, 200]
    assert capsys.readouterr().out == "welcome user_ann\n"


def test_django(defined: Prepared, settings: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from django.test import Client

    settings.CLERK = {}
    urls = ModuleType("urls_of_the_page")
    vars(urls).update(defined("# urls.py"))
    settings.ROOT_URLCONF = urls
    settings.MIDDLEWARE = [
        "clerk_middleware_django.middleware.ClerkMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ]
    client = Client(enforce_csrf_checks=True)
    body, headers = signed_webhook("user.created", {"id": "user_ann"})
    how = 'client.post("/webhooks/clerk", body, content_type="application/json", headers=headers)'
    assert how in PAGE
    statuses = [
        client.post("/webhooks/clerk", body, content_type="application/json", headers=headers).status_code
        for _ in range(2)
    ]
    assert statuses == [204, 200]
    assert capsys.readouterr().out == "welcome user_ann\n"


def test_starlettes_route(clerk: LocalClerk) -> None:
    assert 'Route("/webhooks/clerk", webhooks.endpoint, methods=["POST"])' in PAGE
    webhooks, seen = StarletteReceiver(), []
    webhooks.on("user.*")(lambda event: seen.append(event.type))
    app = Starlette(routes=[Route("/webhooks/clerk", webhooks.endpoint, methods=["POST"])])
    with receiving(clerk, app):
        clerk.create_user("ann@example.com")
    assert seen == ["user.created"]


# Handlers, and what Clerk gets


def test_handlers_run_in_order_and_all_again_after_a_failure(clerk: LocalClerk) -> None:
    webhooks, ran = WebhookReceiver(), []

    @webhooks.on("user.created")
    def first(event: object) -> None:
        ran.append("first")

    @webhooks.on("user.*")
    async def second(event: object) -> None:
        ran.append("second")
        if len(ran) == 2:
            raise ValueError("the first time")

    @webhooks.on("*")
    def third(event: object) -> None:
        ran.append("third")

    with receiving(clerk, webhooks.asgi):
        clerk.create_user("ann@example.com")
        clerk.wait_for_webhooks()
        clerk.redeliver(clerk.webhook_messages[0])
    assert ran == ["first", "second", "first", "second", "third"]
    assert statuses(clerk) == [500, 204, 200]


def test_the_table_has_every_status(
    clerk: LocalClerk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = re.findall(r"^\| (\d[\d, ]*) \|", PAGE, re.MULTILINE)
    said = set(map(int, re.findall(r"\d+", " ".join(rows))))
    from clerk_middleware.webhooks import answers

    made = {answer.status for answer in vars(answers).values() if isinstance(answer, answers.Answer)}
    assert made | {400} <= said
    given = [
        answer for answer in vars(answers).values() if isinstance(answer, answers.Answer) and answer.body
    ]
    reasons = {json.loads(answer.body)["clerk_error"]["reason"] for answer in given} | set(answers._REASONS)
    written = set(re.findall(r"`([a-z]+-[a-z-]+)`", section("What Clerk gets")))
    # A 405 and a 503 have one reason each, which their rows need not name.
    assert reasons - {"method-not-allowed", "still-running"} <= written <= reasons
    with receiving(clerk, WebhookReceiver(max_body_size=10).asgi) as url:
        assert httpx.get(url).status_code == 405
        assert httpx.post(url, content=b"x" * 11).status_code == 413
        refused = httpx.post(url, content=b"x")
        assert refused.status_code == 400
        assert refused.json()["clerk_error"]["reason"] == "missing-headers"
    caplog.clear()
    monkeypatch.delenv(SECRET)
    assert WebhookReceiver(lambda: None).handle(b"{}", {}).status == 500
    assert "no webhook can be verified" in caplog.text
    assert "no webhook can be verified" in section("When it does not work")


def test_what_no_function_handles_is_no_error(clerk: LocalClerk) -> None:
    with receiving(clerk, WebhookReceiver().asgi):
        clerk.send_webhook("subscription.pastDue", {"id": "csub_1"})
    assert statuses(clerk) == [204]


def test_a_type_that_looks_misspelt_is_warned_of(clerk: LocalClerk, caplog: pytest.LogCaptureFixture) -> None:
    WebhookReceiver().on("user.create")
    assert "Did you mean 'user.created'?" in caplog.text


# Each message once


def test_the_store_of_the_page_has_a_message_handled_once(
    defined: Prepared, clerk: LocalClerk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = defined("class DatabaseStore")
    store: WebhookStore = names["webhooks"].store
    other: WebhookStore = names["DatabaseStore"]("webhooks.db")  # of another process
    assert [store.begin("msg_1"), other.begin("msg_1"), store.begin("msg_1")] == [
        "begun",
        "running",
        "running",
    ]
    store.abandon("msg_1")
    assert [other.begin("msg_1"), store.begin("msg_1")] == ["begun", "running"]
    other.finish("msg_1")
    assert store.begin("msg_1") == "handled"
    # One whose process is gone is free again after ten minutes; one that is handled never is.
    assert store.begin("msg_2") == "begun"
    now = names["time"].time()
    with monkeypatch.context() as later:
        later.setattr(names["time"], "time", lambda: now + 601)
        assert [other.begin("msg_2"), store.begin("msg_2"), store.begin("msg_1")] == [
            "begun",
            "running",
            "handled",
        ]
    ran: list[str] = []
    names["webhooks"].on("user.created")(lambda event: ran.append(event.id))
    with receiving(clerk, names["webhooks"].asgi):
        clerk.create_user("ann@example.com")
        clerk.wait_for_webhooks()
        clerk.redeliver(clerk.webhook_messages[0])
    assert len(ran) == 1
    assert statuses(clerk) == [204, 200]


# Another secret


@pytest.mark.parametrize("knows", ["new,old", "new", "old"])
def test_nothing_is_lost_while_the_secret_is_rotated(
    clerk: LocalClerk, knows: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [endpoint] = clerk.webhook_endpoints.values()
    secrets = {"old": endpoint.signing_secret, "new": clerk.rotate_webhook_secret(endpoint)}
    monkeypatch.setenv(SECRET, ",".join(secrets[name] for name in knows.split(",")))
    webhooks, ran = WebhookReceiver(), []
    webhooks.on("user.created")(ran.append)
    with serving(webhooks.asgi) as url:
        endpoint.url = url
        clerk.create_user("ann@example.com")
        clerk.wait_for_webhooks(20)
    assert len(ran) == 1


# Verifying alone


def test_a_route_of_ones_own(
    defined: Prepared, clerk: LocalClerk, capsys: pytest.CaptureFixture[str]
) -> None:
    with receiving(clerk, defined("verify_webhook(await request.body()")["app"]) as url:
        clerk.create_user("ann@example.com", first_name="Ann")
        clerk.wait_for_webhooks()
        refused = httpx.post(f"{url}/webhooks/clerk", content=b"{}")
    assert statuses(clerk) == [204]
    assert "welcome Ann" in capsys.readouterr().out
    assert (refused.status_code, refused.text) == (400, "missing-headers")


# Events and types


def test_events_have_what_the_table_says(clerk: LocalClerk) -> None:
    webhooks, seen = WebhookReceiver(), []
    webhooks.on("*")(seen.append)
    with receiving(clerk, webhooks.asgi):
        message = clerk.send_webhook("quantum.entangled", {"id": "q_1"})
    [event] = seen
    for name in re.findall(r"^\| `(\w+)` \|", section("Events and types"), re.MULTILINE):
        assert getattr(event, name)
    assert (event.type, event.id, event.data) == ("quantum.entangled", message.id, {"id": "q_1"})
    assert event.event_attributes["http_request"].keys() == {"client_ip", "user_agent"}
    assert "q_1" not in repr(event)


def test_the_types_that_are_named_are_there() -> None:
    for name in re.findall(r"`(\w+(?:Event|Data))`", PAGE):
        assert hasattr(clerk_middleware.webhooks, name), name


# While you develop


def test_the_command_makes_a_user(clerk: LocalClerk) -> None:
    [(path, body)] = re.findall(r"^curl -X POST \$CLERK_API_URL(\S+) .* -d '([^']*)'$", PAGE, re.MULTILINE)
    with clerk.serve() as server:
        headers = {"Authorization": f"Bearer {clerk.secret_key}", "Content-Type": "application/json"}
        assert httpx.post(server.url + path, content=body, headers=headers).status_code == 200
    assert [message.type for message in clerk.webhook_messages] == ["user.created"]


# Tests


def test_localclerk_has_these_methods(clerk: LocalClerk) -> None:
    rows = re.findall(r"^\| `(\w+)(?:\(.*?\))?`(.*?)\|", section("Tests"), re.MULTILINE)
    names = {name for first, rest in rows for name in (first, *re.findall(r"`(\w+)\(", rest))}
    assert len(names) > 7
    assert [name for name in names if not hasattr(clerk, name)] == []


# When it does not work


def test_the_messages_are_real(clerk: LocalClerk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SECRET)
    with pytest.raises(ConfigurationError) as caught:
        WebhookReceiver()
    assert "there is no signing secret" in str(caught.value)
    assert "there is no signing secret" in section("When it does not work")

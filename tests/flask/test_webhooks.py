"""`WebhookReceiver` as a blueprint: signed by Svix's own library, and received as anything is by Flask."""

from __future__ import annotations

import gc
import logging
import sys
import time
from collections.abc import Callable
from typing import Any
from weakref import ref

import pytest
from flask import Blueprint, Flask, Response, current_app, g, has_app_context, request
from flask_wtf import CSRFProtect  # type: ignore[import-untyped]
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.test import TestResponse

import clerk_middleware_flask
from clerk_middleware import ClerkConfig, ClerkRequest, ConfigurationError, MemoryWebhookStore, WebhookEvent
from clerk_middleware_flask import Clerk, WebhookReceiver, require_auth
from clerk_middleware_flask.testing import ClerkTestClient

from ..webhook_messages import SECRET, STRANGERS, an_event, signed

PATH = "/webhooks/clerk"

Apps = Callable[..., Flask]
Deliver = Callable[..., TestResponse]


def delivery(
    message_id: str = "msg_1",
    *,
    type: str = "user.created",
    data: Any = None,
    secret: str = SECRET,
    at: float | None = None,
) -> dict[str, Any]:
    """The arguments of a test client's ``post``."""
    body = an_event(type, data=data or {"id": "user_ann"})
    headers = signed(body, message_id, secrets=[secret], at=at)
    return {"data": body, "headers": headers, "content_type": "application/json"}


class Handled:
    """Events that a handler got, and what it said to them."""

    def __init__(self) -> None:
        self.events: list[WebhookEvent] = []
        self.problem: Exception | None = None

    def __call__(self, event: WebhookEvent) -> None:
        self.events.append(event)
        if self.problem is not None:
            raise self.problem

    @property
    def ids(self) -> list[str]:
        return [event.id for event in self.events]


@pytest.fixture
def handled() -> Handled:
    return Handled()


@pytest.fixture
def webhooks(handled: Handled) -> WebhookReceiver:
    """A receiver as a module has it, before there is an application."""
    webhooks = WebhookReceiver()
    webhooks.on("user.*")(handled)
    return webhooks


@pytest.fixture
def app_with(app_of: Apps, webhooks: WebhookReceiver) -> Apps:
    def make(**options: Any) -> Flask:
        app = app_of(**{"CLERK_WEBHOOK_SIGNING_SECRET": SECRET} | options)
        app.register_blueprint(webhooks.blueprint(PATH))
        return app

    return make


@pytest.fixture
def app(app_with: Apps) -> Flask:
    return app_with()


@pytest.fixture
def deliver() -> Deliver:
    """Send a delivery, as Clerk does: without any cookie."""

    def send(app: Flask, *given: Any, path: str = PATH, **options: Any) -> TestResponse:
        client = app.test_client(use_cookies=False)
        return client.post(path, buffered=True, **(delivery(*given, **options)))

    return send


class TestADelivery:
    def test_is_handled(self, app: Flask, handled: Handled, deliver: Deliver) -> None:
        response = deliver(app, "msg_1", data={"id": "user_ann", "first_name": "Ann"})
        assert (response.status_code, response.data) == (204, b"")
        assert "Content-Type" not in response.headers
        assert "Content-Length" not in response.headers
        [event] = handled.events
        assert (event.id, event.type, event.data["first_name"]) == ("msg_1", "user.created", "Ann")

    def test_that_comes_again_is_not_handled_again(
        self, app: Flask, handled: Handled, deliver: Deliver
    ) -> None:
        assert [deliver(app, "msg_1").status_code for _ in range(3)] == [204, 200, 200]
        assert deliver(app, "msg_2").status_code == 204
        assert handled.ids == ["msg_1", "msg_2"]

    def test_whose_handler_failed_is_handled_when_it_comes_again(
        self, app: Flask, handled: Handled, deliver: Deliver, caplog: pytest.LogCaptureFixture
    ) -> None:
        handled.problem = LookupError("the database is down")
        response = deliver(app, "msg_1")
        assert response.status_code == 500
        assert response.json is not None
        assert response.json["clerk_error"]["reason"] == "handler-failed"
        assert "the database is down" in caplog.text
        handled.problem = None
        assert deliver(app, "msg_1").status_code == 204
        assert handled.ids == ["msg_1", "msg_1"]

    def test_of_an_event_without_a_handler_is_taken(
        self, app: Flask, handled: Handled, deliver: Deliver
    ) -> None:
        assert deliver(app, type="session.created").status_code == 204
        assert handled.events == []

    def test_that_somebody_else_signed_is_refused(
        self, app: Flask, handled: Handled, deliver: Deliver
    ) -> None:
        response = deliver(app, secret=STRANGERS)
        assert response.status_code == 400
        assert response.json is not None
        assert response.json["clerk_error"]["reason"] == "invalid-signature"
        assert deliver(app, at=time.time() - 600).status_code == 400
        assert app.test_client().post(PATH, json={"type": "user.created", "data": {}}).status_code == 400
        assert handled.events == []

    def test_is_a_post(self, app: Flask, handled: Handled) -> None:
        client = app.test_client()
        for method in ("GET", "PUT", "DELETE"):
            response = client.open(PATH, method=method)
            assert response.status_code == 405
            assert "POST" in response.headers["Allow"]

    @pytest.mark.parametrize("limit", [None, 10, 10_000_000])
    def test_is_as_large_as_the_receiver_takes(
        self, limit: int | None, app_with: Apps, handled: Handled, deliver: Deliver
    ) -> None:
        """Whatever the limit is that the application has for others."""
        app = app_with(MAX_CONTENT_LENGTH=limit)
        assert deliver(app, "msg_1", data={"id": "u", "text": "x" * 1_000_000}).status_code == 204
        response = deliver(app, "msg_2", data={"id": "u", "text": "x" * 1_048_576})
        assert response.status_code == 413
        assert handled.ids == ["msg_1"]

    def test_whose_body_breaks_off_is_refused(self, app: Flask, handled: Handled) -> None:
        options = delivery()
        options["environ_overrides"] = {"CONTENT_LENGTH": "5000"}
        assert app.test_client().post(PATH, **options).status_code == 400
        assert handled.events == []

    @pytest.mark.parametrize(
        "look", [lambda: request.get_data(), lambda: request.get_json(), lambda: request.stream]
    )
    def test_may_be_looked_at_before_and_after(
        self, look: Callable[[], Any], app: Flask, handled: Handled, deliver: Deliver
    ) -> None:
        app.before_request(lambda: look() and None)

        @app.after_request
        def log(response: Response) -> Response:
            assert b"user.created" in request.get_data()
            return response

        assert deliver(app).status_code == 204
        assert handled.ids == ["msg_1"]

    def test_may_be_looked_at_after(self, app: Flask, handled: Handled, deliver: Deliver) -> None:
        seen: list[Any] = []

        @app.after_request
        def log(response: Response) -> Response:
            seen.append(request.get_json())
            return response

        assert deliver(app).status_code == 204
        assert seen[0]["type"] == "user.created"

    def test_may_be_taken_by_a_view_of_the_applications_own(
        self, app: Flask, webhooks: WebhookReceiver, handled: Handled, deliver: Deliver
    ) -> None:
        @app.post("/own")
        def own() -> tuple[str, int]:
            return "", webhooks.handle(request.get_data(as_text=True), request.headers).status

        assert deliver(app, path="/own").status_code == 204
        assert handled.ids == ["msg_1"]

    def test_that_the_application_refuses_to_read_is_its_own_matter(
        self, app_with: Apps, handled: Handled, deliver: Deliver
    ) -> None:
        app = app_with(MAX_CONTENT_LENGTH=10)
        app.before_request(lambda: request.get_data() and None)
        assert deliver(app).status_code == RequestEntityTooLarge.code
        assert handled.events == []


class TestTheRoute:
    @pytest.mark.parametrize("path", [PATH, f"{PATH}/"])
    @pytest.mark.parametrize("asked", [PATH, f"{PATH}/"])
    def test_is_the_same_with_a_slash_at_its_end(
        self, path: str, asked: str, app_of: Apps, webhooks: WebhookReceiver, deliver: Deliver
    ) -> None:
        """Clerk follows no redirect."""
        app = app_of(CLERK_WEBHOOK_SIGNING_SECRET=SECRET)
        app.register_blueprint(webhooks.blueprint(path))
        assert deliver(app, path=asked).status_code == 204

    def test_is_the_usual_one_unless_another_is_given(
        self, app_of: Apps, webhooks: WebhookReceiver, deliver: Deliver
    ) -> None:
        app = app_of(CLERK_WEBHOOK_SIGNING_SECRET=SECRET)
        app.register_blueprint(webhooks.blueprint())
        assert deliver(app, path="/webhooks/clerk").status_code == 204

    def test_may_be_the_prefix_of_the_blueprint(
        self, app_of: Apps, webhooks: WebhookReceiver, deliver: Deliver
    ) -> None:
        app = app_of(CLERK_WEBHOOK_SIGNING_SECRET=SECRET)
        app.register_blueprint(webhooks.blueprint(""), url_prefix=PATH)
        assert deliver(app).status_code == 204

    def test_may_be_within_another_blueprint(
        self, app_of: Apps, webhooks: WebhookReceiver, deliver: Deliver
    ) -> None:
        app = app_of(CLERK_WEBHOOK_SIGNING_SECRET=SECRET, CLERK_PROTECTED_ROUTES="/(.*)")
        CSRFProtect(app)
        outer = Blueprint("outer", __name__, url_prefix="/webhooks")
        outer.register_blueprint(webhooks.blueprint("/clerk"))
        app.register_blueprint(outer)
        assert deliver(app).status_code == 204

    def test_begins_with_a_slash(self, webhooks: WebhookReceiver) -> None:
        with pytest.raises(ConfigurationError, match=r"webhooks\.blueprint\('/webhooks'\)"):
            webhooks.blueprint("webhooks")

    def test_may_be_one_of_several(self, app_of: Apps, handled: Handled, deliver: Deliver) -> None:
        """Clerk sends a message to each of its endpoints under the same id."""
        app, others = app_of(CLERK_WEBHOOK_SIGNING_SECRET=SECRET), Handled()
        first, second = WebhookReceiver(), WebhookReceiver(STRANGERS)
        first.on("user.created")(handled)
        second.on("user.created")(others)
        app.register_blueprint(first.blueprint(PATH))
        app.register_blueprint(second.blueprint("/webhooks/other", name="other"))
        assert deliver(app, "msg_1").status_code == 204
        assert deliver(app, "msg_1", path="/webhooks/other").status_code == 400
        assert deliver(app, "msg_1", path="/webhooks/other", secret=STRANGERS).status_code == 204
        assert (handled.ids, others.ids) == (["msg_1"], ["msg_1"])


class TestTheSecret:
    def test_is_the_applications(self, app_with: Apps, webhooks: WebhookReceiver, deliver: Deliver) -> None:
        first, second = app_with(), app_with(CLERK_WEBHOOK_SIGNING_SECRET=STRANGERS)
        assert [deliver(app).status_code for app in (first, second)] == [204, 400]
        assert [deliver(app, secret=STRANGERS).status_code for app in (first, second)] == [400, 204]

    @pytest.mark.parametrize("both", [f"{STRANGERS},{SECRET}", [STRANGERS, SECRET]])
    def test_may_be_one_of_two_while_it_is_rotated(self, both: Any, app_with: Apps, deliver: Deliver) -> None:
        app = app_with(CLERK_WEBHOOK_SIGNING_SECRET=both)
        assert deliver(app, "msg_1").status_code == 204
        assert deliver(app, "msg_2", secret=STRANGERS).status_code == 204

    @pytest.mark.parametrize("is_early", [True, False])
    def test_may_be_in_the_environment(
        self, is_early: bool, app_with: Apps, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if is_early:
            monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        app = app_with(CLERK_WEBHOOK_SIGNING_SECRET=None)
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        assert deliver(app).status_code == 204

    def test_may_be_the_receivers_own_and_needs_no_clerk_then(
        self, bare_app: Apps, handled: Handled, deliver: Deliver
    ) -> None:
        app, webhooks = bare_app(), WebhookReceiver(SECRET)
        webhooks.on("*")(handled)
        app.register_blueprint(webhooks.blueprint(PATH))
        assert deliver(app).status_code == 204
        assert handled.ids == ["msg_1"]

    def test_may_be_of_the_request(
        self, bare_app: Apps, config: Any, webhooks: WebhookReceiver, deliver: Deliver
    ) -> None:
        asked: list[str] = []

        def config_of(seen: ClerkRequest) -> ClerkConfig:
            asked.append(seen.url.path)
            return config(webhook_signing_secret=SECRET)  # type: ignore[no-any-return]

        app = bare_app()
        Clerk(app, config_of)
        app.register_blueprint(webhooks.blueprint(PATH))
        assert deliver(app).status_code == 204
        assert asked == [PATH]

    @pytest.mark.parametrize(
        "where", ["nowhere", "receiver", "application", "environment", "function", "later"]
    )
    def test_that_is_missing_is_said_when_the_application_is_made(
        self,
        where: str,
        bare_app: Apps,
        keys: Any,
        config: Any,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        app = bare_app(**({} if where == "function" else keys))
        if where == "application":
            app.config["CLERK_WEBHOOK_SIGNING_SECRET"] = SECRET
        if where == "environment":
            monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        if where != "later":  # than the blueprint: it can't be known then
            Clerk(app, (lambda request: config()) if where == "function" else None)
        webhooks = WebhookReceiver(SECRET if where == "receiver" else None)
        app.register_blueprint(webhooks.blueprint(PATH))
        told = [record.message for record in caplog.records if "every webhook will be" in record.message]
        assert len(told) == (1 if where == "nowhere" else 0)
        if told:
            assert "set app.config['CLERK_WEBHOOK_SIGNING_SECRET'] before Clerk(app)" in told[0]

    def test_that_is_missing_is_an_error_that_says_what_to_set(
        self, app_with: Apps, handled: Handled, deliver: Deliver, caplog: pytest.LogCaptureFixture
    ) -> None:
        response = deliver(app_with(CLERK_WEBHOOK_SIGNING_SECRET=None))
        assert (response.status_code, b'"reason":"not-configured"' in response.data) == (500, True)
        assert "set app.config['CLERK_WEBHOOK_SIGNING_SECRET'] before Clerk(app)" in caplog.text
        assert handled.events == []

    def test_of_no_clerk_is_an_error_that_says_so(
        self, bare_app: Apps, webhooks: WebhookReceiver, deliver: Deliver, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = bare_app()
        app.register_blueprint(webhooks.blueprint(PATH))
        assert deliver(app).status_code == 500
        assert "'fleet' has no Clerk: write Clerk(app)" in caplog.text

    def test_that_is_none_names_the_setting(self, app_with: Apps) -> None:
        with pytest.raises(ConfigurationError) as raised:
            app_with(CLERK_WEBHOOK_SIGNING_SECRET="sk_test_hidden")
        assert str(raised.value).startswith("app.config['CLERK_WEBHOOK_SIGNING_SECRET']: does not start with")
        assert "hidden" not in str(raised.value)

    def test_is_the_applications_own_under_the_test_client(self, app: Flask, handled: Handled) -> None:
        assert ClerkTestClient(app).post(PATH, **delivery()).status_code == 204
        assert handled.ids == ["msg_1"]


class TestProtection:
    """The signature is what protects a webhook; what protects views from strangers would refuse Clerk."""

    @pytest.mark.parametrize("options", [{"CLERK_PROTECTED_ROUTES": "/(.*)"}, {"CLERK_PUBLIC_ROUTES": "/"}])
    def test_by_paths_leaves_it_alone(
        self, options: Any, app_with: Apps, handled: Handled, deliver: Deliver
    ) -> None:
        app = app_with(**options)
        app.post("/webhooks/other")(lambda: "")
        assert deliver(app).status_code == 204
        assert deliver(app, path="/webhooks/other").status_code == 401
        assert app.test_client().get(PATH).status_code == 401
        assert handled.ids == ["msg_1"]

    @pytest.mark.parametrize(
        "order", ["csrf clerk webhooks", "clerk webhooks csrf", "webhooks csrf clerk", "webhooks clerk csrf"]
    )
    def test_from_forgery_leaves_it_alone(
        self,
        order: str,
        bare_app: Apps,
        keys: Any,
        webhooks: WebhookReceiver,
        handled: Handled,
        deliver: Deliver,
    ) -> None:
        app = bare_app(**keys, CLERK_WEBHOOK_SIGNING_SECRET=SECRET)
        set_up = {
            "csrf": CSRFProtect,
            "clerk": Clerk,
            "webhooks": lambda app: app.register_blueprint(webhooks.blueprint(PATH)),
        }
        for part in order.split():
            set_up[part](app)
        app.post("/form")(lambda: "")
        assert deliver(app).status_code == 204
        assert deliver(app, path="/form").status_code == 400
        assert handled.ids == ["msg_1"]

    def test_of_an_applications_own_is_its_own_matter(
        self, app: Flask, handled: Handled, deliver: Deliver, caplog: pytest.LogCaptureFixture
    ) -> None:
        app.before_request(require_auth(lambda: None))
        with caplog.at_level(logging.WARNING, "clerk_middleware"):
            assert deliver(app).status_code == 401
        assert handled.events == []


class TestAHandler:
    def test_has_the_application_and_the_request(
        self, app: Flask, webhooks: WebhookReceiver, deliver: Deliver
    ) -> None:
        seen: list[Any] = []
        app.before_request(lambda: setattr(g, "session", "of the database"))

        @webhooks.on("user.created")
        def look(event: Any) -> None:
            seen.extend([current_app.name, request.path, g.session])

        assert deliver(app).status_code == 204
        assert seen == ["fleet", PATH, "of the database"]

    def test_may_be_asynchronous(self, app: Flask, webhooks: WebhookReceiver, deliver: Deliver) -> None:
        seen: list[Any] = []

        @webhooks.on("user.created")
        async def look(event: Any) -> None:
            seen.append((current_app.name, event.id))

        assert deliver(app).status_code == 204
        assert seen == [("fleet", "msg_1")]

    def test_that_is_asynchronous_runs_as_the_application_runs_such_views(
        self, app: Flask, webhooks: WebhookReceiver, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ran: list[Any] = []
        ensure_sync = app.ensure_sync

        def noted(function: Any) -> Any:
            ran.append(1)
            return ensure_sync(function)

        monkeypatch.setattr(app, "ensure_sync", noted)

        @webhooks.on("user.created")
        async def look(event: Any) -> None:
            ran.append(2)

        deliver(app)
        assert ran[-2:] == [1, 2]

    @pytest.mark.parametrize("where", ["request", "application", "nothing"])
    def test_that_is_asynchronous_needs_no_extra_of_flask(
        self, where: str, app: Flask, handled: Handled, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "asgiref.sync", None)
        webhooks, names = WebhookReceiver(SECRET, store=MemoryWebhookStore()), []

        @webhooks.on("user.created")
        async def look(event: Any) -> None:
            names.append(current_app.name if has_app_context() else "")
            handled(event)

        app.register_blueprint(webhooks.blueprint("/own", name="own"))
        body = an_event()
        if where == "request":
            assert deliver(app, path="/own").status_code == 204
            handled.problem = LookupError("the database is down")
            assert deliver(app, "msg_2", path="/own").status_code == 500
        elif where == "application":
            with app.app_context():
                assert webhooks.handle(body, signed(body)).status == 204
        else:
            assert webhooks.handle(body, signed(body)).status == 204
        assert names[0] == ("" if where == "nothing" else "fleet")


class TestOutsideOfARequest:
    """In a command, or in a worker of a queue."""

    @pytest.mark.parametrize("kind", [str, str.encode])
    def test_bodies_are_handled(self, kind: Any, app: Flask, webhooks: Any, handled: Handled) -> None:
        body = an_event()
        with app.app_context():
            assert webhooks.handle(kind(body), signed(body, "msg_1")).status == 204
            assert webhooks.handle(kind(body), signed(body, "msg_1")).status == 200
            assert webhooks.handle(kind(body), signed(body, secrets=[STRANGERS])).status == 400
        assert handled.ids == ["msg_1"]

    def test_a_configuration_of_the_request_is_none(
        self, bare_app: Apps, config: Any, webhooks: WebhookReceiver, caplog: pytest.LogCaptureFixture
    ) -> None:
        app, body = bare_app(), an_event()
        Clerk(app, lambda request: config(webhook_signing_secret=SECRET))
        with app.app_context():
            assert webhooks.handle(body, signed(body)).status == 500
        assert "the configuration is a function of the request, and there is none" in caplog.text


class TestTheRecord:
    def test_is_of_one_application(self, app_with: Apps, handled: Handled, deliver: Deliver) -> None:
        first, second = app_with(), app_with()
        assert [deliver(app, "msg_1").status_code for app in (first, second, first)] == [204, 204, 200]
        assert handled.ids == ["msg_1", "msg_1"]

    def test_goes_with_its_application(self, webhooks: WebhookReceiver, keys: Any, deliver: Deliver) -> None:
        app = Flask("short-lived")
        app.config.update(keys, CLERK_WEBHOOK_SIGNING_SECRET=SECRET)
        Clerk(app)
        app.register_blueprint(webhooks.blueprint(PATH))
        assert deliver(app).status_code == 204
        app.extensions["clerk"].close()
        gone = ref(app)
        del app
        gc.collect()
        assert gone() is None

    def test_may_be_another(self, app_of: Apps, handled: Handled, deliver: Deliver) -> None:
        """Such as one that several processes share."""
        store = MemoryWebhookStore()
        webhooks = WebhookReceiver(store=store)
        webhooks.on("*")(handled)
        for expected in (204, 200):
            app = app_of(CLERK_WEBHOOK_SIGNING_SECRET=SECRET)
            app.register_blueprint(webhooks.blueprint(PATH))
            assert deliver(app, "msg_1").status_code == expected
        assert store.begin("msg_1") == "handled"
        assert handled.ids == ["msg_1"]


class TestThePackage:
    def test_has_nothing_else(self) -> None:
        assert "WebhookReceiver" in dir(clerk_middleware_flask)
        assert "Clerk" in dir(clerk_middleware_flask)
        with pytest.raises(AttributeError, match="has no attribute 'WebhookSender'"):
            _ = clerk_middleware_flask.WebhookSender  # type: ignore[attr-defined]

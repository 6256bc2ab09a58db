"""`WebhookReceiver` as a route of a Starlette application, signed by svix and delivered by LocalClerk."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import closing
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import Message

import clerk_middleware_starlette
from clerk_middleware import ClerkConfig, ConfigurationError
from clerk_middleware.local import LocalClerk
from clerk_middleware.webhooks import UserDeletedEvent, UserEvent
from clerk_middleware_starlette import ClerkMiddleware, WebhookReceiver

from ..frontend_api import serving
from ..webhook_messages import SECRET, STRANGERS, an_event, signed

PATH = "/webhooks/clerk"


class Inbox:
    """A receiver, and what came in."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.webhooks = WebhookReceiver(*arguments, **options)
        self.types: list[str] = []
        self.threads: set[int] = set()

        @self.webhooks.on("user.*")
        async def note(event: UserEvent | UserDeletedEvent) -> None:
            self.types.append(event.type)

        @self.webhooks.on("user.created")
        def block(event: UserEvent) -> None:
            self.threads.add(threading.get_ident())

    @property
    def route(self) -> Route:
        return Route(PATH, self.webhooks.endpoint, methods=["POST"])


@pytest.fixture
def inbox() -> Inbox:
    return Inbox(SECRET)


def post(client: Any, path: str = PATH, *, body: str = "", headers: Any = None) -> Any:
    body = body or an_event()
    return client.post(path, content=body, headers=signed(body) if headers is None else headers)


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLERK_WEBHOOK_SIGNING_SECRET", raising=False)


class TestADelivery:
    def test_is_handled_by_both_kinds_of_functions(self, inbox: Inbox, client_of: Any) -> None:
        answer = post(client_of(Starlette(routes=[inbox.route])))
        assert (answer.status_code, answer.content) == (204, b"")
        assert "content-length" not in answer.headers
        assert "content-type" not in answer.headers
        assert inbox.types == ["user.created"]
        assert inbox.threads.isdisjoint({threading.get_ident()})

    def test_that_comes_again_is_not(self, inbox: Inbox, client_of: Any) -> None:
        client, body = client_of(Starlette(routes=[inbox.route])), an_event()
        headers = signed(body)
        statuses = [post(client, body=body, headers=headers).status_code for _ in range(3)]
        assert statuses == [204, 200, 200]
        assert inbox.types == ["user.created"]

    def test_of_somebody_else_is_refused(self, inbox: Inbox, client_of: Any) -> None:
        client, body = client_of(Starlette(routes=[inbox.route])), an_event()
        for headers in ({}, signed(body, secrets=[STRANGERS]), signed(body, at=1000), signed(body + " ")):
            answer = post(client, body=body, headers=headers)
            assert answer.status_code == 400
            assert answer.json()["clerk_error"]["type"] == "webhook-refused"
        assert inbox.types == []

    def test_that_is_too_large_is_refused_whatever_it_says_of_its_length(self, client_of: Any) -> None:
        inbox = Inbox(SECRET, max_body_size=200)
        client, body = client_of(Starlette(routes=[inbox.route])), an_event(padding="x" * 200)
        assert post(client, body=body).status_code == 413
        answer = client.post(PATH, content=iter([body.encode()]), headers=signed(body))
        assert answer.status_code == 413
        assert inbox.types == []

    @pytest.mark.parametrize("kind", ["endpoint", "asgi"])
    def test_that_is_too_large_is_not_read_to_its_end(self, kind: str, client_of: Any) -> None:
        inbox = WebhookReceiver(SECRET, max_body_size=200)
        client = client_of(Starlette(routes=[Route(PATH, getattr(inbox, kind), methods=["POST"])]))
        answer = client.post(PATH, content=iter([b"x" * 201]))
        assert (answer.status_code, answer.headers["connection"]) == (413, "close")
        assert "connection" not in client.post(PATH, content=b"x").headers

    def test_that_is_mounted_says_how_it_is_routed_to(self, inbox: Inbox, client_of: Any) -> None:
        client = client_of(Starlette(routes=[Mount(PATH, inbox.webhooks)]))
        with pytest.raises(ConfigurationError, match=r"Route\('/webhooks/clerk', webhooks\.endpoint"):
            post(client, f"{PATH}/")

    def test_that_fails_may_come_again(self, client_of: Any, caplog: pytest.LogCaptureFixture) -> None:
        webhooks, attempts = WebhookReceiver(SECRET), []

        @webhooks.on("user.created")
        async def fail_at_first(event: UserEvent) -> None:
            attempts.append(event.id)
            if len(attempts) == 1:
                raise ValueError("the database is gone")

        client = client_of(Starlette(routes=[Route(PATH, webhooks.endpoint, methods=["POST"])]))
        body = an_event()
        headers = signed(body)
        failed = post(client, body=body, headers=headers)
        assert (failed.status_code, failed.json()["clerk_error"]["reason"]) == (500, "handler-failed")
        assert "the database is gone" in caplog.text
        assert post(client, body=body, headers=headers).status_code == 204
        assert len(attempts) == 2

    def test_is_a_post(self, inbox: Inbox, client_of: Any) -> None:
        client = client_of(Starlette(routes=[inbox.route]))
        assert client.get(PATH).status_code == 405


class TestTheSecret:
    def test_is_the_configuration_s(self, config: Any, client_of: Any) -> None:
        inbox = Inbox()
        clerk = Middleware(ClerkMiddleware, config=config(webhook_signing_secret=[STRANGERS, SECRET]))
        client = client_of(Starlette(routes=[inbox.route], middleware=[clerk]))
        assert post(client).status_code == 204
        body = an_event()
        assert post(client, body=body, headers=signed(body, secrets=[STRANGERS])).status_code == 204

    def test_is_that_of_the_request_s_tenant(self, config: Any, client_of: Any) -> None:
        """Two deliveries at once know their own."""
        tenants = {"one.example": config(webhook_signing_secret=SECRET)}
        tenants["two.example"] = config(webhook_signing_secret=STRANGERS)

        def config_of(request: Any) -> ClerkConfig:
            found: ClerkConfig = tenants[request.url.host]
            return found

        inbox = Inbox()
        clerk = Middleware(ClerkMiddleware, config=config_of)
        client = client_of(Starlette(routes=[inbox.route], middleware=[clerk]))
        for host, others in ("one.example", STRANGERS), ("two.example", SECRET):
            body, own = an_event(), {SECRET, STRANGERS} - {others}
            for secrets, status in (own, 204), ([others], 400):
                headers = {**signed(body, secrets=secrets), "host": host}
                assert post(client, body=body, headers=headers).status_code == status

    def test_is_the_receiver_s_own_first(self, config: Any, client_of: Any) -> None:
        inbox = Inbox(SECRET)
        clerk = Middleware(ClerkMiddleware, config=config(webhook_signing_secret=STRANGERS))
        assert post(client_of(Starlette(routes=[inbox.route], middleware=[clerk]))).status_code == 204

    @pytest.mark.parametrize("around", [True, False])
    def test_is_the_environment_s_where_nothing_else_has_one(
        self, around: bool, config: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", f"{STRANGERS},{SECRET}")
        middleware = [Middleware(ClerkMiddleware, config=config())] if around else []
        assert post(client_of(Starlette(routes=[Inbox().route], middleware=middleware))).status_code == 204

    def test_that_is_nowhere_lets_nothing_in(
        self, config: Any, client_of: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        inbox = Inbox()
        clerk = Middleware(ClerkMiddleware, config=config())
        assert post(client_of(Starlette(routes=[inbox.route], middleware=[clerk]))).status_code == 500
        assert inbox.types == []
        assert "CLERK_WEBHOOK_SIGNING_SECRET" in caplog.text


class Reading(BaseHTTPMiddleware):
    """Reads the body before the application does."""

    async def dispatch(self, request: Request, call_next: Any) -> Response:
        await request.body()
        response: Response = await call_next(request)
        return response


class TestARoute:
    @pytest.mark.parametrize(
        "middleware",
        [
            [Middleware(GZipMiddleware, minimum_size=0)],
            [Middleware(Reading)],
            [Middleware(CORSMiddleware, allow_origins=["https://spa.example"])],
        ],
        ids=["GZipMiddleware", "BaseHTTPMiddleware", "CORSMiddleware"],
    )
    @pytest.mark.parametrize("order", ["inside", "outside"])
    def test_within_middleware(
        self, middleware: Any, order: str, inbox: Inbox, config: Any, client_of: Any
    ) -> None:
        clerk = [Middleware(ClerkMiddleware, config=config())]
        stack = [*clerk, *middleware] if order == "inside" else [*middleware, *clerk]
        client = client_of(Starlette(routes=[inbox.route], middleware=stack))
        assert post(client).status_code == 204
        assert post(client, headers={}).json()["clerk_error"]["reason"] == "missing-headers"

    @pytest.mark.parametrize("kind", ["endpoint", "asgi"])
    def test_may_be_an_endpoint_or_an_application(self, kind: str, config: Any, client_of: Any) -> None:
        inbox = Inbox()
        clerk = Middleware(ClerkMiddleware, config=config(webhook_signing_secret=SECRET))
        route = Route(PATH, getattr(inbox.webhooks, kind), methods=["POST"])
        part = Starlette(routes=[route], middleware=[clerk])
        client = client_of(Starlette(routes=[Mount("/part", part)]))
        assert post(client, f"/part{PATH}").status_code == 204
        assert inbox.types == ["user.created"]

    def test_may_be_a_mount_for_who_asks_for_its_slash(self, inbox: Inbox, client_of: Any) -> None:
        client = client_of(Starlette(routes=[Mount(PATH, inbox.webhooks.asgi)]))
        assert post(client, f"{PATH}/").status_code == 204
        assert post(client, PATH).status_code == 307

    def test_of_which_the_body_was_read_already(self, client_of: Any) -> None:
        inbox = Inbox(SECRET)

        async def endpoint(request: Request) -> Response:
            assert await request.json()
            return await inbox.webhooks.endpoint(request)

        client = client_of(Starlette(routes=[Route(PATH, endpoint, methods=["POST"])]))
        assert post(client).status_code == 204

    @pytest.mark.parametrize(
        ("routes", "status"),
        [
            ({"protected_routes": "/(.*)"}, 401),
            ({"public_routes": "/about"}, 401),
            ({"protected_routes": "/app(.*)"}, 204),
            ({"public_routes": ["/about", PATH]}, 204),
        ],
    )
    def test_needs_no_session(
        self,
        routes: Any,
        status: int,
        inbox: Inbox,
        config: Any,
        client_of: Any,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        clerk = Middleware(ClerkMiddleware, config=config(), **routes)
        with caplog.at_level(logging.WARNING):
            answer = post(client_of(Starlette(routes=[inbox.route], middleware=[clerk])))
        assert answer.status_code == status
        assert len(inbox.types) == (status == 204)


class TestAClientThatIsGone:
    @pytest.mark.parametrize("kind", ["endpoint", "asgi"])
    def test_is_forgotten(self, kind: str, inbox: Inbox) -> None:
        app = Starlette(routes=[Route(PATH, getattr(inbox.webhooks, kind), methods=["POST"])])
        body = an_event()
        scope = {
            "type": "http",
            "method": "POST",
            "path": PATH,
            "headers": [(name.encode(), value.encode()) for name, value in signed(body).items()],
            "query_string": b"",
        }
        incoming: list[Message] = [
            {"type": "http.request", "body": body.encode()[:20], "more_body": True},
            {"type": "http.disconnect"},
        ]
        sent: list[Message] = []

        async def receive() -> Message:
            return incoming.pop(0)

        async def send(message: Message) -> None:
            sent.append(message)

        async def ask() -> None:
            with anyio.fail_after(10):
                await app(scope, receive, send)

        asyncio.run(ask())
        assert inbox.types == []
        assert [message["status"] for message in sent if "status" in message] in ([], [400])


def test_localclerk_delivers(config: Any) -> None:
    inbox, clerk = Inbox(), LocalClerk(webhook_retries=())
    middleware = Middleware(ClerkMiddleware, config=config(webhook_signing_secret=SECRET))
    with serving(Starlette(routes=[inbox.route], middleware=[middleware])) as url, closing(clerk):
        clerk.add_webhook_endpoint(f"{url}{PATH}", ["user.*"], SECRET)
        user = clerk.create_user("ann@example.com", first_name="Ann")
        clerk.update_user(user.id, first_name="Anne")
        clerk.delete_user(user.id)
        clerk.wait_for_webhooks(20)
        message = clerk.webhook_messages[-1]
        clerk.redeliver(message)
        clerk.wait_for_webhooks(20)
    assert inbox.types == ["user.created", "user.updated", "user.deleted"]
    assert [attempt.status_code for attempt in message.attempts] == [204, 200]


def test_the_package_has_a_receiver_and_nothing_unknown() -> None:
    assert {"WebhookReceiver", "ClerkMiddleware"} <= set(dir(clerk_middleware_starlette))
    with pytest.raises(AttributeError, match="has no attribute 'WebhookSender'"):
        _ = clerk_middleware_starlette.WebhookSender  # type: ignore[attr-defined]

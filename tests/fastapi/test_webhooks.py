"""`WebhookReceiver` in a FastAPI application: as a router, as an endpoint, and not in its document."""

# No postponed annotations: FastAPI could not resolve those of functions within functions.
from contextlib import closing
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.routing import APIRoute
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware

import clerk_middleware_fastapi
from clerk_middleware import AsyncAuthenticator, ConfigurationError
from clerk_middleware.local import LocalClerk
from clerk_middleware.webhooks import UserDeletedEvent, UserEvent
from clerk_middleware_fastapi import ClerkMiddleware, WebhookReceiver, require_auth

from ..frontend_api import serving
from ..webhook_messages import SECRET, STRANGERS, an_event, signed

PATH = "/webhooks/clerk"


@pytest.fixture
def handled() -> list[str]:
    return []


@pytest.fixture
def webhooks(handled: list[str]) -> WebhookReceiver:
    receiver = WebhookReceiver()

    @receiver.on("user.created", "user.updated")
    def save(event: UserEvent) -> None:
        handled.append(f"{event.type} {event.data['id']}")

    @receiver.on("user.deleted")
    async def forget(event: UserDeletedEvent) -> None:
        handled.append(event.type)

    return receiver


@pytest.fixture
def app(config: Any) -> FastAPI:
    application = FastAPI()
    application.add_middleware(ClerkMiddleware, config=config(webhook_signing_secret=SECRET))
    return application


def post(client: Any, path: str = PATH, **headers: str) -> Any:
    body = an_event(data={"id": "user_1"})
    return client.post(path, content=body, headers={**signed(body), **headers})


class TestARouter:
    def test_is_included(
        self, app: FastAPI, webhooks: WebhookReceiver, handled: list[str], client_of: Any
    ) -> None:
        app.include_router(webhooks.router())
        client = client_of(app)
        answer = post(client)
        assert (answer.status_code, answer.content) == (204, b"")
        assert handled == ["user.created user_1"]
        refused = client.post(PATH, content=an_event(), headers=signed(an_event(), secrets=[STRANGERS]))
        assert refused.status_code == 400
        assert refused.json()["clerk_error"]["reason"] == "invalid-signature"
        assert client.get(PATH).status_code == 405

    def test_has_the_path_and_the_prefix_that_it_is_given(
        self, app: FastAPI, webhooks: WebhookReceiver, handled: list[str], client_of: Any
    ) -> None:
        api = APIRouter(prefix="/api")
        api.include_router(webhooks.router("/clerk"))
        app.include_router(api, prefix="/v1")
        assert post(client_of(app), "/v1/api/clerk").status_code == 204
        assert len(handled) == 1

    def test_is_not_in_the_document_unless_it_is_wanted(
        self, app: FastAPI, webhooks: WebhookReceiver
    ) -> None:
        app.include_router(webhooks.router())
        app.include_router(webhooks.router("/shown", include_in_schema=True))
        paths = app.openapi()["paths"]
        assert list(paths) == ["/shown"]
        assert list(paths["/shown"]) == ["post"]
        assert list(paths["/shown"]["post"]["responses"]) == ["204"]

    @pytest.mark.parametrize("middleware", [GZipMiddleware, "reading"])
    def test_within_middleware(
        self,
        middleware: Any,
        app: FastAPI,
        webhooks: WebhookReceiver,
        handled: list[str],
        client_of: Any,
    ) -> None:
        class Reading(BaseHTTPMiddleware):
            async def dispatch(self, request: Request, call_next: Any) -> Response:
                await request.body()
                response: Response = await call_next(request)
                return response

        app.include_router(webhooks.router())
        app.add_middleware(Reading if middleware == "reading" else middleware)
        assert post(client_of(app)).status_code == 204
        assert len(handled) == 1

    def test_is_in_a_mounted_application(
        self, app: FastAPI, webhooks: WebhookReceiver, handled: list[str], client_of: Any
    ) -> None:
        app.include_router(webhooks.router())
        whole = FastAPI()
        whole.mount("/part", app)
        assert post(client_of(whole), f"/part{PATH}").status_code == 204
        assert len(handled) == 1

    @pytest.mark.parametrize("path", ["webhooks/clerk", "clerk"])
    def test_has_a_path_that_begins_with_a_slash(self, path: str, webhooks: WebhookReceiver) -> None:
        with pytest.raises(ConfigurationError, match=rf"webhooks\.router\('/{path}'\)"):
            webhooks.router(path)

    def test_may_have_its_path_as_its_prefix(
        self, app: FastAPI, webhooks: WebhookReceiver, client_of: Any
    ) -> None:
        app.include_router(webhooks.router(""), prefix=PATH)
        assert post(client_of(app)).status_code == 204

    def test_is_what_is_included(self, app: FastAPI, webhooks: WebhookReceiver, client_of: Any) -> None:
        with pytest.raises(AttributeError, match=r"include_router\(webhooks\.router\("):
            app.include_router(webhooks)  # type: ignore[arg-type]
        app.mount("/mounted", webhooks)
        with pytest.raises(ConfigurationError, match=r"include_router\(webhooks\.router\("):
            client_of(app).post("/mounted/")


class TestAtTheStart:
    """What every delivery would fail of is in the log before the first."""

    @pytest.fixture(autouse=True)
    def no_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("CLERK_WEBHOOK_SIGNING_SECRET", raising=False)

    @staticmethod
    def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
        return [record.message for record in caplog.records if "every webhook will be" in record.message]

    @pytest.mark.parametrize("has_middleware", [True, False])
    def test_a_missing_secret(
        self, has_middleware: bool, config: Any, client_of: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        app = FastAPI()
        if has_middleware:
            app.add_middleware(ClerkMiddleware, config())
        app.add_middleware(GZipMiddleware)
        app.include_router(WebhookReceiver().router())
        client = client_of(app)
        [warning] = self.warnings(caplog)
        assert "set the environment variable CLERK_WEBHOOK_SIGNING_SECRET" in warning
        assert post(client).json()["clerk_error"]["reason"] == "not-configured"

    def test_a_secret_that_is_none(
        self, client_of: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", "sk_test_hidden")
        app = FastAPI()
        app.include_router(WebhookReceiver().router())
        client_of(app)
        [warning] = self.warnings(caplog)
        assert "does not start with 'whsec_'" in warning
        assert "hidden" not in warning

    @pytest.mark.parametrize("where", ["receiver", "config", "function", "authenticator", "environment"])
    def test_nothing_where_there_may_be_one(
        self,
        where: str,
        config: Any,
        client_of: Any,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        app = FastAPI()
        clerk: dict[str, Any] = {
            "config": {"config": config(webhook_signing_secret=SECRET)},
            "function": {"config": lambda request: config(webhook_signing_secret=SECRET)},
            "authenticator": {"authenticator": AsyncAuthenticator(config(webhook_signing_secret=SECRET))},
        }.get(where, {"config": config()})
        app.add_middleware(ClerkMiddleware, **clerk)
        app.include_router(WebhookReceiver(SECRET if where == "receiver" else None).router())
        if where == "environment":
            monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        assert post(client_of(app)).status_code == 204
        assert self.warnings(caplog) == []


class TestAHandler:
    def test_takes_no_dependencies(self, webhooks: WebhookReceiver) -> None:
        def session() -> None: ...

        def by_default(event: UserEvent, database: Any = Depends(session)) -> None: ...  # noqa: B008

        def by_annotation(event: UserEvent, database: Annotated[None, Depends(session)]) -> None: ...

        def of_the_query(event: UserEvent, page: int = Query(1)) -> None: ...

        for handler, name in ((by_default, "database"), (by_annotation, "database"), (of_the_query, "page")):
            with pytest.raises(
                ConfigurationError, match=f"takes no dependencies, but its parameter '{name}'"
            ):
                webhooks.on("user.created")(handler)

    def test_may_have_parameters_with_defaults(
        self, app: FastAPI, webhooks: WebhookReceiver, client_of: Any
    ) -> None:
        seen: list[int] = []

        @webhooks.on("user.created")
        def handler(event: UserEvent, retries: int = 3) -> None:
            seen.append(retries)

        app.include_router(webhooks.router())
        assert post(client_of(app)).status_code == 204
        assert seen == [3]

    def test_is_a_function(self, webhooks: WebhookReceiver) -> None:
        handler: Any = 5
        with pytest.raises(ConfigurationError, match="must be a function of the event"):
            webhooks.on("user.created")(handler)

    def test_may_be_one_whose_parameters_nobody_knows(self, webhooks: WebhookReceiver) -> None:
        webhooks.on("user.created")(dict[str, Any]().update)


class TestAnEndpoint:
    @pytest.mark.parametrize(
        "route",
        [
            lambda app, webhooks: app.post(PATH)(webhooks.endpoint),
            lambda app, webhooks: app.add_api_route(PATH, webhooks.endpoint, methods=["POST"]),
            lambda app, webhooks: app.add_route(PATH, webhooks.endpoint, methods=["POST"]),
            lambda app, webhooks: app.add_route(PATH, webhooks.asgi, methods=["POST"]),
        ],
        ids=["post", "add_api_route", "add_route", "add_route of asgi"],
    )
    def test_is_routed_to(
        self, route: Any, app: FastAPI, webhooks: WebhookReceiver, handled: list[str], client_of: Any
    ) -> None:
        route(app, webhooks)
        assert post(client_of(app)).status_code == 204
        assert handled == ["user.created user_1"]

    def test_comes_after_the_dependencies_also_those_that_read_the_body(
        self, app: FastAPI, webhooks: WebhookReceiver, handled: list[str], client_of: Any
    ) -> None:
        async def from_clerk_s_network(request: Request) -> None:
            await request.body()
            if request.headers.get("x-from") != "clerk":
                raise HTTPException(403)

        app.post(PATH, dependencies=[Depends(from_clerk_s_network)])(webhooks.endpoint)
        client = client_of(app)
        assert post(client).status_code == 403
        assert handled == []
        assert post(client, **{"x-from": "clerk"}).status_code == 204
        assert len(handled) == 1

    def test_of_a_route_class_that_reads_the_body(
        self, app: FastAPI, webhooks: WebhookReceiver, handled: list[str], client_of: Any
    ) -> None:
        class Logged(APIRoute):
            def get_route_handler(self) -> Any:
                handler = super().get_route_handler()

                async def logged(request: Request) -> Response:
                    assert b"user.created" in await request.body()
                    return await handler(request)

                return logged

        router = APIRouter(route_class=Logged)
        router.post(PATH)(webhooks.endpoint)
        app.include_router(router)
        assert post(client_of(app)).status_code == 204
        assert len(handled) == 1

    def test_is_refused_where_a_dependency_needs_a_session(
        self, config: Any, webhooks: WebhookReceiver, handled: list[str], client_of: Any
    ) -> None:
        app = FastAPI(dependencies=[Depends(require_auth)])
        app.add_middleware(ClerkMiddleware, config=config(webhook_signing_secret=SECRET))
        app.include_router(webhooks.router())
        assert post(client_of(app)).status_code == 401
        assert handled == []


def test_a_client_that_is_gone(webhooks: WebhookReceiver, app: FastAPI, handled: list[str]) -> None:
    import asyncio

    app.include_router(webhooks.router())
    body = an_event()
    headers = [(name.encode(), value.encode()) for name, value in signed(body).items()]
    scope = {"type": "http", "method": "POST", "path": PATH, "headers": headers, "query_string": b""}
    incoming: list[Any] = [
        {"type": "http.request", "body": body.encode()[:20], "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    async def ask() -> None:
        async with asyncio.timeout(10):
            await app({**scope, "scheme": "https", "server": ("app.example.com", 443)}, receive, send)

    asyncio.run(ask())
    assert sent[0]["status"] == 400
    assert handled == []


def test_localclerk_delivers(app: FastAPI, webhooks: WebhookReceiver, handled: list[str]) -> None:
    app.include_router(webhooks.router())
    clerk = LocalClerk(webhook_retries=())
    with serving(app) as url, closing(clerk):
        clerk.add_webhook_endpoint(f"{url}{PATH}", ["user.*"], SECRET)
        clerk.create_user("ann@example.com", id="user_ann")
        clerk.update_user("user_ann", first_name="Ann")
        clerk.delete_user("user_ann")
        clerk.wait_for_webhooks(20)
        first = clerk.webhook_messages[0]
        clerk.redeliver(first)
        clerk.wait_for_webhooks(20)
    assert handled == ["user.created user_ann", "user.updated user_ann", "user.deleted"]
    assert [attempt.status_code for attempt in first.attempts] == [204, 200]


def test_the_package_has_a_receiver_and_nothing_unknown() -> None:
    assert {"WebhookReceiver", "ClerkMiddleware"} <= set(dir(clerk_middleware_fastapi))
    with pytest.raises(AttributeError, match="has no attribute 'WebhookSender'"):
        _ = clerk_middleware_fastapi.WebhookSender  # type: ignore[attr-defined]

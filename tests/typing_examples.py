"""What a type checker knows of the public names. Never run: mypy --strict and pyright check it."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict, assert_type
from wsgiref.types import StartResponse, WSGIEnvironment

import httpx
from clerk_backend_api import Clerk
from clerk_backend_api.models import User
from django.http import HttpRequest, HttpResponse
from django.test import TestCase
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.generic import TemplateView
from fastapi import Depends, FastAPI, Security, WebSocket
from flask import Blueprint, Flask
from flask import Response as FlaskResponse
from flask.views import MethodView
from flask_login import LoginManager  # type: ignore[import-untyped]
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import clerk_middleware_django as django_clerk
import clerk_middleware_fastapi as fastapi_clerk
import clerk_middleware_flask as flask_clerk
import clerk_middleware_starlette as starlette_clerk
from clerk_middleware import (
    CSP,
    APIKeyAuth,
    AsyncAuthenticator,
    Auth,
    Authenticator,
    ClerkConfig,
    ClerkRequest,
    FrontendAPIProxy,
    M2MAuth,
    MachineAuth,
    MemoryWebhookStore,
    NotAuthorized,
    OAuthAccessToken,
    OAuthAuth,
    RequestState,
    SessionAuth,
    TokenType,
    verify_webhook,
)
from clerk_middleware import asgi as asgi_clerk
from clerk_middleware import wsgi as wsgi_clerk
from clerk_middleware.asgi import ClerkMiddleware
from clerk_middleware.asgi_scope import Scope
from clerk_middleware.m2m import M2MBearer
from clerk_middleware.sign_out import cookies_to_forget
from clerk_middleware.testing import signed_webhook
from clerk_middleware.webhooks import UserDeletedEvent, UserEvent
from clerk_middleware_django.test import ClerkClient
from clerk_middleware_django.webhooks import WebhookReceiver as DjangoWebhookReceiver
from clerk_middleware_flask.login import ClerkUser, use_clerk
from clerk_middleware_flask.testing import ClerkTestClient

# Auth objects


def anybody(auth: Auth) -> None:
    assert_type(auth.user_id, str | None)
    assert_type(auth.org_id, str | None)
    assert_type(auth.token_type, TokenType | None)
    assert_type(auth.get_token(), str | None)
    assert_type(auth.get_user(), User | None)
    assert_type(auth.get_oauth_access_token("google"), OAuthAccessToken | None)
    assert_type(auth.has(role="org:admin"), bool)
    auth.has(reverification="strict")
    auth.has(reverification={"level": "first_factor", "after_minutes": 10})
    auth.has(permissions="org:teams:manage")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def narrowed(auth: Auth) -> None:
    if isinstance(auth, SessionAuth):
        assert_type(auth.user_id, str)
        assert_type(auth.token_type, Literal["session_token"])
        assert_type(auth.get_token(), str)
        assert_type(auth.get_user(), User)
        assert_type(auth.get_user().first_name, str | None)
    elif isinstance(auth, M2MAuth):
        assert_type(auth.machine_id, str)
        assert_type(auth.token_type, Literal["m2m_token"])
        assert_type(auth.scopes, tuple[str, ...])
        assert_type(auth.claims, Mapping[str, Any] | None)
    elif isinstance(auth, APIKeyAuth):
        assert_type(auth.name, str | None)
        assert_type(auth.token_type, Literal["api_key"])
        assert_type(auth.user_id, str | None)
        assert_type(auth.org_id, str | None)
        assert_type(auth.subject, str)
    elif isinstance(auth, OAuthAuth):
        assert_type(auth.user_id, str)
        assert_type(auth.client_id, str | None)
        assert_type(auth.token_type, Literal["oauth_token"])
        assert_type(auth.id, str)
        assert_type(auth.get_token(), str)


def unavailable(auth: Auth) -> None:
    assert_type(auth.retry_after, int | None)


# Clerk's official client


async def about_users(auth: SessionAuth, authenticator: AsyncAuthenticator) -> None:
    assert_type(await auth.aget_user(), User)
    token = await auth.aget_oauth_access_token("google", external_account_id="eac_1")
    if token is not None:
        assert_type(token.token, str)
        assert_type(token.scopes, tuple[str, ...])
    assert_type(authenticator.backend, Clerk)
    assert_type(await authenticator.backend.users.get_async(user_id="user_1"), User)


def about_users_of_tenants(authenticator: Authenticator, config: ClerkConfig) -> None:
    assert_type(authenticator.backend_for(config), Clerk)
    assert_type(authenticator.describe_user(config, "user_1"), dict[str, Any])
    in_threads = AsyncAuthenticator(config, in_threads=authenticator)
    assert_type(in_threads.backend_for(config).users.get(user_id="user_1"), User)


# Machines that call, and that are called


def sends(authenticator: Authenticator) -> None:
    token = authenticator.m2m.create_token(seconds_until_expiration=60, claims={"a": 1}, token_format="jwt")
    assert_type(token.token, str)
    assert_type(token.expires_at, float | None)
    assert_type(authenticator.m2m.verify_token(token.token), M2MAuth)
    httpx.Client(auth=M2MBearer(authenticator, seconds_until_expiration=600, token_format="opaque"))
    M2MBearer(authenticator, token_format="paseto")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def sends_async(authenticator: AsyncAuthenticator) -> None:
    token = await authenticator.m2m.create_token()
    assert_type(token.scopes, tuple[str, ...])
    assert_type(await authenticator.m2m.verify_token(token.token), M2MAuth)
    httpx.AsyncClient(auth=M2MBearer(authenticator))


ClerkConfig(secret_key="sk_test_x", accepts_token=["session_token", "api_key"], opaque_token_ttl_in_ms=1000)
ClerkConfig(secret_key="sk_test_x", accepts_token="api_keys")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@dataclass
class Claims:
    sub: str
    plan: Literal["free", "pro"] = "free"


Fleet = TypedDict("Fleet", {"org.id": str, "org.name": str | None})


def claims(auth: SessionAuth) -> None:
    assert_type(auth.claims_as(Claims), Claims)
    assert_type(auth.claims_as(Claims).plan, Literal["free", "pro"])
    assert_type(auth.claims_as(Fleet)["org.name"], str | None)


def state(state: RequestState) -> None:
    assert_type(state.status, Literal["signed-in", "signed-out", "handshake"])
    assert_type(state.to_auth(), Auth)


# Starlette


@starlette_clerk.require_auth
async def bare(request: Request) -> PlainTextResponse:
    return PlainTextResponse("")


@starlette_clerk.require_auth()
async def called(request: Request, page: int = 1) -> PlainTextResponse:
    return PlainTextResponse("")


@starlette_clerk.require_permission("org:teams:manage")
@starlette_clerk.require_role("org:admin")
@starlette_clerk.require_feature("export")
@starlette_clerk.require_plan("pro")
@starlette_clerk.require_reverification()
@starlette_clerk.require_reverification({"level": "second_factor", "after_minutes": 5})
@starlette_clerk.protect(lambda auth: auth.user_id == "user_1", role="org:admin", unauthorized_url="/")
def synchronous(request: Request) -> Response:
    assert_type(starlette_clerk.get_auth(request), Auth)
    return PlainTextResponse("")


@starlette_clerk.require_auth(accepts_token=["api_key", "m2m_token"])
@starlette_clerk.require_scope("read:loads", "write:loads")
@starlette_clerk.require_scope("read:loads", accepts_token="oauth_token")
@starlette_clerk.protect(token=["session_token", "api_key"], permission="org:loads:read", scope="read:loads")
async def machines(request: Request) -> PlainTextResponse:
    return PlainTextResponse("")


starlette_clerk.require_auth(accepts_token="api_keys")  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
starlette_clerk.require_scope(accepts_token=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def signatures(request: Request) -> None:
    assert_type(await machines(request), PlainTextResponse)
    keeps: Callable[[Request], Coroutine[Any, Any, PlainTextResponse]] = bare
    also: Callable[[Request], Response] = synchronous
    assert_type(await keeps(request), PlainTextResponse)
    assert_type(await called(request, page=2), PlainTextResponse)
    assert_type(also(request), Response)
    await called(request, "2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Endpoint(HTTPEndpoint):
    @starlette_clerk.require_auth
    async def get(self, request: Request) -> Response:
        return PlainTextResponse("")


class Socket(WebSocketEndpoint):
    @starlette_clerk.require_role("org:admin")
    async def on_connect(self, websocket: Any) -> None: ...


starlette_clerk.require_permission()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
starlette_clerk.require_reverification("strictest")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
starlette_clerk.protect(roles="org:admin")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]

# FastAPI

app = FastAPI()


@app.get("/")
async def index(auth: fastapi_clerk.CurrentAuth) -> None:
    assert_type(auth, Auth)
    assert_type(auth.user_id, str | None)


@app.get("/me")
async def me(auth: Annotated[SessionAuth, Depends(fastapi_clerk.require_auth)]) -> None:
    assert_type(auth.user_id, str)


@app.websocket("/live")
async def live(
    websocket: WebSocket, auth: Annotated[SessionAuth, Depends(fastapi_clerk.require_plan("pro"))]
) -> None:
    assert_type(auth.user_id, str)


async def dependencies(request: Request, auth: Auth) -> None:
    """What a dependency returns is what its parameter should be annotated with."""
    assert_type(await fastapi_clerk.require_auth(request, auth), SessionAuth)
    assert_type((await fastapi_clerk.require_auth(request, auth)).user_id, str)
    for required in (
        fastapi_clerk.require_permission("org:teams:manage"),
        fastapi_clerk.require_role("org:admin"),
        fastapi_clerk.require_feature("export"),
        fastapi_clerk.require_plan("pro"),
        fastapi_clerk.require_reverification("moderate"),
        fastapi_clerk.protect(lambda session: session.org_id == "org_1", plan="pro"),
    ):
        assert_type(await required(request, auth), SessionAuth)


async def dependencies_of_machines(request: Request, auth: Auth) -> None:
    require_auth, require_scope = fastapi_clerk.require_auth, fastapi_clerk.require_scope
    assert_type(await require_auth()(request, auth), SessionAuth)
    assert_type(await require_auth(accepts_token="session_token")(request, auth), SessionAuth)
    assert_type(await require_auth(accepts_token="api_key")(request, auth), APIKeyAuth)
    assert_type(await require_auth(accepts_token="m2m_token")(request, auth), M2MAuth)
    assert_type(await require_auth(accepts_token="oauth_token")(request, auth), OAuthAuth)
    assert_type(await require_auth(accepts_token="any")(request, auth), SessionAuth | MachineAuth)
    either = require_auth(accepts_token=["session_token", "api_key"])
    assert_type(await either(request, auth), SessionAuth | MachineAuth)
    assert_type(await require_scope("read:loads")(request, auth), MachineAuth)
    assert_type(await require_scope("read:loads", "a", accepts_token="api_key")(request, auth), APIKeyAuth)
    assert_type(await require_scope("read:loads", accepts_token="oauth_token")(request, auth), OAuthAuth)
    assert_type(
        await require_scope("read:loads", accepts_token="any")(request, auth), SessionAuth | MachineAuth
    )
    protected = fastapi_clerk.protect(token=["session_token", "api_key"], role="a", scope="read:loads")
    assert_type(await protected(request, auth), SessionAuth | MachineAuth)
    oauth2 = fastapi_clerk.ClerkOAuth2(config, scopes={"read:loads": "See the loads"})
    assert_type(await oauth2(request, auth), OAuthAuth)
    either_oauth2 = fastapi_clerk.ClerkOAuth2(config, accepts_token=["oauth_token", "api_key"])
    assert_type(await either_oauth2(request, auth), MachineAuth)
    any_oauth2 = fastapi_clerk.ClerkOAuth2(config, accepts_token=["session_token", "oauth_token"])
    assert_type(await any_oauth2(request, auth), SessionAuth | MachineAuth)
    fastapi_clerk.ClerkOAuth2(config, accepts_token="api_key")  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
    require_auth(permission="org:teams:manage")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    require_auth("api_key")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]


@app.get("/loads")
async def loads(
    key: Annotated[APIKeyAuth, Depends(fastapi_clerk.require_auth(accepts_token="api_key"))],
    current: Annotated[Auth, Security(fastapi_clerk.current_auth, scopes=["read:loads"])],
) -> None:
    assert_type(key.name, str | None)


fastapi_clerk.protect(lambda session: session.user, role="x")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]

# Middleware


def instance_of(request: ClerkRequest) -> ClerkConfig:
    return ClerkConfig(secret_key="sk_test_x")


config = ClerkConfig.from_env()
app.add_middleware(fastapi_clerk.ClerkMiddleware, config=config)
app.add_middleware(fastapi_clerk.ClerkMiddleware, config=instance_of, protected_routes="/admin(.*)")
Starlette(middleware=[Middleware(starlette_clerk.ClerkMiddleware, config=config, public_routes=["/"])])
ClerkMiddleware(app, config)


# Django


@django_clerk.require_permission("org:teams:manage")
def django_view(request: HttpRequest, number: int) -> HttpResponse:
    assert_type(django_clerk.get_auth(request), Auth)
    assert_type(django_clerk.get_session(request).user_id, str)
    return HttpResponse()


@django_clerk.require_scope("read:loads", accepts_token=["api_key", "oauth_token"])
def django_machine_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@django_clerk.require_auth
async def django_async_view(request: django_clerk.ClerkHttpRequest) -> HttpResponse:
    assert_type(request.auth.user_id, str | None)
    return HttpResponse()


assert_type(django_view(HttpRequest(), 1), HttpResponse)
django_view("no request", 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class DjangoTeams(django_clerk.ClerkPermissionRequiredMixin, TemplateView):
    clerk_permission = "org:teams:manage"
    clerk_reverification = {"level": "first_factor", "after_minutes": 10}


@method_decorator(django_clerk.require_role("org:admin"), name="dispatch")
class DjangoSettings(View):
    @django_clerk.protect(lambda auth: auth.user_id != "user_1", unauthorized_url="/")
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()


class DjangoTests(TestCase):
    client_class = ClerkClient
    client: ClerkClient  # pyright: ignore[reportIncompatibleVariableOverride]  # as any client of one's own

    def test_teams(self) -> None:
        self.client.clerk_login("user_1", org_id="org_1", permissions=["org:teams:manage"])
        assert_type(self.client.get("/").status_code, int)


# Plain ASGI and WSGI


async def asgi_sign_out(scope: Scope, authenticator: AsyncAuthenticator) -> None:
    assert_type(asgi_clerk.get_auth(scope), Auth)
    assert_type(asgi_clerk.get_session(scope).user_id, str)
    state = asgi_clerk.get_state(scope)
    assert_type(state, RequestState)
    await authenticator.sign_out(state)
    assert_type(list(cookies_to_forget(state.config)), list[str])


def wsgi_app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    assert_type(wsgi_clerk.get_auth(environ), Auth)
    assert_type(wsgi_clerk.get_session(environ).user_id, str)
    assert_type(wsgi_clerk.get_state(environ), RequestState)
    return []


wsgi_clerk.ClerkMiddleware(wsgi_app, config, protected_routes="/admin(.*)")
wsgi_clerk.ClerkMiddleware(wsgi_app, instance_of, public_routes=["/"])
wsgi_clerk.ClerkMiddleware(wsgi_clerk.ClerkMiddleware(wsgi_app))

# Flask

flask_app = Flask("typing_examples")
flask_app_clerk = flask_clerk.Clerk(flask_app)
flask_clerk.Clerk(config=config).init_app(flask_app)
flask_clerk.Clerk().init_app(flask_app, config=instance_of)
flask_clerk.Clerk(flask_app, instance_of)


@flask_app.get("/")
def flask_home() -> str:
    auth = flask_clerk.current_auth
    assert_type(auth, Auth)
    assert_type(auth.user_id, str | None)
    assert_type(auth.has(role="org:admin"), bool)
    if isinstance(auth, SessionAuth):
        assert_type(auth.user_id, str)
    assert_type(flask_clerk.get_auth(), Auth)
    assert_type(flask_clerk.get_session(), SessionAuth)
    assert_type(flask_clerk.get_session().user_id, str)
    assert_type(flask_clerk.get_state(), RequestState)
    assert_type(flask_clerk.sign_in_url(), str)
    assert_type(flask_clerk.sign_up_url("/welcome"), str)
    return ""


@flask_app.get("/teams/<int:number>")
@flask_clerk.require_permission("org:teams:manage")
def flask_view(number: int) -> tuple[str, int]:
    return "", number


@flask_app.get("/async")
@flask_clerk.require_auth
async def flask_async_view(number: int = 1) -> str:
    return await flask_clerk.get_session().aget_token()


async def flask_signatures() -> None:
    """A decorated view is what it was."""
    assert_type(flask_view(1), tuple[str, int])
    assert_type(await flask_async_view(number=2), str)
    flask_view("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@flask_app.get("/positions")
@flask_clerk.require_auth(accepts_token="m2m_token")
@flask_clerk.require_scope("read:loads")
def flask_machine_view() -> str:
    auth = flask_clerk.get_auth()
    return auth.machine_id if isinstance(auth, M2MAuth) else ""


class FlaskTeams(MethodView):
    decorators = [flask_clerk.require_auth, flask_clerk.require_plan("pro")]

    @flask_clerk.protect(lambda auth: auth.user_id != "user_1", unauthorized_url="/")
    def get(self) -> str:
        return ""


flask_managers = Blueprint("managers", "typing_examples")
flask_app_clerk.protect_blueprint(flask_managers, lambda auth: auth.org_id == "org_1", role="org:admin")
flask_app_clerk.protect_blueprint(flask_managers, roles="org:admin")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]


@flask_managers.before_request
@flask_clerk.require_reverification({"level": "first_factor", "after_minutes": 10})
def flask_managers_only() -> None: ...


@flask_app.errorhandler(NotAuthorized)
def flask_refused(error: NotAuthorized) -> FlaskResponse:
    return flask_app_clerk.answer(error)


def flask_user(auth: SessionAuth) -> ClerkUser | None:
    return None


use_clerk(LoginManager(flask_app), flask_user)


def flask_tests() -> None:
    client = ClerkTestClient(flask_app)
    client.clerk_login("user_1", org_id="org_1", permissions=["org:teams:manage"])
    assert_type(client.get("/").status_code, int)


# Proxy, policy, webhooks

own_domain = ClerkConfig(
    publishable_key="pk_live_Y2xlcmsuZXhhbXBsZS5jb20k",
    secret_key="sk_live_abc",
    frontend_api_proxy=FrontendAPIProxy(trusted_proxies=1),
    content_security_policy=CSP(strict=True, directives={"font-src": ["self"], "frame-ancestors": "none"}),
    webhook_signing_secret=["whsec_new", "whsec_old"],
)
assert_type(own_domain.proxy, FrontendAPIProxy | None)
CSP(scrict=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

fastapi_webhooks = fastapi_clerk.WebhookReceiver()
app.include_router(fastapi_webhooks.router("/webhooks/clerk"))
starlette_webhooks = starlette_clerk.WebhookReceiver(store=MemoryWebhookStore())
Route("/webhooks/clerk", starlette_webhooks.endpoint, methods=["POST"])
flask_webhooks = flask_clerk.WebhookReceiver()
flask_app.register_blueprint(flask_webhooks.blueprint("/webhooks/clerk"))
django_webhooks = DjangoWebhookReceiver()
django_urlpatterns = [path("webhooks/clerk", django_webhooks.view)]


@fastapi_webhooks.on("user.created", "user.updated")
async def fastapi_user(event: UserEvent) -> None:
    assert_type(event.data["first_name"], str | None)


@flask_webhooks.on("user.deleted")
def flask_user_deleted(event: UserDeletedEvent) -> None:
    assert_type(event.data["deleted"], bool)


@django_webhooks.on("user.created")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
def django_wrong_event(event: UserDeletedEvent) -> None: ...


@app.get("/nonce")
async def fastapi_nonce(nonce: fastapi_clerk.CSPNonce) -> str:
    return assert_type(nonce, str)


@flask_app.get("/nonce")
def flask_nonce() -> str:
    return assert_type(flask_clerk.csp_nonce(), str)


def webhook_tests() -> None:
    body, headers = signed_webhook("user.created", {"id": "user_1"})
    assert_type(body, bytes)
    event = verify_webhook(body, headers, signing_secret="whsec_1")
    assert_type(event.id, str)
    if event.type == "user.created":
        assert_type(event.data["last_name"], str | None)

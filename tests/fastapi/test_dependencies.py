"""`current_auth`, `require_auth` and its siblings as dependencies, wherever FastAPI takes one."""

# No postponed annotations: FastAPI could not resolve those of functions within functions.
import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Query, Request, Response, WebSocket
from fastapi.requests import HTTPConnection
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.security import SecurityScopes
from fastapi.testclient import TestClient
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from clerk_middleware import (
    AuthorizationError,
    ClerkError,
    ConfigurationError,
    NotAuthenticated,
    NotAuthorized,
    SessionAuth,
    SignedOut,
)
from clerk_middleware_fastapi import (
    ClerkMiddleware,
    CurrentAuth,
    current_auth,
    protect,
    require_auth,
    require_feature,
    require_permission,
    require_plan,
    require_reverification,
    require_role,
)

SITE = "https://app.example.com"

Session = Annotated[SessionAuth, Depends(require_auth)]
Admin = Annotated[SessionAuth, Depends(require_role("org:admin"))]

REQUIREMENTS = {
    "auth": require_auth,
    "permission": require_permission("org:dispatcher:assign_drivers"),
    "role": require_role("org:dispatcher"),
    "feature": require_feature("live_tracking"),
    "plan": require_plan("org:pro"),
    "reverification": require_reverification({"level": "first_factor", "after_minutes": 10}),
    "protect": protect(lambda auth: auth.org_slug == "blue-ridge-freight", role="dispatcher"),
}
UNMET = {
    "permission": (require_permission("org:admin:view_audit_logs"), "org:admin:view_audit_logs"),
    "role": (require_role("org:admin"), "org:admin"),
    "feature": (require_feature("time_travel"), "time_travel"),
    "plan": (require_plan("user:pro"), "user:pro"),
}


def application(config: Any = None, **options: Any) -> FastAPI:
    app = FastAPI(**options)
    if config is not None:
        app.add_middleware(ClerkMiddleware, config=config)

    @app.get("/whoami")
    async def whoami(auth: CurrentAuth) -> dict[str, str | None]:
        return {"user": auth.user_id}

    @app.get("/whoami-sync")
    def whoami_sync(auth: CurrentAuth) -> dict[str, str | None]:
        return {"user": auth.user_id}

    @app.get("/session")
    async def session(auth: Session) -> dict[str, str]:
        return {"user": auth.user_id}

    @app.get("/session-sync")
    def session_sync(auth: Session) -> dict[str, str]:
        return {"user": auth.user_id}

    @app.get("/request")
    async def request(request: Request, auth: CurrentAuth) -> dict[str, Any]:
        return {"same": request.auth is auth, "user": request.user.identity}

    def route(path: str, dependency: Any) -> None:
        @app.get(path)
        async def endpoint(auth: Annotated[SessionAuth, Depends(dependency)]) -> dict[str, str]:
            return {"user": auth.user_id}

    for name, dependency in REQUIREMENTS.items():
        route(f"/met/{name}", dependency)
    for name, (dependency, _) in UNMET.items():
        route(f"/unmet/{name}", dependency)
    route("/strict", require_reverification())
    route("/hidden", protect(role="org:admin"))
    route("/upgrade", protect(plan="enterprise", unauthorized_url="/pricing"))
    route("/welcome", protect(unauthenticated_url="/hello"))
    return app


@pytest.fixture
def client(config: Any, client_of: Any) -> Any:
    return client_of(application(config()))


class TestCurrentAuth:
    @pytest.mark.parametrize("path", ["/whoami", "/whoami-sync"])
    def test_is_who_asks_or_nobody(self, path: str, client: Any, dispatcher: Any, cookies: Any) -> None:
        assert client.get(path, headers=dispatcher).json() == {"user": "user_dev"}
        assert client.get(path, headers=cookies).json() == {"user": "user_dev"}
        assert client.get(path).json() == {"user": None}

    def test_is_that_of_the_request(self, client: Any, dispatcher: Any) -> None:
        assert client.get("/request", headers=dispatcher).json() == {"same": True, "user": "user_dev"}

    def test_is_a_machine_where_machines_are_accepted(
        self, config: Any, client_of: Any, machine: Any
    ) -> None:
        app = application(config(accepts_token=["session_token", "oauth_token"]))

        @app.get("/kind")
        async def kind(auth: CurrentAuth) -> list[Any]:
            return [auth.token_type, auth.is_authenticated]

        client = client_of(app)
        assert client.get("/kind", headers=machine).json() == ["oauth_token", True]
        assert client.get("/session", headers=machine).status_code == 401

    @pytest.mark.parametrize("path", ["/whoami", "/session"])
    def test_without_the_middleware_says_what_to_do(self, path: str, client_of: Any) -> None:
        with pytest.raises(ConfigurationError, match="did not see this request: add it with"):
            client_of(application()).get(path)


class TestRequirements:
    @pytest.mark.parametrize("name", REQUIREMENTS)
    def test_that_are_met_give_the_session(self, name: str, client: Any, dispatcher: Any) -> None:
        response = client.get(f"/met/{name}", headers=dispatcher)
        assert (response.status_code, response.json()) == (200, {"user": "user_dev"})

    @pytest.mark.parametrize("path", ["/session", "/session-sync", "/unmet/role"])
    def test_refuse_nobody(self, path: str, client: Any, navigation: Any) -> None:
        response = client.get(path)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.headers["content-type"] == "application/json"
        redirect = client.get(f"{path}?x=1", headers=navigation)
        assert redirect.status_code == 307
        target = urlsplit(redirect.headers["location"])
        assert (target.netloc, target.path) == ("accounts.example.com", "/sign-in")
        assert parse_qs(target.query)["redirect_url"] == [f"{SITE}{path}?x=1"]

    @pytest.mark.parametrize("name", UNMET)
    def test_that_are_not_met_are_named(self, name: str, client: Any, dispatcher: Any) -> None:
        response = client.get(f"/unmet/{name}", headers=dispatcher)
        assert response.status_code == 403
        assert response.json()["clerk_error"]["metadata"] == {"required": {name: UNMET[name][1]}}

    def test_of_reverification(self, client: Any, signed_in: Any) -> None:
        assert client.get("/strict", headers=signed_in(fva=(0, 0))).status_code == 200
        response = client.get("/strict", headers=signed_in(fva=(0, 10)))
        assert response.status_code == 403
        assert response.json() == {
            "clerk_error": {
                "type": "forbidden",
                "reason": "reverification-error",
                "metadata": {"reverification": {"level": "second_factor", "afterMinutes": 10}},
            }
        }

    def test_of_protect(self, client: Any, dispatcher: Any, admin: Any, navigation: Any) -> None:
        assert client.get("/hidden", headers=admin).status_code == 200
        absent = client.get("/nowhere", headers=dispatcher)
        hidden = client.get("/hidden", headers=dispatcher)
        assert (hidden.status_code, hidden.json()) == (absent.status_code, absent.json())
        assert client.get("/hidden").status_code == 404
        assert "/sign-in?" in client.get("/hidden", headers=navigation).headers["location"]
        assert client.get("/upgrade", headers=dispatcher).headers["location"] == "/pricing"
        assert client.get("/welcome").headers["location"] == "/hello"

    def test_come_before_the_request_is_looked_at(self, config: Any, client_of: Any) -> None:
        """Who may not call it does not learn what it takes."""
        app = FastAPI()
        app.add_middleware(ClerkMiddleware, config=config())

        @app.post("/loads", dependencies=[Depends(require_auth)])
        async def create(weight: int) -> int:
            return weight

        assert client_of(app).post("/loads?weight=heavy").status_code == 401

    def test_of_pending_sessions_lead_to_their_tasks(
        self, client: Any, signed_in: Any, navigation: Any
    ) -> None:
        pending = signed_in(claims={"sts": "pending"})
        assert client.get("/whoami", headers=pending).json() == {"user": None}
        assert client.get("/session", headers=pending).status_code == 401
        token = pending["authorization"].removeprefix("Bearer ")
        cookie = {"cookie": f"__session={token}; __client_uat=1"}
        location = client.get("/session", headers=navigation | cookie).headers["location"]
        assert urlsplit(location).path == "/sign-in/tasks"

    def test_that_are_malformed_are_told_where_they_are_written(self) -> None:
        with pytest.raises(ConfigurationError, match="a required role must be a text"):
            require_role(" ")

    @pytest.mark.parametrize(
        "factory",
        [require_permission, require_role, require_feature, require_plan, require_reverification, protect],
    )
    def test_that_are_not_called_are_told_where_they_are_written(self, factory: Any) -> None:
        """FastAPI would take the function itself for the dependency, which refuses nobody."""
        app = FastAPI()

        async def endpoint() -> None: ...

        with pytest.raises(ConfigurationError, match=rf"Depends\({factory.__name__}\("):
            app.get("/", dependencies=[Depends(factory)])(endpoint)


class TestWhereTheyMayStand:
    def test_on_an_application(self, config: Any, client_of: Any, dispatcher: Any) -> None:
        client = client_of(application(config(), dependencies=[Depends(require_auth)]))
        assert client.get("/whoami").status_code == 401
        assert client.get("/whoami", headers=dispatcher).status_code == 200
        assert client.get("/openapi.json").status_code == 200

    def test_on_a_router(self, config: Any, client_of: Any, dispatcher: Any, admin: Any) -> None:
        router = APIRouter(prefix="/admin", dependencies=[Depends(require_role("org:admin"))])

        @router.get("/users")
        async def users(auth: CurrentAuth) -> str | None:
            return auth.user_id

        app = application(config())
        app.include_router(router)
        app.include_router(router, prefix="/twice", dependencies=[Depends(require_plan("pro"))])
        client = client_of(app)
        for path in ("/admin/users", "/twice/admin/users"):
            assert client.get(path).status_code == 401
            assert client.get(path, headers=dispatcher).status_code == 403
            assert client.get(path, headers=admin).json() == "user_ada"
        assert client.get("/whoami").status_code == 200

    def test_under_another_dependency(self, config: Any, client_of: Any, dispatcher: Any) -> None:
        app = application(config())

        async def company(auth: Session) -> AsyncIterator[str]:
            yield auth.org_slug or ""

        @app.get("/company")
        async def endpoint(company: Annotated[str, Depends(company)], auth: Session) -> list[str]:
            return [company, auth.user_id]

        client = client_of(app)
        assert client.get("/company").status_code == 401
        assert client.get("/company", headers=dispatcher).json() == ["blue-ridge-freight", "user_dev"]

    def test_several_on_one_endpoint(self, config: Any, client_of: Any, dispatcher: Any, admin: Any) -> None:
        app = application(config())
        both = [Depends(require_plan("pro")), Depends(require_role("org:admin"))]

        @app.get("/both", dependencies=both)
        async def endpoint() -> str:
            return "in"

        client = client_of(app)
        assert client.get("/both", headers=dispatcher).status_code == 403
        assert client.get("/both", headers=admin).json() == "in"

    @pytest.mark.parametrize("kind", ["FastAPI", "middleware of its own"])
    def test_in_a_mounted_application(
        self, kind: str, config: Any, client_of: Any, dispatcher: Any, navigation: Any
    ) -> None:
        if kind == "FastAPI":
            app = FastAPI()
            app.add_middleware(ClerkMiddleware, config=config())
            app.mount("/api", application())
        else:
            app = FastAPI()
            app.mount("/api", application(config()))
        client = client_of(app)
        assert client.get("/api/session").status_code == 401
        assert client.get("/api/session", headers=dispatcher).json() == {"user": "user_dev"}
        assert client.get("/api/unmet/role", headers=dispatcher).status_code == 403
        location = client.get("/api/session", headers=navigation).headers["location"]
        assert parse_qs(urlsplit(location).query)["redirect_url"] == [f"{SITE}/api/session"]

    @pytest.mark.filterwarnings("ignore:The .root_path. parameter is deprecated")
    @pytest.mark.parametrize("root_path", ["/api", "/api/v1"])
    def test_behind_a_root_path(self, root_path: str, config: Any, client_of: Any, dispatcher: Any) -> None:
        app = FastAPI(root_path=root_path)
        app.add_middleware(ClerkMiddleware, config=config(), protected_routes="/whoami")

        @app.get("/whoami")
        async def whoami(auth: CurrentAuth) -> str | None:
            return auth.user_id

        client = client_of(app)
        for path in ("/whoami", f"{root_path}/whoami", "/%77hoami", f"{root_path}/who%61mi", "/whoami%0A"):
            assert client.get(path).status_code in (401, 404), path
            assert client.get(path, headers=dispatcher).status_code in (200, 404), path


class TestOverrides:
    @pytest.fixture
    def app(self) -> FastAPI:
        """As in a test of an application: with no Clerk at all."""
        return application()

    def test_of_current_auth_alone_satisfy_every_requirement(self, app: FastAPI, client_of: Any) -> None:
        organization = {"id": "org_1", "slg": "blue-ridge-freight", "rol": "dispatcher"}
        organization |= {"per": "assign_drivers", "fpm": "1,0"}
        auth = SessionAuth.from_claims(
            {
                "sub": "user_1",
                "v": 2,
                "fva": [0, 0],
                "pla": "o:pro",
                "fea": "o:dispatcher,o:live_tracking",
                "o": organization,
            },
            token="",
        )
        app.dependency_overrides[current_auth] = lambda: auth
        client = client_of(app)
        for path in ("/whoami", "/session", *(f"/met/{name}" for name in REQUIREMENTS)):
            assert client.get(path).json() == {"user": "user_1"}
        for name in UNMET:
            assert client.get(f"/unmet/{name}").status_code == 403

    def test_by_nobody_are_refused(self, app: FastAPI, client_of: Any, navigation: Any) -> None:
        app.dependency_overrides[current_auth] = lambda: SignedOut()
        client = client_of(app)
        assert client.get("/whoami").json() == {"user": None}
        assert client.get("/session").status_code == 401
        assert client.get("/session", headers=navigation).status_code == 401  # nobody knows where to sign in
        assert client.get("/hidden").status_code == 404

    def test_of_one_requirement(self, app: FastAPI, client_of: Any) -> None:
        auth = SessionAuth.from_claims({"sub": "user_1"}, token="")
        app.dependency_overrides[require_auth] = lambda: auth
        assert client_of(app).get("/session").json() == {"user": "user_1"}

    def test_win_over_the_middleware(self, config: Any, client_of: Any, dispatcher: Any) -> None:
        app = application(config())
        app.dependency_overrides[current_auth] = lambda: SignedOut()
        assert client_of(app).get("/session", headers=dispatcher).status_code == 401


class TestExceptionHandlers:
    @pytest.mark.parametrize("kind", [NotAuthorized, AuthorizationError, ClerkError])
    @pytest.mark.parametrize("mounted", [False, True])
    def test_of_the_application_go_first(
        self, kind: Any, mounted: bool, config: Any, client_of: Any, dispatcher: Any, admin: Any
    ) -> None:
        inner = application()

        @inner.exception_handler(kind)
        async def refused(request: Request, error: Exception) -> JSONResponse:
            return JSONResponse({"own": type(error).__name__}, status_code=418)

        app = FastAPI() if mounted else inner
        if mounted:
            app.mount("/", inner)
        app.add_middleware(ClerkMiddleware, config=config())
        client = client_of(app)
        assert client.get("/unmet/role", headers=admin).status_code == 200
        response = client.get("/unmet/role", headers=dispatcher)
        assert (response.status_code, response.json()) == (418, {"own": "NotAuthorized"})

    def test_for_one_error_leave_the_others(self, config: Any, client_of: Any, dispatcher: Any) -> None:
        app = application(config())

        @app.exception_handler(NotAuthenticated)
        async def refused(request: Request, error: Exception) -> JSONResponse:
            return JSONResponse({}, status_code=418)

        client = client_of(app)
        assert client.get("/session").status_code == 418
        assert client.get("/unmet/role", headers=dispatcher).status_code == 403


class TestWithOtherMiddleware:
    def test_of_every_kind_around_it(self, config: Any, client_of: Any, dispatcher: Any) -> None:
        class Tagging(BaseHTTPMiddleware):
            async def dispatch(self, request: Request, call_next: Any) -> Any:
                response = await call_next(request)
                response.headers["x-tagged"] = "yes"
                return response

        app = application()
        app.add_middleware(Tagging)
        app.add_middleware(GZipMiddleware, minimum_size=1)
        app.add_middleware(ClerkMiddleware, config=config())
        app.add_middleware(Tagging)
        app.add_middleware(CORSMiddleware, allow_origins=["https://spa.example"], allow_credentials=True)
        client = client_of(app)
        origin = {"origin": "https://spa.example"}
        for headers, status in ((origin, 401), (origin | dispatcher, 200)):
            response = client.get("/session", headers=headers)
            assert response.status_code == status
            assert response.headers["access-control-allow-origin"] == "https://spa.example"
            assert response.headers["x-tagged"].startswith("yes")
            assert {"Authorization", "Cookie", "Origin"} <= set(response.headers["vary"].split(", "))
        assert client.get("/unmet/role", headers=dispatcher).status_code == 403

    def test_cookies_of_a_refresh_pass_through_them(
        self, config: Any, client_of: Any, backend_api: Any, expired_cookies: Any
    ) -> None:
        app = application()
        app.add_middleware(GZipMiddleware, minimum_size=1)
        app.add_middleware(ClerkMiddleware, config=config(api_url=backend_api.url))
        response = client_of(app).get("/session", headers=expired_cookies)
        assert response.json() == {"user": "user_dev"}
        assert response.headers["cache-control"] == "no-store"
        assert "__session=ey" in response.headers["set-cookie"]


class TestResponses:
    def test_background_tasks_run_after_who_asked_is_known(
        self, config: Any, client_of: Any, dispatcher: Any
    ) -> None:
        app, done = application(config()), []

        @app.post("/reports")
        async def report(auth: Session, tasks: BackgroundTasks) -> str:
            tasks.add_task(done.append, auth.user_id)
            return "soon"

        client = client_of(app)
        assert client.post("/reports").status_code == 401
        assert done == []
        assert client.post("/reports", headers=dispatcher).json() == "soon"
        assert done == ["user_dev"]

    @pytest.mark.parametrize("kind", ["async", "sync"])
    def test_that_stream(self, kind: str, config: Any, client_of: Any, dispatcher: Any) -> None:
        app = application(config())

        @app.get("/stream")
        async def stream(auth: Session) -> StreamingResponse:
            async def pieces() -> AsyncIterator[str]:
                for piece in ("a", auth.user_id):
                    await asyncio.sleep(0)
                    yield piece

            def sync_pieces() -> Iterator[str]:
                yield "a"
                yield auth.user_id

            return StreamingResponse(pieces() if kind == "async" else sync_pieces())

        client = client_of(app)
        assert client.get("/stream").status_code == 401
        assert client.get("/stream", headers=dispatcher).text == "auser_dev"

    def test_that_fail_while_they_stream_are_not_begun_again(
        self, config: Any, client_of: Any, dispatcher: Any
    ) -> None:
        app = application(config())

        @app.get("/stream")
        async def stream(request: Request) -> StreamingResponse:
            async def pieces() -> AsyncIterator[str]:
                yield "half"
                await require_role("org:admin")(request, request.auth)

            return StreamingResponse(pieces())

        with pytest.raises((NotAuthorized, RuntimeError)):
            client_of(app).get("/stream", headers=dispatcher)

    def test_of_templates_tokens(self, config: Any, client_of: Any, backend_api: Any, clerk: Any) -> None:
        """A synchronous endpoint asks Clerk by the event loop's connections, which it can't block."""
        app = application(config(api_url=backend_api.url))

        @app.get("/token-sync")
        def sync(auth: Session) -> str:
            return auth.get_token("neon")

        @app.get("/token")
        async def token(auth: Session) -> str:
            return await auth.aget_token("neon")

        @app.get("/token-blocking")
        async def blocking(auth: Session) -> str:
            try:
                return auth.get_token("neon")
            except ClerkError as error:
                return str(error)

        session = clerk.sign_in("user_dev", "blue-ridge-freight")
        headers = {"authorization": f"Bearer {clerk.session_token(session, azp=SITE)}"}
        client = client_of(app)
        assert client.get("/token-sync", headers=headers).json().count(".") == 2
        assert client.get("/token", headers=headers).json().count(".") == 2
        assert "aget_token" in client.get("/token-blocking", headers=headers).json()


class TestWebSockets:
    @pytest.fixture
    def sockets(self, config: Any, client_of: Any) -> Any:
        app = application(config())

        @app.websocket("/public")
        async def public(websocket: WebSocket, auth: CurrentAuth) -> None:
            await websocket.accept()
            await websocket.send_text(auth.user_id or "nobody")

        @app.websocket("/session")
        async def session(websocket: WebSocket, auth: Session) -> None:
            await websocket.accept()
            await websocket.send_text(auth.user_id)

        @app.websocket("/admin", dependencies=[Depends(require_role("org:admin"))])
        async def admin(websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.send_text(websocket.auth.user_id)

        @app.websocket("/late")
        async def late(websocket: WebSocket, auth: CurrentAuth) -> None:
            await websocket.accept()
            await require_auth(websocket, auth)

        return client_of(app)

    def hear(self, client: TestClient, path: str, headers: Any = None) -> str:
        with client.websocket_connect(path, headers=dict(headers or {})) as socket:
            return socket.receive_text()

    def refusal(self, client: TestClient, path: str, headers: Any = None) -> Any:
        with pytest.raises(WebSocketDenialResponse) as caught:
            self.hear(client, path, headers)
        return caught.value

    def test_know_who_it_is(self, sockets: Any, dispatcher: Any, admin: Any, cookies: Any) -> None:
        assert self.hear(sockets, "/public") == "nobody"
        assert self.hear(sockets, "/public", dispatcher) == "user_dev"
        assert self.hear(sockets, "/session", cookies | {"origin": SITE}) == "user_dev"
        assert self.hear(sockets, "/admin", admin) == "user_ada"

    @pytest.mark.parametrize("warm", [False, True])
    def test_are_refused(self, warm: bool, sockets: Any, dispatcher: Any) -> None:
        if warm:  # a refused request leaves nothing behind that would change the next
            assert sockets.get("/session").status_code == 401
        assert self.refusal(sockets, "/session").status_code == 401
        forbidden = self.refusal(sockets, "/admin", dispatcher)
        assert forbidden.status_code == 403
        assert forbidden.json()["clerk_error"]["metadata"] == {"required": {"role": "org:admin"}}

    @pytest.mark.parametrize("warm", [False, True])
    def test_are_closed_once_they_are_open(self, warm: bool, sockets: Any) -> None:
        if warm:
            assert sockets.get("/session").status_code == 401
        with pytest.raises(WebSocketDisconnect) as caught:
            self.hear(sockets, "/late")
        assert caught.value.code == 1008

    def test_of_a_page_of_another_site_are_refused(self, sockets: Any, cookies: Any) -> None:
        headers = cookies | {"origin": "https://evil.example"}
        assert self.refusal(sockets, "/public", headers).status_code == 403

    def test_take_overrides(self, client_of: Any) -> None:
        app = application()

        @app.websocket("/session")
        async def session(websocket: WebSocket, auth: Session) -> None:
            await websocket.accept()
            await websocket.send_text(auth.user_id)

        app.dependency_overrides[current_auth] = lambda: SessionAuth.from_claims({"sub": "user_1"}, token="")
        assert self.hear(client_of(app), "/session") == "user_1"

    def test_of_an_application_with_dependencies(self, config: Any, client_of: Any, dispatcher: Any) -> None:
        app = FastAPI(dependencies=[Depends(require_auth)])
        app.add_middleware(ClerkMiddleware, config=config())

        @app.websocket("/any")
        async def any_socket(websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.send_text("in")

        client = client_of(app)
        assert self.refusal(client, "/any").status_code == 401
        assert self.hear(client, "/any", dispatcher) == "in"


class TestWithoutDepends:
    """FastAPI has no use for what is no dependency, and would refuse nobody."""

    @pytest.mark.parametrize(
        "requirement", [require_auth, require_role("org:admin"), protect(role="org:admin")]
    )
    @pytest.mark.parametrize(
        "kind",
        [
            *(Request, Response, WebSocket, HTTPConnection, BackgroundTasks, SecurityScopes),
            *(str, dict, Any, SessionAuth, CurrentAuth, Annotated[str, Query()]),
        ],
    )
    def test_a_requirement_as_metadata_is_an_error(self, kind: Any, requirement: Any) -> None:
        """Of a `Request` and the like older versions of FastAPI say so themselves."""
        app = FastAPI()

        async def endpoint(given: Annotated[kind, requirement]) -> None: ...

        with pytest.raises((ConfigurationError, AssertionError), match="Depends"):
            app.get("/")(endpoint)
        with pytest.raises((ConfigurationError, AssertionError), match="Depends"):
            app.websocket("/")(endpoint)
        with pytest.raises((ConfigurationError, AssertionError), match="Depends"):
            app.get("/", dependencies=[Depends(endpoint)])(lambda: None)

    @pytest.mark.parametrize(
        "requirement", [require_auth, require_role("org:admin"), protect(role="org:admin")]
    )
    def test_a_requirement_as_a_default_is_an_error(self, requirement: Any) -> None:
        async def endpoint(auth=requirement) -> None: ...  # type: ignore[no-untyped-def]

        with pytest.raises(ConfigurationError) as raised:
            FastAPI().get("/")(endpoint)
        assert str(raised.value) == (
            "a requirement alone protects nothing: wrap it in Depends(...), as in Annotated[SessionAuth, "
            "Depends(require_auth)] for a parameter, or dependencies=[Depends(require_auth)] for a route or "
            "a router"
        )

    @pytest.mark.parametrize("make", [FastAPI, APIRouter], ids=["application", "router"])
    def test_a_requirement_in_a_list_of_dependencies_is_an_error(self, make: Any) -> None:
        for owner, options in [
            (make(dependencies=[require_auth]), {}),
            (make(), {"dependencies": [require_auth]}),
        ]:
            with pytest.raises(ConfigurationError, match=r"wrap it in Depends\(\.\.\.\)"):
                owner.get("/", **options)(lambda: None)

    @pytest.mark.parametrize(
        "requirement", [require_auth, require_auth(), require_role("org:admin"), protect(role="org:admin")]
    )
    def test_a_requirement_as_a_decorator_is_an_error(self, requirement: Any) -> None:
        async def endpoint() -> None: ...

        with pytest.raises(ConfigurationError, match=r"is no decorator in FastAPI: wrap it in Depends\("):
            requirement(endpoint)


class TestSeveral:
    @pytest.mark.parametrize("order", [1, -1])
    def test_are_all_required(self, order: int, config: Any, client_of: Any, dispatcher: Any) -> None:
        """To FastAPI they are of one kind, and what it takes to be equal it asks once."""
        roles = [require_role("org:dispatcher"), require_role("org:admin")][::order]
        app = FastAPI(dependencies=[Depends(each) for each in roles])
        app.add_middleware(ClerkMiddleware, config=config())
        app.get("/")(lambda: None)
        assert client_of(app).get("/", headers=dispatcher).status_code == 403
        assert require_role("org:admin") not in roles

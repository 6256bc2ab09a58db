"""Quart, which knows nothing of this library: the documentation's example, and what could go around it."""

from __future__ import annotations

import json
import socket
import warnings
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from clerk_middleware import AuthorizationError, NotAuthenticated, NotAuthorized
from clerk_middleware.asgi import ClerkMiddleware, get_auth, get_session
from clerk_middleware.route_protection import RouteProtection

with warnings.catch_warnings():  # it imports what newer Pythons deprecate
    warnings.simplefilter("ignore")
    pytest.importorskip("quart")
    from quart import Quart, Response, has_websocket_context, request, websocket

# Older versions of uvicorn use what websockets calls its legacy.
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets", "ignore::DeprecationWarning:uvicorn"),
]


@pytest.fixture(scope="module")
def app(config: Any) -> Quart:
    app = Quart("an_application")
    app.asgi_app = ClerkMiddleware(  # type: ignore[method-assign]
        app.asgi_app, config=config(), protected_routes=["/admin(.*)", "/live/admin"]
    )

    @app.errorhandler(AuthorizationError)
    async def refuse(error: AuthorizationError) -> Response:
        is_websocket = has_websocket_context()
        scope = (websocket if is_websocket else request).scope
        state = scope["clerk_middleware.state"]  # type: ignore[typeddict-item]
        answer = error.requirement.answer(error, state, may_redirect=not is_websocket)
        return Response(answer.body, answer.status, answer.headers)  # type: ignore[arg-type]

    @app.get("/")
    async def index() -> Any:
        return {"user": get_auth(request.scope).user_id}  # type: ignore[arg-type]

    @app.get("/loads")
    async def loads() -> Any:
        session = get_session(request.scope)  # type: ignore[arg-type]
        if not session.has(role="org:admin"):
            raise NotAuthorized("Only an admin may see this.", auth=session)
        return {"user": session.user_id}

    @app.get("/admin")
    async def admin() -> Any:
        return {"secret": True}

    @app.websocket("/live")
    async def live() -> None:
        session = get_session(websocket.scope)  # type: ignore[arg-type]
        await websocket.send(f"Hello {session.user_id}")

    @app.websocket("/live/admin")
    async def live_admin() -> None:
        await websocket.send("secret")

    return app


@pytest.fixture(scope="module")
def address(app: Quart, serve: Any) -> Any:
    with serve(app) as address:
        yield address


class TestAView:
    async def test_knows_who_is_there(self, app: Quart, bearer: Any, cookies: Any) -> None:
        client = app.test_client()
        for headers in (bearer, cookies):
            response = await client.get("/", headers=headers)
            assert await response.get_json() == {"user": "user_dev"}
        response = await client.get("/")
        assert await response.get_json() == {"user": None}
        assert response.headers["vary"] == "Authorization, Cookie"

    async def test_refuses(self, app: Quart, bearer: Any, admin: Any, navigation: Any) -> None:
        client = app.test_client()
        refused = await client.get("/loads")
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        to_sign_in = await client.get("/loads", headers=navigation)
        assert to_sign_in.status_code == 307
        assert to_sign_in.headers["location"].startswith("https://accounts.example.com/sign-in?")
        forbidden = await client.get("/loads", headers=bearer)
        assert forbidden.status_code == 403
        assert (await forbidden.get_json())["clerk_error"]["message"] == "Only an admin may see this."
        assert await (await client.get("/loads", headers=admin)).get_json() == {"user": "user_ada"}

    async def test_behind_a_protected_route_is_for_who_is_signed_in(self, app: Quart, bearer: Any) -> None:
        client = app.test_client()
        assert (await client.get("/admin")).status_code == 401
        assert (await client.get("/admin", headers=bearer)).status_code == 200


class TestOnARealServer:
    def test_a_view_knows_who_is_there(self, address: str, bearer: Any) -> None:
        assert httpx.get(f"http://{address}/", headers=bearer).json() == {"user": "user_dev"}
        assert httpx.get(f"http://{address}/loads").status_code == 401
        assert httpx.get(f"http://{address}/admin").status_code == 401

    @pytest.mark.parametrize(
        "target",
        [
            "/admin",
            "/%61dmin",
            "http://app.example.com/admin",
            "HTTP://evil.example/%61dmin",
            "http:///admin",
            "x:/admin",
            "http://x/admin%3Fpage=2",
            "http://x/admin;x",
            "http://x/admin%23x",
            "http://x/b/../admin",
        ],
    )
    def test_no_request_target_leads_around_a_protected_route(self, target: str, address: str) -> None:
        """Quart takes the path out of a target that is a whole URL."""
        host, _, port = address.partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            text = f"GET {target} HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n\r\n"
            connection.sendall(text.encode())
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        assert answer.split()[1] in (b"400", b"401", b"404")
        assert b"secret" not in answer

    def test_a_target_that_is_no_url_has_no_path(self) -> None:
        """Quart fails on it, so that there is nothing to protect, and nothing that is public."""
        guarded = RouteProtection("/admin(.*)", None)
        assert not guarded.cover("http://[/admin", "")
        assert RouteProtection(None, "/admin(.*)").cover("http://[/admin", "")
        assert guarded.cover("http://app.example.com/admin", "")

    def test_a_websocket_knows_who_is_there(self, address: str, bearer: Any, cookies: Any) -> None:
        for headers in (bearer, cookies):
            with connect(f"ws://{address}/live", additional_headers=headers) as opened:
                assert opened.recv(timeout=5) == "Hello user_dev"

    @pytest.mark.parametrize("path", ["/live", "/live/admin"])
    def test_a_websocket_is_refused(self, path: str, address: str) -> None:
        with pytest.raises(InvalidStatus) as caught, connect(f"ws://{address}{path}"):
            pass
        assert caught.value.response.status_code == 401
        error = json.loads(bytes(caught.value.response.body or b""))["clerk_error"]
        assert error["reason"] == "session-token-and-uat-missing"


async def test_the_functions_of_a_scope_are_typed_ways_to_the_auth_object(
    config: Any, request_to: Any, responding: Any, bearer: Any
) -> None:
    guarded = ClerkMiddleware(responding(), config())
    scope = (await request_to(guarded, "/", bearer)).scope
    assert get_auth(scope) is get_session(scope) is scope["auth"]
    scope = (await request_to(guarded)).scope
    assert get_auth(scope) is scope["auth"]
    with pytest.raises(NotAuthenticated):
        get_session(scope)

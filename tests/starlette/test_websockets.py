"""WebSocket endpoints of Starlette: functions and classes, refused before and after they accept."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.endpoints import WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from clerk_middleware import NotAuthorized
from clerk_middleware_starlette import ClerkMiddleware, get_auth, require_auth, require_role

# Older versions of uvicorn use what websockets calls its legacy.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:websockets", "ignore::DeprecationWarning:uvicorn"
)

SITE = "https://app.example.com"


@require_auth
async def function(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(f"{websocket.auth.user_id} {websocket.user.identity}")
    await websocket.close()


class Endpoint(WebSocketEndpoint):
    encoding = "text"

    @require_role("org:dispatcher")
    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(f"{get_auth(websocket).user_id} {websocket.user.identity}")

    @require_role("org:admin")
    async def on_receive(self, websocket: WebSocket, data: str) -> None:
        await websocket.send_text(data)


async def late(websocket: WebSocket) -> None:
    await websocket.accept()

    @require_auth
    async def inner(websocket: WebSocket) -> None: ...

    await inner(websocket)


@requires("authenticated")
async def starlettes(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(f"{websocket.auth.user_id} {websocket.user.identity}")
    await websocket.close()


async def public(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(f"{websocket.auth.user_id} {websocket.user.identity}")
    await websocket.close()


@require_auth
async def page(request: Request) -> Response:
    return PlainTextResponse("page")


def application(config: Any, **options: Any) -> Starlette:
    routes = [
        WebSocketRoute("/function", function),
        WebSocketRoute("/endpoint", Endpoint),
        WebSocketRoute("/late", late),
        WebSocketRoute("/starlettes", starlettes),
        WebSocketRoute("/public", public),
        Route("/page", page),
    ]
    return Starlette(
        routes=[*routes, Mount("/mounted", Starlette(routes=routes))],
        middleware=[Middleware(ClerkMiddleware, config=config, **options)],
    )


PROTECTED = ["/function", "/endpoint", "/mounted/function", "/mounted/endpoint"]


class TestInProcess:
    @pytest.fixture
    def client(self, config: Any, client_of: Any) -> Any:
        return client_of(application(config()))

    @pytest.mark.parametrize("path", [*PROTECTED, "/starlettes", "/public"])
    def test_lets_who_is_signed_in_connect(
        self, path: str, client: Any, dispatcher: Any, cookies: Any
    ) -> None:
        for headers in (dispatcher, cookies, cookies | {"origin": SITE}):
            with client.websocket_connect(path, headers=headers) as socket:
                assert socket.receive_text() == "user_dev user_dev"

    @pytest.mark.parametrize("path", PROTECTED)
    @pytest.mark.parametrize("warm", [False, True])
    def test_refuses_nobody(self, path: str, warm: bool, client: Any) -> None:
        if warm:  # a refused request leaves nothing behind that would change the next
            assert client.get("/page").status_code == client.get("/mounted/page").status_code == 401
        with pytest.raises(WebSocketDenialResponse) as caught, client.websocket_connect(path):
            pass
        assert caught.value.status_code == 401
        assert caught.value.headers["www-authenticate"] == "Bearer"

    def test_names_what_was_required(self, client: Any, admin: Any) -> None:
        with (
            pytest.raises(WebSocketDenialResponse) as caught,
            client.websocket_connect("/endpoint", headers=admin),
        ):
            pass
        assert caught.value.status_code == 403
        assert json.loads(caught.value.content)["clerk_error"]["metadata"] == {
            "required": {"role": "org:dispatcher"}
        }

    def test_closes_a_socket_that_is_open(self, client: Any, dispatcher: Any) -> None:
        with client.websocket_connect("/late") as socket, pytest.raises(WebSocketDisconnect) as caught:
            socket.receive_text()
        assert caught.value.code == 1008
        with client.websocket_connect("/endpoint", headers=dispatcher) as socket:
            assert socket.receive_text() == "user_dev user_dev"
            socket.send_text("only admins may talk")
            with pytest.raises((WebSocketDisconnect, NotAuthorized)):
                socket.receive_text()

    def test_starlettes_requires_closes(self, client: Any) -> None:
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/starlettes"):
            pass

    @pytest.mark.parametrize("path", [*PROTECTED, "/starlettes", "/public"])
    def test_refuses_a_page_of_another_site(self, path: str, client: Any, cookies: Any) -> None:
        headers = cookies | {"origin": "https://evil.example"}
        with (
            pytest.raises(WebSocketDenialResponse) as caught,
            client.websocket_connect(path, headers=headers),
        ):
            pass
        assert caught.value.status_code == 403

    def test_protected_routes(self, config: Any, client_of: Any, dispatcher: Any) -> None:
        client = client_of(application(config(), protected_routes="/public"))
        with pytest.raises(WebSocketDenialResponse), client.websocket_connect("/public"):
            pass
        with client.websocket_connect("/public", headers=dispatcher) as socket:
            assert socket.receive_text() == "user_dev user_dev"


@contextmanager
def serving(app: Any) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def address(config: Any) -> Iterator[str]:
    with serving(application(config())) as address:
        yield address


class TestOnUvicorn:
    def refusal(self, address: str, path: str, **options: Any) -> Any:
        with (
            pytest.raises(InvalidStatus) as caught,
            connect(f"ws://{address}{path}", **options),
        ):
            pass
        return caught.value.response

    @pytest.mark.parametrize("path", PROTECTED)
    def test_connects(self, path: str, address: str, cookies: Any) -> None:
        with connect(f"ws://{address}{path}", additional_headers=cookies, origin=SITE) as socket:
            assert socket.recv(timeout=5) == "user_dev user_dev"

    @pytest.mark.parametrize("path", PROTECTED)
    def test_refuses_before_it_accepts(self, path: str, address: str, admin: Any) -> None:
        assert self.refusal(address, path).status_code == 401
        if path.endswith("/endpoint"):
            assert self.refusal(address, path, additional_headers=admin).status_code == 403

    def test_refuses_a_page_of_another_site(self, address: str, cookies: Any) -> None:
        response = self.refusal(address, "/public", additional_headers=cookies, origin="https://evil.example")
        assert response.status_code == 403
        assert json.loads(response.body)["clerk_error"]["reason"] == "foreign-origin"

    def test_closes_what_it_accepted(self, address: str) -> None:
        with (
            connect(f"ws://{address}/late") as socket,
            pytest.raises(ConnectionClosed) as caught,
        ):
            socket.recv(timeout=5)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1008

"""Tokens of machines: `require_scope`, and Starlette's own ``@requires``, on all that is an endpoint."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from clerk_middleware import ConfigurationError, SignedOut
from clerk_middleware_starlette import ClerkMiddleware, get_auth, protect, require_auth, require_scope

from ..machine_callers import CALLERS, headers_of, machine_options

SITE = "https://app.example.com"
ASSIGN = "org:dispatcher:assign_drivers"


async def page(request: Request) -> Response:
    return PlainTextResponse(type(request.auth).__name__)


def page_sync(request: Request) -> Response:
    return PlainTextResponse(type(request.auth).__name__)


class Loads(HTTPEndpoint):
    @require_scope("read:loads")
    async def get(self, request: Request) -> Response:
        return await page(request)

    @require_scope("read:loads")
    def post(self, request: Request) -> Response:
        return page_sync(request)

    @require_scope("write:loads")
    async def put(self, request: Request) -> Response:
        return await page(request)


class StarlettesLoads(HTTPEndpoint):
    @requires("read:loads")
    async def get(self, request: Request) -> Response:
        return await page(request)


@require_scope("read:loads")
async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(type(get_auth(websocket)).__name__)
    await websocket.close()


@requires("read:loads")
async def starlettes_socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(type(get_auth(websocket)).__name__)
    await websocket.close()


class Socket(WebSocketEndpoint):
    encoding = "text"

    @require_scope("read:loads")
    async def on_connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(type(get_auth(websocket)).__name__)


READERS = {"key", "oauth"}
MACHINES = {"key", "weak key", "oauth", "weak oauth", "m2m"}
#: An endpoint, who is let in, and who is refused with 403; everybody else gets 401.
ROUTES: dict[str, tuple[Any, set[str], set[str]]] = {
    "async": (require_scope("read:loads")(page), READERS, MACHINES),
    "sync": (require_scope("read:loads")(page_sync), READERS, MACHINES),
    "class": (Loads, READERS, MACHINES),
    "keys": (require_scope("read:loads", accepts_token="api_key")(page), {"key"}, {"weak key"}),
    "sessions, too": (
        require_scope("read:loads", accepts_token=["session_token", "api_key"])(page),
        {"session", "driver", "key"},
        {"weak key"},
    ),
    "either": (
        protect(token=["session_token", "oauth_token"], permission=ASSIGN, scope="read:loads")(page),
        {"session", "oauth"},
        {"driver", "weak oauth"},
    ),
    "keys of any scope": (require_auth(accepts_token="api_key")(page), {"key", "weak key"}, set()),
    "machine": (require_auth(accepts_token="m2m_token")(page_sync), {"m2m"}, set()),
    "sessions": (require_auth(page), {"session", "driver"}, set()),
    # Starlette's own knows no 401.
    "requires": (requires("read:loads")(page), READERS, set(CALLERS)),
    "requires sync": (requires("read:loads")(page_sync), READERS, set(CALLERS)),
    "requires in a class": (StarlettesLoads, READERS, set(CALLERS)),
    "requires a session": (requires("authenticated")(page), {"session", "driver"}, set(CALLERS)),
    "requires a permission": (requires(ASSIGN)(page), {"session"}, set(CALLERS)),
    "requires both": (requires(["read:loads", "write:loads"])(page), set(), set(CALLERS)),
}
#: Starlette's own closes it without a word.
SOCKETS: dict[str, tuple[Any, type[Exception]]] = {
    "function": (socket, WebSocketDenialResponse),
    "class": (Socket, WebSocketDenialResponse),
    "requires": (starlettes_socket, WebSocketDisconnect),
}


@pytest.fixture(scope="session")
def machines(config: Any, backend_api: Any, clerk: Any) -> Any:
    return config(**machine_options(clerk, backend_api.url))


@pytest.fixture
def caller(clerk: Any) -> Any:
    return lambda name: headers_of(clerk, name, azp=SITE)


@pytest.fixture
def client(machines: Any, client_of: Any) -> Any:
    routes = [Route(f"/{name}", endpoint) for name, (endpoint, _, _) in ROUTES.items()]
    routes += [WebSocketRoute(f"/sockets/{name}", endpoint) for name, (endpoint, _) in SOCKETS.items()]
    mounted = Starlette(routes=[Route("/loads", require_scope("read:loads")(page))])
    app = Starlette(routes=[*routes, Mount("/mounted", mounted)])
    app.add_middleware(ClerkMiddleware, config=machines)
    return client_of(app)


@pytest.mark.parametrize("name", ROUTES)
def test_who_is_let_in(name: str, client: Any, caller: Any) -> None:
    _, let_in, forbidden = ROUTES[name]
    for person in CALLERS:
        expected = 200 if person in let_in else 403 if person in forbidden else 401
        assert client.get(f"/{name}", headers=caller(person)).status_code == expected, person


def test_methods_of_a_class_ask_for_their_own(client: Any, caller: Any) -> None:
    key = caller("key")
    assert client.post("/class", headers=key).text == "APIKeyAuth"
    refused = client.put("/class", headers=key)
    assert refused.status_code == 403
    assert refused.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="write:loads"'


def test_what_is_lacking_is_named_in_a_mounted_application(client: Any, caller: Any) -> None:
    answer = client.get("/mounted/loads", headers=caller("weak key"))
    assert answer.status_code == 403
    error = answer.json()["clerk_error"]
    assert (error["reason"], error["metadata"]) == (
        "insufficient-scope",
        {"required": {"scopes": ["read:loads"]}},
    )


@pytest.mark.parametrize("name", SOCKETS)
def test_sockets_open_for_a_scope(name: str, client: Any, caller: Any) -> None:
    def hear(person: str) -> str:
        with client.websocket_connect(f"/sockets/{name}", headers=caller(person)) as opened:
            heard: str = opened.receive_text()
            return heard

    assert hear("oauth") == "OAuthAuth"
    for person, status in (("weak oauth", 403), ("m2m", 403), ("session", 401), ("nobody", 401)):
        with pytest.raises(SOCKETS[name][1]) as refused:
            hear(person)
        if isinstance(refused.value, WebSocketDenialResponse):
            assert refused.value.status_code == status, person


def test_a_machine_has_no_words_of_a_session(client: Any, clerk: Any) -> None:
    """Whoever makes API keys chooses their scopes."""
    key = clerk.create_api_key("org_blue_ridge", scopes=["authenticated", ASSIGN, "read:loads"])
    headers = {"authorization": f"Bearer {key.secret}"}
    assert client.get("/requires", headers=headers).status_code == 200
    for path in ("/requires a session", "/requires a permission", "/sessions"):
        assert client.get(path, headers=headers).status_code in (401, 403)


def test_nobody_has_no_scopes(machines: Any, client_of: Any) -> None:
    """`SignedOut.scopes` is None for a machine's token that was refused, which Starlette could not search."""
    assert SignedOut(token_type="api_key").scopes is None

    async def scopes(request: Request) -> Response:
        return JSONResponse(list(request.auth.scopes))

    app = Starlette(routes=[Route("/", scopes), Route("/requires", requires("read:loads")(page))])
    app.add_middleware(ClerkMiddleware, config=machines)
    client = client_of(app)
    unknown = {"authorization": "Bearer ak_nobodys"}
    assert client.get("/", headers=unknown).json() == []
    assert client.get("/requires", headers=unknown).status_code == 403


def test_a_class_is_no_endpoint_to_decorate() -> None:
    with pytest.raises(ConfigurationError, match="decorate functions and methods"):
        require_scope("read:loads")(Loads)


def test_a_call_that_is_forgotten_is_told_at_once() -> None:
    with pytest.raises(ConfigurationError, match="names no scope: write which, as in require_scope"):
        require_scope(page)  # type: ignore[arg-type]

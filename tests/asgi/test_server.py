"""The middleware behind a real server: what an actual client gets to see on its socket."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from clerk_middleware import NotAuthorized
from clerk_middleware.asgi import ClerkMiddleware
from clerk_middleware.asgi_scope import require
from clerk_middleware.protection import Requirement

# Older versions of uvicorn use what websockets calls its legacy.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:websockets", "ignore::DeprecationWarning:uvicorn"
)

SITE = "https://app.example.com"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Says who is there; ``/late`` wants an admin only after it began to answer, others before."""
    if scope["type"] == "lifespan":
        for event in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{event}.complete"})
        return
    is_late = scope["path"] == "/late"
    if scope["path"] == "/admin":
        require(scope, Requirement(role="org:admin"))
    who = scope["auth"].user_id or "nobody"
    if scope["type"] == "http":
        headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(who)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if is_late:
            require(scope, Requirement(role="org:admin"))
        await send({"type": "http.response.body", "body": who.encode()})
        return
    await receive()
    await send({"type": "websocket.accept"})
    if is_late:
        require(scope, Requirement(role="org:admin"))
    await send({"type": "websocket.send", "text": who})
    await send({"type": "websocket.close", "code": 1000})


def without_denial_responses(app: Any) -> Any:
    """As a server that can't send them."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "extensions": {}}, receive, send)

    return wrapped


@pytest.fixture(scope="module")
def address(serve: Any, config: Any) -> Any:
    guarded = ClerkMiddleware(application, config(), protected_routes="/private(.*)")
    with serve(guarded) as address:
        yield address


@pytest.fixture(scope="module")
def refreshing(serve: Any, config: Any, backend_api: Any) -> Any:
    """A server that can refresh a session; its own address is the party that it is refreshed for."""
    guarded = ClerkMiddleware(application, config(api_url=backend_api.url, authorized_parties=()))
    with serve(guarded, lifespan="on") as address:
        yield address


def hear(address: str, path: str = "/", headers: Any = None, origin: Any = None) -> Any:
    """What a socket says before it closes, and the answer that opened it."""
    with connect(f"ws://{address}{path}", additional_headers=headers, origin=origin) as socket:
        return socket.recv(timeout=5), socket.response


def refusal(address: str, path: str = "/", headers: Any = None, origin: Any = None) -> Any:
    with pytest.raises(InvalidStatus) as caught:
        hear(address, path, headers, origin)
    return caught.value.response


class TestWebSockets:
    @pytest.mark.parametrize("credentials", ["bearer", "cookies"])
    def test_know_who_it_is(self, credentials: str, request: Any, address: str) -> None:
        headers = request.getfixturevalue(credentials)
        assert hear(address, headers=headers, origin=SITE)[0] == "user_dev"

    def test_of_this_origin_need_no_authorized_party(self, address: str, cookies: Any) -> None:
        assert hear(address, headers=cookies, origin=f"http://{address}")[0] == "user_dev"

    def test_from_a_page_of_another_site_are_refused(self, address: str, cookies: Any) -> None:
        response = refusal(address, headers=cookies, origin="https://evil.example")
        assert response.status_code == 403
        assert json.loads(response.body)["clerk_error"]["reason"] == "foreign-origin"
        assert "set-cookie" not in response.headers

    def test_from_a_page_of_another_site_are_nobodys_without_a_cookie(self, address: str) -> None:
        assert hear(address, origin="https://evil.example")[0] == "nobody"

    def test_that_are_protected_are_refused_with_a_response(self, address: str, bearer: Any) -> None:
        response = refusal(address, "/private/room")
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
        assert refusal(address, "/admin", bearer).status_code == 403
        assert hear(address, "/private/room", bearer)[0] == "user_dev"

    def test_cannot_slip_past_by_another_spelling(self, address: str) -> None:
        assert refusal(address, "/%70rivate/room").status_code == 401

    def test_are_refused_by_servers_without_denial_responses_too(self, serve: Any, config: Any) -> None:
        app = without_denial_responses(ClerkMiddleware(application, config(), protected_routes="/"))
        with serve(app) as address:
            assert refusal(address).status_code == 403  # what a server makes of a close before the accept

    def test_that_are_open_are_closed_for_policy(self, address: str, bearer: Any) -> None:
        with pytest.raises(ConnectionClosed) as caught:
            hear(address, "/late", bearer)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1008

    def test_get_the_cookies_of_a_refresh_when_they_open(self, refreshing: str, expired_cookies: Any) -> None:
        who, response = hear(refreshing, headers=expired_cookies, origin=f"http://{refreshing}")
        assert who == "user_dev"
        assert any(line.startswith("__session=ey") for line in response.headers.get_all("set-cookie"))


class TestHTTP:
    def test_knows_who_it_is(self, address: str, bearer: Any) -> None:
        response = httpx.get(f"http://{address}/", headers=bearer)
        assert (response.status_code, response.text) == (200, "user_dev")
        assert response.headers["vary"] == "Authorization, Cookie"

    def test_refreshes(self, refreshing: str, expired_cookies: Any) -> None:
        response = httpx.get(f"http://{refreshing}/", headers=expired_cookies)
        assert response.text == "user_dev"
        assert response.headers["cache-control"] == "no-store"
        assert any(line.startswith("__session=ey") for line in response.headers.get_list("set-cookie"))

    def test_refuses(self, address: str, bearer: Any) -> None:
        assert httpx.get(f"http://{address}/private").status_code == 401
        assert httpx.get(f"http://{address}/admin", headers=bearer).status_code == 403

    def test_breaks_off_a_response_that_cannot_be_finished(self, address: str, bearer: Any) -> None:
        """Never a second response within the first one."""
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"http://{address}/late", headers=bearer)

    @pytest.mark.parametrize(
        "path", ["/%70rivate", "/private%2F", "/private/%3Fx", "/PRIVATE", "/private%0A"]
    )
    def test_cannot_be_fooled_by_another_spelling(self, path: str, address: str) -> None:
        assert httpx.get(f"http://{address}{path}").status_code == 401


def test_an_error_after_the_response_started_reaches_the_server(serve: Any, config: Any, bearer: Any) -> None:
    seen: list[BaseException] = []
    guarded = ClerkMiddleware(application, config())

    async def watching(scope: Any, receive: Any, send: Any) -> None:
        try:
            await guarded(scope, receive, send)
        except Exception as error:
            seen.append(error)
            raise

    with serve(watching) as address, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"http://{address}/late", headers=bearer)
    assert [type(error) for error in seen] == [NotAuthorized]

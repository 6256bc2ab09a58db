"""WebSockets: the same identity, no handshake, no page of another site, and how they are refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from clerk_middleware import AsyncAuthenticator, ConfigurationError, NotAuthorized, SessionAuth
from clerk_middleware.asgi import ClerkMiddleware
from clerk_middleware.asgi_scope import require
from clerk_middleware.protect import Protection
from clerk_middleware.protection import Requirement

pytestmark = pytest.mark.anyio

SITE = "https://app.example.com"
DENIAL = {"extensions": {"websocket.http.response": {}}}


@pytest.fixture
def open_socket(request_to: Any) -> Any:
    async def connect(app: Any, headers: Any = None, target: str = "/", **scope: Any) -> Any:
        return await request_to(app, target, headers, websocket=True, **scope)

    return connect


async def accepting(scope: Any, receive: Any, send: Any) -> None:
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept", "headers": [(b"x-own", b"1")]})
    await send({"type": "websocket.send", "text": scope["auth"].user_id or "nobody"})


def requiring(requirement: Requirement) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        require(scope, requirement)
        await accepting(scope, receive, send)

    return app


class TestWhoItIs:
    @pytest.mark.parametrize("credentials", ["bearer", "cookies"])
    async def test_as_over_http(self, credentials: str, request: Any, config: Any, open_socket: Any) -> None:
        headers = request.getfixturevalue(credentials) | {"origin": SITE}
        socket = await open_socket(ClerkMiddleware(accepting, config()), headers)
        assert isinstance(socket.scope["auth"], SessionAuth)
        assert socket.scope["user"].identity == "user_dev"
        assert socket.messages[-1]["text"] == "user_dev"

    async def test_nobody_without_credentials(self, config: Any, open_socket: Any) -> None:
        socket = await open_socket(ClerkMiddleware(accepting, config()))
        assert socket.messages[-1]["text"] == "nobody"

    async def test_is_never_answered_with_a_handshake(
        self, development_config: Any, open_socket: Any, navigation: Any
    ) -> None:
        app = ClerkMiddleware(accepting, development_config)
        socket = await open_socket(app, navigation)
        assert socket.kinds == ["websocket.accept", "websocket.send"]
        assert socket.messages[-1]["text"] == "nobody"
        assert [name for name, _ in socket.messages[0]["headers"]] == [b"x-own"]

    async def test_a_refreshed_sessions_cookies_go_with_the_accept(
        self, config: Any, backend_api: Any, expired_cookies: Any, refreshing: Any, open_socket: Any
    ) -> None:
        socket = await open_socket(
            ClerkMiddleware(accepting, authenticator=refreshing), expired_cookies | {"origin": SITE}
        )
        assert socket.messages[-1]["text"] == "user_dev"
        names = [name for name, _ in socket.messages[0]["headers"]]
        assert names[0] == b"x-own"
        assert set(names[1:]) == {b"set-cookie"}

    @pytest.fixture
    async def refreshing(self, config: Any, backend_api: Any) -> AsyncIterator[AsyncAuthenticator]:
        async with AsyncAuthenticator(config(api_url=backend_api.url)) as authenticator:
            yield authenticator

    async def test_without_the_middleware_the_error_says_what_to_do(self, open_socket: Any) -> None:
        with pytest.raises(ConfigurationError, match="add_middleware"):
            await open_socket(requiring(Requirement()))


class TestOrigin:
    """Cookies go along with a socket that a page of any site opens."""

    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.example",
            "https://evil.app.example.com",
            "https://app.example.com.evil.example",
            "https://app.example.com:8443",
            "http://app.example.com",
            "https://app.example.com@evil.example",
            "https://evil.example/https://app.example.com",
            "null",
            "",
            "file://",
            "chrome-extension://app.example.com",
            "https://app.example.com, https://evil.example",
        ],
    )
    @pytest.mark.parametrize("denial", [{}, DENIAL])
    async def test_a_foreign_one_with_a_cookie_is_refused(
        self, origin: str, denial: Any, config: Any, open_socket: Any, cookies: Any
    ) -> None:
        socket = await open_socket(
            ClerkMiddleware(accepting, config()), cookies | {"origin": origin}, **denial
        )
        if denial:
            assert socket.kinds == ["websocket.http.response.start", "websocket.http.response.body"]
            assert socket.status == 403
            assert socket.json["clerk_error"]["reason"] == "foreign-origin"
        else:
            assert socket.messages == [{"type": "websocket.close", "code": 1008}]
        assert "auth" not in socket.scope

    async def test_a_foreign_one_with_a_refresh_gets_no_cookies(
        self, config: Any, backend_api: Any, expired_cookies: Any, open_socket: Any
    ) -> None:
        async with AsyncAuthenticator(config(api_url=backend_api.url)) as authenticator:
            app = ClerkMiddleware(accepting, authenticator=authenticator)
            socket = await open_socket(app, expired_cookies | {"origin": "https://evil.example"}, **DENIAL)
        assert socket.status == 403
        assert socket.headers("set-cookie") == []

    async def test_two_of_them_are_no_origin(self, config: Any, open_socket: Any, cookies: Any) -> None:
        app = ClerkMiddleware(accepting, config())

        async def twice(scope: Any, receive: Any, send: Any) -> None:
            scope["headers"] += [(b"origin", b"https://evil.example"), (b"origin", SITE.encode())]
            await app(scope, receive, send)

        assert (await open_socket(twice, cookies)).messages == [{"type": "websocket.close", "code": 1008}]

    @pytest.mark.parametrize(
        ("host", "scheme", "origin"),
        [
            ("app.example.com", "wss", SITE),
            ("app.example.com", "ws", SITE),  # behind a proxy that ends TLS
            ("app.example.com", "ws", "http://app.example.com"),
            ("app.example.com:8443", "wss", "https://app.example.com:8443"),
            ("internal.example", "wss", SITE),  # an authorized party
            ("internal.example", "ws", "https://admin.example.com"),  # another
        ],
    )
    async def test_the_same_or_an_authorized_party_is_let_in(
        self, host: str, scheme: str, origin: str, config: Any, open_socket: Any, cookies: Any
    ) -> None:
        parties = [SITE, "https://admin.example.com"]
        headers = cookies | {"origin": origin, "host": host}
        app = ClerkMiddleware(accepting, config(authorized_parties=parties))
        socket = await open_socket(app, headers, scheme=scheme)
        assert socket.messages[-1]["text"] == "user_dev"

    async def test_none_is_no_browser_and_is_let_in(
        self, config: Any, open_socket: Any, cookies: Any
    ) -> None:
        socket = await open_socket(ClerkMiddleware(accepting, config()), cookies)
        assert socket.messages[-1]["text"] == "user_dev"

    async def test_does_not_matter_with_a_header_that_no_page_can_make_a_browser_send(
        self, config: Any, open_socket: Any, bearer: Any
    ) -> None:
        headers = bearer | {"origin": "https://evil.example"}
        socket = await open_socket(ClerkMiddleware(accepting, config()), headers)
        assert socket.messages[-1]["text"] == "user_dev"

    async def test_does_not_matter_to_a_public_socket(self, config: Any, open_socket: Any) -> None:
        socket = await open_socket(ClerkMiddleware(accepting, config()), {"origin": "https://evil.example"})
        assert socket.messages[-1]["text"] == "nobody"

    async def test_is_compared_with_the_forwarded_host_only_where_that_is_trusted(
        self, config: Any, open_socket: Any, cookies: Any
    ) -> None:
        headers = cookies | {
            "host": "internal",
            "origin": "https://x.example",
            "x-forwarded-host": "x.example",
        }
        for trusted, text in ((True, "user_dev"), (False, None)):
            app = ClerkMiddleware(accepting, config(trust_forwarded_headers=trusted))
            socket = await open_socket(app, headers)
            assert socket.messages[-1].get("text") == text


class TestRefusal:
    async def test_is_the_close_code_for_policy(self, config: Any, open_socket: Any) -> None:
        socket = await open_socket(ClerkMiddleware(requiring(Requirement()), config()))
        assert socket.messages == [{"type": "websocket.close", "code": 1008}]

    async def test_is_an_http_response_where_the_server_can_send_one(
        self, config: Any, open_socket: Any, bearer: Any, navigation: Any
    ) -> None:
        app = ClerkMiddleware(requiring(Requirement(role="org:admin")), config())
        signed_out = await open_socket(app, navigation, **DENIAL)
        assert signed_out.status == 401
        assert signed_out.header("www-authenticate") == "Bearer"
        forbidden = await open_socket(app, bearer, **DENIAL)
        assert forbidden.status == 403
        assert forbidden.json["clerk_error"]["metadata"] == {"required": {"role": "org:admin"}}
        assert forbidden.kinds == ["websocket.http.response.start", "websocket.http.response.body"]

    @pytest.mark.parametrize("extensions", [{"extensions": None}, {"extensions": {"tls": {}}}])
    async def test_knows_servers_without_that_extension(
        self, extensions: Any, config: Any, open_socket: Any
    ) -> None:
        app = ClerkMiddleware(requiring(Requirement()), config())
        assert (await open_socket(app, **extensions)).kinds == ["websocket.close"]

    async def test_is_never_a_redirect_which_no_websocket_follows(
        self, config: Any, open_socket: Any, navigation: Any
    ) -> None:
        app = ClerkMiddleware(requiring(Protection(unauthenticated_url="/welcome")), config())
        socket = await open_socket(app, navigation, **DENIAL)
        assert socket.status == 404

    async def test_by_protect_is_a_404(self, config: Any, open_socket: Any, bearer: Any) -> None:
        app = ClerkMiddleware(requiring(Protection(role="org:admin")), config())
        assert (await open_socket(app, bearer, **DENIAL)).status == 404

    @pytest.mark.parametrize("denial", [{}, DENIAL])
    async def test_after_the_accept_closes(self, denial: Any, config: Any, open_socket: Any) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "websocket.accept"})
            require(scope, Requirement())

        socket = await open_socket(ClerkMiddleware(app, config()), **denial)
        assert socket.kinds == ["websocket.accept", "websocket.close"]
        assert socket.messages[-1]["code"] == 1008

    @pytest.mark.parametrize(
        "message",
        [
            {"type": "websocket.close", "code": 1000},
            {"type": "websocket.http.response.start", "status": 418, "headers": []},
        ],
    )
    async def test_after_the_application_has_ended_it_is_raised(
        self, message: Any, config: Any, open_socket: Any, bearer: Any, new_answer: Any
    ) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send(message)
            require(scope, Requirement(role="org:admin"))

        socket = new_answer()
        with pytest.raises(NotAuthorized):
            await open_socket(ClerkMiddleware(app, config()), bearer, into=socket)
        assert socket.messages == [message]

    async def test_of_a_handshake_that_does_not_verify(
        self, development_config: Any, open_socket: Any
    ) -> None:
        app = ClerkMiddleware(accepting, development_config)
        target = "/?__clerk_handshake=x.y.z"
        assert (await open_socket(app, target=target)).messages == [{"type": "websocket.close", "code": 1008}]
        socket = await open_socket(app, target=target, **DENIAL)
        assert socket.status == 400
        assert socket.json["clerk_error"]["type"] == "handshake-failed"

    async def test_of_a_pending_session(
        self, clerk: Any, config: Any, open_socket: Any, navigation: Any
    ) -> None:
        pending = clerk.issue_session_token("user_dev", azp=SITE, claims={"sts": "pending"})
        headers = navigation | {"cookie": f"__session={pending}; __client_uat=1", "origin": SITE}
        app = ClerkMiddleware(requiring(Requirement()), config())
        assert (await open_socket(app, headers, **DENIAL)).status == 401

    async def test_other_exceptions_pass(self, config: Any, open_socket: Any) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            raise LookupError("the application's own")

        with pytest.raises(LookupError):
            await open_socket(ClerkMiddleware(app, config()))


class TestRefusedInWords:
    async def test_with_the_reason_that_http_gives(self, config: Any, open_socket: Any) -> None:
        app = ClerkMiddleware(requiring(Requirement()), config())
        socket = await open_socket(app, **DENIAL)
        assert json.loads(socket.body)["clerk_error"]["reason"] == "session-token-and-uat-missing"

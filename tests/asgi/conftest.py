"""A Clerk instance, the tokens of its users, and an ASGI server that is a function call."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any
from urllib.parse import unquote

import pytest
import uvicorn

from clerk_middleware import ClerkConfig
from clerk_middleware.local import LocalClerk

SITE = "https://app.example.com"

Message = dict[str, Any]
App = Callable[..., Awaitable[None]]


@pytest.fixture(
    params=[
        "asyncio",
        pytest.param("trio", marks=pytest.mark.skipif(find_spec("trio") is None, reason="needs trio")),
    ]
)
def every_backend(request: pytest.FixtureRequest) -> str:
    backend: str = request.param
    return backend


@pytest.fixture(scope="session")
def token(clerk: LocalClerk) -> str:
    """Dev's, a dispatcher."""
    return clerk.issue_session_token("user_dev", organization="blue-ridge-freight", azp=SITE)


@pytest.fixture(scope="session")
def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@dataclass
class Answer:
    messages: list[Message]
    #: The scope as the application left it.
    scope: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> int:
        status: int = self.messages[0]["status"]
        return status

    @property
    def kinds(self) -> list[str]:
        return [message["type"] for message in self.messages]

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages[1:])

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def headers(self, name: str) -> list[str]:
        pairs = self.messages[0].get("headers", ())
        return [value.decode("latin-1") for key, value in pairs if key.lower() == name.encode()]

    def header(self, name: str) -> str | None:
        """The value of a header that there is once at most."""
        found = self.headers(name)
        assert len(found) <= 1
        return found[0] if found else None


@pytest.fixture(scope="session")
def request_to() -> Callable[..., Awaitable[Answer]]:
    """Send an HTTP request, or open a WebSocket, as a server does."""

    async def send_request(
        app: App,
        target: str = "/",
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        websocket: bool = False,
        received: list[Message] | None = None,
        into: Answer | None = None,
        **scope: Any,
    ) -> Answer:
        raw_path, _, query = target.partition("?")
        sent = {"host": "app.example.com"} | dict(headers or {})
        scope = {
            "type": "websocket" if websocket else "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "wss" if websocket else "https",
            "path": unquote(raw_path),
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
            "server": ("127.0.0.1", 8000),
            "client": ("127.0.0.1", 50000),
            **({"subprotocols": []} if websocket else {"method": method}),
            **scope,
        }
        incoming = list(
            received or [{"type": "websocket.connect"} if websocket else {"type": "http.request"}]
        )
        answer = into if into is not None else Answer([])
        answer.scope = scope

        async def receive() -> Message:
            return incoming.pop(0)

        async def send(message: Message) -> None:
            answer.messages.append(message)

        await app(scope, receive, send)
        return answer

    return send_request


@pytest.fixture(scope="session")
def new_answer() -> Callable[[], Answer]:
    """Where to look for what was sent before an exception."""
    return lambda: Answer([])


@pytest.fixture(scope="session")
def responding() -> Callable[..., App]:
    """An application that answers every request in the same way."""

    def make(status: int = 200, headers: Mapping[str, str] | None = None, body: bytes = b"fine") -> App:
        pairs = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": status, "headers": pairs})
            await send({"type": "http.response.body", "body": body})

        return app

    return make


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[str]]:
    """Serve an application with uvicorn on loopback; gives ``127.0.0.1:PORT``."""

    @contextmanager
    def serving(app: App, lifespan: Any = "off") -> Iterator[str]:
        server = uvicorn.Server(
            uvicorn.Config(app, port=0, lifespan=lifespan, log_config=None, timeout_graceful_shutdown=1)
        )
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        try:
            until = time.monotonic() + 20
            while not server.started and thread.is_alive():
                assert time.monotonic() < until, "the server does not start"
                time.sleep(0.005)
            port = server.servers[0].sockets[0].getsockname()[1]
            yield f"127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive(), "the server does not stop"

    return serving


@dataclass(frozen=True)
class Machine:
    config: ClerkConfig
    headers: dict[str, str]


@pytest.fixture(scope="session")
def machine(clerk: LocalClerk, config: Callable[..., ClerkConfig]) -> Machine:
    """An OAuth client, and the configuration of an application that it may call."""
    now = int(time.time())
    claims = {"sub": "user_dev", "client_id": "oac_1", "scope": "loads:read", "iat": now, "exp": now + 600}
    token = clerk._instance.keys.sign(claims, {"typ": "at+jwt"})
    return Machine(
        config(accepts_token=["session_token", "oauth_token"]), {"authorization": f"Bearer {token}"}
    )

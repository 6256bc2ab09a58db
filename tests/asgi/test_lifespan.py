"""Start and end of an application, and scopes that are nobody's business here."""

from __future__ import annotations

from typing import Any

import pytest

from clerk_middleware import AsyncAuthenticator
from clerk_middleware.asgi import ClerkMiddleware

pytestmark = pytest.mark.anyio

EVENTS = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]


class Client(AsyncAuthenticator):
    closed = 0

    async def aclose(self) -> None:
        self.closed += 1
        await super().aclose()


async def application(scope: Any, receive: Any, send: Any) -> None:
    for event in ("startup", "shutdown"):
        assert (await receive())["type"] == f"lifespan.{event}"
        await send({"type": f"lifespan.{event}.complete"})


async def run(app: Any, scope: Any) -> list[str]:
    events, sent = list(EVENTS), []

    async def receive() -> Any:
        return events.pop(0)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await app(scope, receive, send)
    return sent


@pytest.fixture
def own_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have middlewares make clients that count how often they are closed."""
    monkeypatch.setattr("clerk_middleware.asgi.AsyncAuthenticator", Client)


@pytest.mark.usefixtures("own_client")
async def test_passes_through_and_closes_the_client_at_shutdown(config: Any) -> None:
    scope: dict[str, Any] = {"type": "lifespan", "state": {}}
    middleware = ClerkMiddleware(application, config())
    sent = await run(middleware, scope)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert scope == {"type": "lifespan", "state": {}}
    assert isinstance(middleware.authenticator, Client)
    assert middleware.authenticator.closed == 1


async def test_a_client_of_somebody_elses_is_theirs_to_close(config: Any) -> None:
    client = Client(config())
    await run(ClerkMiddleware(application, authenticator=client), {"type": "lifespan"})
    assert client.closed == 0


@pytest.mark.usefixtures("own_client")
async def test_closes_the_client_where_the_application_knows_no_lifespan(config: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise NotImplementedError(scope["type"])

    middleware = ClerkMiddleware(app, config())
    with pytest.raises(NotImplementedError):  # by which servers know it
        await run(middleware, {"type": "lifespan"})
    assert isinstance(middleware.authenticator, Client)
    assert middleware.authenticator.closed == 1


async def test_a_closed_client_opens_again(
    config: Any, backend_api: Any, expired_cookies: Any, request_to: Any, responding: Any
) -> None:
    async with AsyncAuthenticator(config(api_url=backend_api.url)) as client:
        app = ClerkMiddleware(responding(), authenticator=client)
        await client.aclose()
        assert (await request_to(app, "/", expired_cookies)).scope["auth"].user_id == "user_dev"


async def test_other_scopes_pass_untouched(config: Any) -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope))

    client = Client(config())
    await run(ClerkMiddleware(app, authenticator=client), {"type": "telnet"})
    assert seen == [{"type": "telnet"}]
    assert client.closed == 0

"""Starlette's exception handlers, which see a refusal in a mounted application before the middleware does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from clerk_middleware import AuthorizationError, NotAuthenticated, NotAuthorized
from clerk_middleware.asgi import ClerkMiddleware
from clerk_middleware.asgi_scope import require
from clerk_middleware.errors import ClerkError
from clerk_middleware.protection import Requirement

pytestmark = pytest.mark.anyio

KEY = "starlette.exception_handlers"


class Starlette:
    """What its applications do with an exception: a handler makes a response of it, or it is a failure."""

    def __init__(self, own: Any = None) -> None:
        self.handlers: dict[Any, Any] = dict(own or {})

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope[KEY] = (self.handlers, {})
        try:
            require(scope, Requirement(role="org:admin"))
        except AuthorizationError as error:
            handler = next(
                (self.handlers[kind] for kind in type(error).__mro__ if kind in self.handlers), None
            )
            if handler is None:
                raise LookupError("answered with 500") from error
            response = await handler(SimpleNamespace(scope=scope), error)
            await response(scope, receive, send)


@pytest.mark.parametrize(("credentials", "status"), [(None, 401), ("bearer", 403)])
async def test_there_is_one_for_refusals(
    credentials: str | None, status: int, request: Any, config: Any, request_to: Any, caplog: Any
) -> None:
    headers = request.getfixturevalue(credentials) if credentials else {}
    with caplog.at_level("DEBUG", "clerk_middleware"):
        answer = await request_to(ClerkMiddleware(Starlette(), config()), "/", headers)
    assert answer.status == status
    assert answer.header("vary") == "Authorization, Cookie"
    assert answer.header("content-length") == str(len(answer.body))
    assert answer.json["clerk_error"]["type"] == ("forbidden" if headers else "unauthorized")
    assert "Clerk: refused, " in caplog.text


@pytest.mark.parametrize("kind", [AuthorizationError, NotAuthenticated, ClerkError])
async def test_the_applications_own_goes_first(
    kind: Any, config: Any, request_to: Any, responding: Any
) -> None:
    async def own(connection: Any, error: Any) -> Any:
        return responding(418, body=type(error).__name__.encode())

    app = Starlette({kind: own})
    answer = await request_to(ClerkMiddleware(app, config()))
    assert (answer.status, answer.body) == (418, b"NotAuthenticated")
    assert app.handlers[kind] is own
    assert (AuthorizationError in app.handlers) == (kind is not ClerkError)


async def test_a_socket_is_the_middlewares_to_refuse(config: Any, request_to: Any, bearer: Any) -> None:
    app = Starlette()
    await request_to(ClerkMiddleware(app, config()))  # so that there is a handler for sockets, too
    error, scope = NotAuthorized("no"), {"type": "websocket"}
    with pytest.raises(NotAuthorized) as raised:
        await app.handlers[AuthorizationError](SimpleNamespace(scope=scope), error)
    assert raised.value is error


async def test_there_is_none_for_a_socket_alone(config: Any, request_to: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope[KEY] = (handlers, {})
        require(scope, Requirement())

    handlers: dict[Any, Any] = {}
    refused = await request_to(ClerkMiddleware(app, config()), websocket=True)
    assert refused.messages == [{"type": "websocket.close", "code": 1008}]
    assert handlers == {}

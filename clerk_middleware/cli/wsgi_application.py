"""A WSGI application as the demo serves it, which speaks ASGI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clerk_middleware.asgi_scope import STATE
from clerk_middleware.wsgi_environ import STATE as WSGI_STATE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from clerk_middleware.asgi_scope import ASGIApp, Message, Receive, Scope, Send

__all__ = ["as_asgi"]


def as_asgi(app: WSGIApplication) -> ASGIApp:
    """The application with a thread for each request, and with the identity where decisions.py looks."""
    from asgiref.sync import ThreadSensitiveContext
    from asgiref.wsgi import WsgiToAsgi

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        def telling_who_it_is(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
            body = app(environ, start_response)
            state = environ.get(WSGI_STATE)
            if state is not None and state.location is None:  # otherwise Clerk has answered by itself
                scope[STATE] = state
            try:
                yield from body
            finally:
                close = getattr(body, "close", None)
                if close is not None:
                    close()  # which asgiref leaves out

        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        if scope["type"] == "http":
            async with ThreadSensitiveContext():
                served: ASGIApp = WsgiToAsgi(telling_who_it_is)  # type: ignore[no-untyped-call]
                await served(scope, receive, keep)
            # From here, and not from within asgiref: uvicorn begins the connection's next request where the
            # answer ends, and that request would look for this one's thread.
            for message in answer:
                await send(message)
        elif scope["type"] == "websocket":  # there is none
            await receive()
            await send({"type": "websocket.close"})

    return application

"""`WebhookReceiver`, as a router to include."""

# FastAPI reads the annotations of endpoints at run time: they must not be strings.
import inspect
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response, params
from starlette.requests import ClientDisconnect

from clerk_middleware import ConfigurationError
from clerk_middleware.asgi import ClerkMiddleware
from clerk_middleware.webhooks.asgi_receiver import ASGIWebhookReceiver


class WebhookReceiver(ASGIWebhookReceiver):
    """Takes Clerk's webhooks in, verifies them, and has each handled once::

        webhooks = WebhookReceiver()

        @webhooks.on("user.created")
        async def welcome(event: UserEvent) -> None: ...

        app.include_router(webhooks.router("/webhooks/clerk"))

    Handlers take the event alone, and no dependencies.

    Below `ClerkMiddleware` its path must be none that needs a session, nor may the application or a router
    that it is in have a dependency that needs one.

    :param signing_secret: ``whsec_…`` of the endpoint; several while it is rotated; or a function that
        returns them. Default: the configuration's ``webhook_signing_secret``, or the environment's
        ``CLERK_WEBHOOK_SIGNING_SECRET`` where it has none.

    The other parameters are those of `clerk_middleware.WebhookReceiver`.
    """

    def router(self, path: str = "/webhooks/clerk", *, include_in_schema: bool = False) -> APIRouter:
        """A router with this receiver as its only route, for ``app.include_router``.

        With other options it is ``app.post("/webhooks/clerk", tags=["clerk"])(webhooks.endpoint)``.

        :param path: begins with a slash; it may be empty where the router is included with a ``prefix``.
        :param include_in_schema: whether the OpenAPI document tells of it. Nobody but Clerk can call it.
        :raises ConfigurationError: if *path* does not begin with a slash.
        """
        if path and not path.startswith("/"):
            raise ConfigurationError(f"a path begins with a slash, as in webhooks.router({'/' + path!r})")

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            self.check_secret(_config_of(app))
            yield

        router = APIRouter(lifespan=lifespan)
        router.add_api_route(
            path,
            self.endpoint,
            methods=["POST"],
            status_code=204,
            name="clerk_webhooks",
            include_in_schema=include_in_schema,
        )
        return router

    async def endpoint(self, request: Request) -> Response:
        """Receives one webhook of Clerk's."""
        async with aclosing(request.stream()) as body:
            try:
                answer = await self.answer_to(request.scope, body)
            except ClientDisconnect:
                return Response(status_code=400)  # which nobody sees
        return Response(answer.body or None, answer.status, dict(answer.headers))

    def check_handler(self, handler: object, /) -> None:
        if not callable(handler):
            return
        try:
            parameters = inspect.signature(handler).parameters.values()
        except (TypeError, ValueError):  # of some that are written in C
            return
        for parameter in parameters:
            marks = (parameter.default, *getattr(parameter.annotation, "__metadata__", ()))
            if any(isinstance(mark, (params.Depends, params.Param, params.Body)) for mark in marks):
                raise ConfigurationError(
                    f"a webhook's handler takes no dependencies, but its parameter {parameter.name!r} is one:"
                    " open what it needs in the handler, as in 'with Session(engine) as session:'"
                )


def _config_of(app: FastAPI) -> Any:
    """That of the application's `ClerkMiddleware`, if it has one."""
    for middleware in app.user_middleware:
        if isinstance(middleware.cls, type) and issubclass(middleware.cls, ClerkMiddleware):
            given: dict[str, Any] = middleware.kwargs
            authenticator: Any = given.get("authenticator")
            if authenticator is not None:
                return authenticator.config_for
            return given.get("config", middleware.args[0] if middleware.args else None)
    return None

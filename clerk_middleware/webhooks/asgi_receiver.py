"""`ASGIWebhookReceiver`: a receiver whose secret is in the configuration of `ClerkMiddleware`."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from ..asgi_scope import STATE
from ..errors import ConfigurationError
from ..logging import logger
from .answers import INCOMPLETE
from .asgi import ASGIWebhooks
from .receiver import WebhookReceiver
from .secrets import keys_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ..answers import Answer
    from ..asgi_scope import Message, Receive, Scope
    from ..config_source import ConfigSource
    from ..state import RequestState
    from .secrets import SecretSource, SigningSecret

# A receiver is made before there is a request, and is asked for its secret without one.
_scope: ContextVar[Scope | None] = ContextVar("clerk_middleware.webhooks.scope", default=None)


class ASGIWebhookReceiver(WebhookReceiver):
    """What the receivers of frameworks that speak ASGI have in common.

    :param signing_secret: default: ``webhook_signing_secret`` of the configuration that `ClerkMiddleware`
        has for the request, or the environment's ``CLERK_WEBHOOK_SIGNING_SECRET`` where it has none.

    The other parameters are those of `WebhookReceiver`.
    """

    def default_secret(self) -> SecretSource:
        return _configured

    @property
    def asgi(self) -> ASGIWebhooks:
        """This receiver as an ASGI application, for any path: to be routed to, or mounted."""
        return ASGIDeliveries(self)

    def check_secret(self, config: ConfigSource | None) -> None:
        """Say in the log, while an application starts, that no delivery can be verified.

        :param config: that of its `ClerkMiddleware`, if it has one.
        """
        if self.has_own_secret or callable(config) or (config and config.webhook_signing_secret):
            return
        try:
            keys_of(None)
        except ConfigurationError as error:
            logger.warning(
                "Clerk: every webhook will be answered with 500, since no ClerkMiddleware here has a "
                "webhook_signing_secret: %s.",
                str(error).rstrip("."),
            )

    def __call__(self, *_: Any) -> Any:
        """A receiver is no application: one that is mounted, or routed to, says so.

        :raises ConfigurationError: always.
        """
        raise ConfigurationError(
            "a WebhookReceiver is no application, and Clerk follows no redirect of a mount's: write "
            "app.include_router(webhooks.router('/webhooks/clerk')) in FastAPI, and in Starlette "
            "Route('/webhooks/clerk', webhooks.endpoint, methods=['POST'])"
        )

    async def answer_to(self, scope: Scope, body: AsyncGenerator[bytes, None]) -> Answer:
        """The answer to a request, whose *body* may be what another one has read before.

        :param body: ends with an empty chunk, as Starlette's ``request.stream()``. What it raises, such as
            that the client is gone, is passed on.
        """
        return await self.asgi.answer(scope, _receiving(body)) or INCOMPLETE


class ASGIDeliveries(ASGIWebhooks):
    """Has the receiver know the request."""

    async def answer(self, scope: Scope, receive: Receive) -> Answer | None:
        token = _scope.set(scope)
        try:
            return await super().answer(scope, receive)
        finally:
            _scope.reset(token)


def _configured() -> SigningSecret:
    state: RequestState | None = (_scope.get() or {}).get(STATE)
    return state.config.webhook_signing_secret if state is not None else None


def _receiving(chunks: AsyncGenerator[bytes, None]) -> Receive:
    async def receive() -> Message:
        chunk = await anext(chunks)
        return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}

    return receive

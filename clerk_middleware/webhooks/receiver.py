"""`WebhookReceiver`: takes Clerk's webhooks in, and has each handled once."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Semaphore
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..errors import ConfigurationError, WebhookVerificationError
from ..logging import OccasionalWarnings
from .answers import NOT_CONFIGURED, TOO_LARGE, problem_of, refused, separate
from .asgi import ASGIWebhooks
from .delivery import deliver
from .drivers import arun, run
from .secrets import SecretSource, SigningSecret, keys_of
from .stores import MemoryWebhookStore, WebhookStore
from .subscriptions import Subscriptions
from .verification import as_received, check_tolerance, verified
from .wsgi import WSGIWebhooks

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from ..answers import Answer
    from .delivery import Steps
    from .verification import WebhookHeaders

T = TypeVar("T")

#: How many deliveries wait at once for another one of the same message; each keeps a thread.
_MAX_WAITING: Final = 8


# What a receiver of another framework has, or what one needs where the receiver itself is passed.
_ELSEWHERE: Final = {
    "router": "FastAPI's has one: from clerk_middleware_fastapi import WebhookReceiver",
    "blueprint": "Flask's has one: from clerk_middleware_flask import WebhookReceiver",
    "view": "Django's has one: from clerk_middleware_django.webhooks import WebhookReceiver",
    "endpoint": "Starlette's and FastAPI's have one: from clerk_middleware_starlette import WebhookReceiver",
    "register": "write app.register_blueprint(webhooks.blueprint('/webhooks/clerk'))",
    "_contains_router": "write app.include_router(webhooks.router('/webhooks/clerk'))",
    "routes": "write app.include_router(webhooks.router('/webhooks/clerk'))",
}


class WebhookReceiver(Subscriptions):
    """Verifies what arrives at an endpoint, and calls the handlers that were registered with `on`.

        webhooks = WebhookReceiver()

        @webhooks.on("user.created")
        async def welcome(event: UserEvent) -> None: ...

        app = Starlette(routes=[Route("/api/webhooks/clerk", webhooks.asgi, methods=["POST"])])

    A message that was handled is not handled again, not even where it is sent again from the dashboard; one
    whose handler failed is answered with 500, so that Clerk delivers it again. Of two deliveries at once the
    second waits for the first.

    :param signing_secret: ``whsec_…`` of the endpoint; several while it is rotated; or a function that
        returns them, called for each delivery. Default: the environment variable
        ``CLERK_WEBHOOK_SIGNING_SECRET``, read once.
    :param store: remembers what was handled; of this endpoint alone, because Clerk sends a message to each of
        several endpoints under the same id. Default: a `MemoryWebhookStore`, of this process alone.
    :param max_body_size: in bytes; what is larger is answered with 413.
    :param tolerance_in_seconds: how old a delivery may be, and how far ahead its clock.
    :param body_timeout_in_seconds: how long a body may take to arrive.
    :param wait_in_seconds: how long a delivery waits for another one of the same message; Clerk gives up
        after 15.
    :param clock: tells Unix seconds; for tests.
    :raises ConfigurationError: if one of these is wrong, or there is no secret.
    """

    def __init__(
        self,
        signing_secret: SecretSource = None,
        *,
        store: WebhookStore | None = None,
        max_body_size: int = 1_048_576,
        tolerance_in_seconds: int = 300,
        body_timeout_in_seconds: float = 10.0,
        wait_in_seconds: float = 12.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        check_tolerance(tolerance_in_seconds)
        _check_positive("max_body_size", max_body_size, int)
        _check_positive("body_timeout_in_seconds", body_timeout_in_seconds, int, float)
        _check_positive("wait_in_seconds", wait_in_seconds, int, float)
        #: Whether it was given its *signing_secret*, so that none of the application's counts.
        self.has_own_secret = signing_secret is not None
        secret = signing_secret if signing_secret is not None else self.default_secret()
        self._secrets = secret if callable(secret) else None
        self._keys = keys_of(secret) if not callable(secret) else ()
        self.store: WebhookStore = store if store is not None else self.default_store()
        _check_store(self.store)
        self.max_body_size = max_body_size
        self.body_timeout_in_seconds = body_timeout_in_seconds
        self._tolerance = tolerance_in_seconds
        self._wait = wait_in_seconds
        self._clock = clock
        self._waiting = Semaphore(_MAX_WAITING)
        self._warnings = OccasionalWarnings()
        _check_lifetime(self.store, tolerance_in_seconds)
        self.register_own()

    def default_secret(self) -> SecretSource:
        """What to verify with where no *signing_secret* is given; `None` for the environment's.

        An adapter overrides it, mostly to return a function that is called for each delivery.
        """
        return None

    def default_store(self) -> WebhookStore:
        """What remembers messages where no *store* is given. An adapter may override it."""
        return MemoryWebhookStore()

    def register_own(self) -> None:
        """Register an adapter's own handlers, which come before all others. Adapters override it."""

    @property
    def asgi(self) -> ASGIWebhooks:
        """This receiver as an ASGI application, for any path: to be routed to, or mounted."""
        return ASGIWebhooks(self)

    @property
    def wsgi(self) -> WSGIWebhooks:
        """This receiver as a WSGI application, for any path."""
        return WSGIWebhooks(self)

    if not TYPE_CHECKING:  # pragma: no branch

        def __getattr__(self, name: str) -> Any:
            if (hint := _ELSEWHERE.get(name)) is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            raise AttributeError(f"{type(self).__module__}.WebhookReceiver has no {name}: {hint}")

    def handle(self, body: bytes | str, headers: WebhookHeaders) -> Answer:
        """The answer to a delivery, once its handlers ran in this thread.

        Coroutine functions are called by `call_async`.

        :param body: of the request, byte for byte.
        :param headers: of the request: a mapping, or pairs, names in any case.
        :raises ConfigurationError: if *body* is not what was received.
        """
        return separate(run(self._steps(body, headers), self))

    async def ahandle(self, body: bytes | str, headers: WebhookHeaders) -> Answer:
        """The same on an event loop, of asyncio or trio, without blocking it.

        What is no coroutine function is called by `call_sync`.
        """
        return separate(await arun(self._steps(body, headers), self))

    def refuse(self, answer: Answer) -> Answer:
        """*answer*, for a request that is refused without a look at its signature."""
        self._warnings.log(
            f"status {answer.status}",
            "Clerk: a webhook was refused with %d: %s",
            answer.status,
            problem_of(answer),
        )
        return separate(answer)

    def call_async(self, function: Callable[[], Awaitable[T]], /) -> T:
        """How `handle` calls a coroutine function: on an event loop of its own. An adapter may override it.

        :raises ConfigurationError: if an event loop runs in this thread.
        """
        import asyncio

        if _is_on_event_loop():
            raise ConfigurationError(
                "WebhookReceiver.handle() was called on an event loop, which it would block: await ahandle()"
            )
        return asyncio.run(_coroutine(function))

    async def call_sync(self, function: Callable[[], T], /) -> T:
        """How `ahandle` calls what is no coroutine function: in a thread. An adapter may override it."""
        from anyio import to_thread

        return await to_thread.run_sync(function)

    def _keys_now(self, secrets: Callable[[], SigningSecret]) -> tuple[bytes, ...]:
        secret = secrets()
        if secret is None and self.has_own_secret:  # the environment's may be another tenant's
            raise ConfigurationError("the function signing_secret returned None, so there is no secret")
        return keys_of(secret)

    def _steps(self, body: bytes | str, headers: WebhookHeaders) -> Steps[Answer]:
        content = as_received(body)
        if len(content) > self.max_body_size:
            return self.refuse(TOO_LARGE)
        try:
            keys = self._keys if self._secrets is None else self._keys_now(self._secrets)
        except ConfigurationError as error:
            problem = str(error).rstrip(".")
            self._warnings.log("configuration", "Clerk: no webhook can be verified: %s.", problem)
            return NOT_CONFIGURED
        try:
            event: Any = verified(content, headers, keys, self._tolerance, self._clock())
        except WebhookVerificationError as error:
            self._warnings.log(error.reason, "Clerk: a webhook was refused: %s.", error)
            return refused(error)
        handlers = self._handlers.of(event.type)
        return (yield from deliver(event, handlers, self.store, self._waiting, self._wait))


def _is_on_event_loop() -> bool:
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _coroutine(function: Callable[[], Awaitable[T]]) -> T:
    return await function()


def _check_positive(name: str, value: object, *kinds: type[float]) -> None:
    if isinstance(value, bool) or not isinstance(value, kinds) or not value > 0:
        what = "number" if float in kinds else "whole number"
        raise ConfigurationError(f"WebhookReceiver: {name} must be a positive {what}, but is {value!r}")


def _check_store(store: object) -> None:
    missing = [name for name in ("begin", "finish", "abandon") if not callable(getattr(store, name, None))]
    if missing or isinstance(store, type):
        problem = "a class: call it" if isinstance(store, type) else f"without {', '.join(missing)}()"
        raise ConfigurationError(
            f"WebhookReceiver: store must be an object such as MemoryWebhookStore(), but is {problem}"
        )


def _check_lifetime(store: Any, tolerance: int) -> None:
    """A message that is forgotten while it is still accepted could be sent again by whoever recorded it."""
    lifetime = getattr(store, "lifetime_in_seconds", None)
    if isinstance(lifetime, (int, float)) and lifetime <= 2 * tolerance:
        raise ConfigurationError(
            f"the store forgets messages after {lifetime} seconds, in which they are still accepted: its "
            f"lifetime_in_seconds must be more than twice the tolerance of {tolerance}"
        )

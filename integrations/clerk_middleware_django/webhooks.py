"""Clerk's webhooks in Django: ``path("webhooks/clerk", webhooks.view)``.

    webhooks = WebhookReceiver()

    @webhooks.on("user.created")
    def welcome(event: UserEvent) -> None: ...

https://clerk.com/docs/guides/development/webhooks/overview
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.db.transaction import non_atomic_requests
from django.http import HttpRequest
from django.views.decorators.csrf import csrf_exempt

from clerk_middleware import ClerkConfig
from clerk_middleware.answers import Answer
from clerk_middleware.webhooks import WebhookReceiver as _WebhookReceiver
from clerk_middleware.webhooks.bodies import declared, read_body, refusal

from .requests import clerk_request
from .responses import response_of
from .runtime import clerk_of, current
from .settings import ClerkImproperlyConfigured
from .signals import send

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from django.http import HttpResponse

    from clerk_middleware.webhooks import ClerkEvent, UserDeletedEvent, UserEvent
    from clerk_middleware.webhooks.secrets import SecretSource, SigningSecret

    from .runtime import Clerk

T = TypeVar("T")

#: What `WebhookReceiver.view` was called with; none where a message is handled in another way.
_request: ContextVar[HttpRequest | None] = ContextVar("clerk_middleware_django.webhook", default=None)


class WebhookReceiver(_WebhookReceiver):
    """Verifies what arrives at its `view`, and has each message handled once.

    First the local users are brought up to date, with ``CLERK["SYNC_USERS"]``; then
    `clerk_middleware_django.signals` are sent; then come the functions that were registered with `on`. Where
    one raises, Clerk is answered 500, and delivers the message again: all of them run again then.

    Without a *signing_secret* it is ``CLERK["WEBHOOK_SIGNING_SECRET"]``, as it is at each delivery. A
    receiver that is given one changes no local users: it may be that of another Clerk instance.
    """

    def default_secret(self) -> SecretSource:
        """``CLERK["WEBHOOK_SIGNING_SECRET"]``."""
        return _secret_in_settings

    def register_own(self) -> None:
        """Local users and signals come before all else."""
        self.on("user.*")(self._sync_user)
        self.on("*")(self._send_signals)

    @cached_property
    def view(self) -> Callable[[HttpRequest], HttpResponse]:
        """For ``urlpatterns``.

        It is synchronous: under ASGI, Django runs it in a thread of the request's own, where handlers and
        receivers may use the database. Asynchronous ones run on the event loop.
        """

        @csrf_exempt  # the signature is what protects it
        @login_not_required
        @non_atomic_requests  # what handlers have done counts, or not, apart from the answer
        def view(request: HttpRequest) -> HttpResponse:
            return response_of(self._answer(request))

        cast("Any", view).webhooks = self
        return view

    def call_async(self, function: Callable[[], Awaitable[T]], /) -> T:
        """On the event loop of the server, where there is one."""
        return async_to_sync(function)()

    async def call_sync(self, function: Callable[[], T], /) -> T:
        """In the thread that Django keeps for the request, and its database connections."""
        return await sync_to_async(function)()

    def _answer(self, request: HttpRequest) -> Answer:
        length = request.headers.get("Content-Length")
        body: bytes | Answer | None = refusal(request.method or "", length, self.max_body_size)
        if body is None:
            # Not request.body: what is too large for this is none of Django's settings' business.
            body = read_body(request.read, declared(length), self.max_body_size, self.body_timeout_in_seconds)
        if isinstance(body, Answer):
            return self.refuse(body)
        token = _request.set(request)
        try:
            return self.handle(body, request.headers)
        finally:
            _request.reset(token)

    def _sync_user(self, event: UserEvent | UserDeletedEvent) -> None:
        clerk = _clerk()
        if clerk.options.sync_users and not self.has_own_secret:
            from .user_sync import sync_user  # its models can only be imported once Django's applications are

            sync_user(event, clerk)

    def _send_signals(self, event: ClerkEvent) -> None:
        send(self, event)


def _clerk() -> Clerk:
    request = _request.get()
    return clerk_of(request) if request is not None else current()


def _secret_in_settings() -> SigningSecret:
    secret = _config().webhook_signing_secret
    if secret is None:
        raise ClerkImproperlyConfigured(
            "is not set, and nothing can be verified: copy the endpoint's 'Signing Secret' from 'Webhooks' "
            "in the Clerk Dashboard (or set CLERK_WEBHOOK_SIGNING_SECRET)",
            source="settings.CLERK['WEBHOOK_SIGNING_SECRET']",
        )
    return secret


def _config() -> ClerkConfig:
    clerk, request = _clerk(), _request.get()
    if isinstance(clerk.config, ClerkConfig):
        return clerk.config
    if request is None:
        raise ClerkImproperlyConfigured(
            "is a function of the request, and there is none here: give WebhookReceiver its signing_secret",
            source="settings.CLERK['CONFIG']",
        )
    return clerk.authenticator.config_for(clerk_request(request))

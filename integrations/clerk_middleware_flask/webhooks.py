"""`WebhookReceiver` as a blueprint::

webhooks = WebhookReceiver()

@webhooks.on("user.created")
def welcome(event: UserEvent) -> None: ...

app.register_blueprint(webhooks.blueprint("/webhooks/clerk"))
"""

from __future__ import annotations

import os
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

from flask import Blueprint, current_app, has_request_context, request

from clerk_middleware import ConfigurationError
from clerk_middleware import WebhookReceiver as AnyReceiver
from clerk_middleware.logging import logger
from clerk_middleware.webhooks import MemoryWebhookStore
from clerk_middleware.webhooks.secrets import VARIABLE, keys_of

from .deliveries import expect_delivery
from .identity import get_state
from .responses import response_of
from .runtime import EXTENSION, Runtime, runtime_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from flask import Flask, Response
    from flask.sansio.blueprints import BlueprintSetupState

    from clerk_middleware import Answer, ClerkConfig, WebhookStore
    from clerk_middleware.webhooks import WebhookState
    from clerk_middleware.webhooks.secrets import SecretSource, SigningSecret

T = TypeVar("T")


class WebhookReceiver(AnyReceiver):
    """Verifies Clerk's webhooks, and calls the handlers that were registered with `on`, each message once.

    Handlers run as a view does, with `current_app` and ``request``; coroutine functions by
    `Flask.ensure_sync`, or on an event loop of their own without ``flask[async]``. One receiver may serve
    several applications.

    :param signing_secret: ``whsec_…`` of the endpoint; several while it is rotated; or a function that
        returns them. Default: ``app.config["CLERK_WEBHOOK_SIGNING_SECRET"]``, then the environment.
    :param store: remembers what was handled. Default: a `MemoryWebhookStore` for each application.
    :param max_body_size: in bytes, whatever ``MAX_CONTENT_LENGTH`` is; what is larger is answered with 413.

    The other parameters are those of `clerk_middleware.WebhookReceiver`.

    :raises ConfigurationError: if one of these is wrong.
    """

    def default_secret(self) -> SecretSource:
        return _secret_of_application

    def default_store(self) -> WebhookStore:
        return _StoreOfApplication()

    def blueprint(self, path: str = "/webhooks/clerk", *, name: str = "clerk_webhooks") -> Blueprint:
        """A blueprint that takes deliveries to *path*, with or without a slash at its end.

        They need no session, whatever ``CLERK_PROTECTED_ROUTES`` says, and no token of Flask-WTF's
        `CSRFProtect`: the signature says that Clerk has sent them.

        :param path: within the blueprint's ``url_prefix``, if it has one; it may be empty then.
        :param name: for the second receiver of an application.
        :raises ConfigurationError: if *path* does not begin with a slash.
        """
        if path and not path.startswith("/"):
            raise ConfigurationError(f"a path begins with a slash, as in webhooks.blueprint({'/' + path!r})")
        blueprint = Blueprint(name, __name__)
        blueprint.url_value_preprocessor(lambda *_: expect_delivery(self.receive))
        blueprint.record(self._check_secret)
        blueprint.add_url_rule(path, view_func=self.receive, methods=["POST"], strict_slashes=False)
        return blueprint

    def receive(self) -> Response:
        """The view of `blueprint`: the answer to the current request, once its handlers ran."""
        if "stream" in request.__dict__:  # somebody looked at the body, and Flask keeps it
            body: bytes | Answer = request.get_data()
        else:
            body = self.wsgi.body(request.environ)
        if isinstance(body, bytes):
            request.__dict__["stream"] = BytesIO(body)  # for whoever asks Flask for it later
            body = self.handle(body, request.headers)
        return response_of(body)

    def call_async(self, function: Callable[[], Awaitable[T]], /) -> T:
        try:
            synchronous = current_app.ensure_sync(function)
        except RuntimeError:  # flask[async] is not installed, and no application has a way of its own
            return super().call_async(function)
        return synchronous()  # type: ignore[no-any-return]

    def _check_secret(self, setup: BlueprintSetupState) -> None:
        """Say in the log, while an application is made, that no delivery can be verified."""
        runtime = setup.app.extensions.get(EXTENSION)
        if self.has_own_secret or not isinstance(runtime, Runtime) or callable(runtime.config):
            return
        try:
            keys_of(_secret_in(runtime.config))
        except ConfigurationError as error:
            logger.warning("Clerk: every webhook will be answered with 500: %s.", str(error).rstrip("."))


class _StoreOfApplication:
    """A record for each application, for as long as that is there."""

    def __init__(self) -> None:
        self._stores: WeakKeyDictionary[Flask, MemoryWebhookStore] = WeakKeyDictionary()
        self._lock = Lock()

    def begin(self, message_id: str, /) -> WebhookState:
        return self._current().begin(message_id)

    def finish(self, message_id: str, /) -> None:
        self._current().finish(message_id)

    def abandon(self, message_id: str, /) -> None:
        self._current().abandon(message_id)

    def _current(self) -> MemoryWebhookStore:
        app = current_app._get_current_object()  # type: ignore[attr-defined]
        with self._lock:
            store = self._stores.get(app)
            if store is None:
                store = self._stores[app] = MemoryWebhookStore()
            return store


def _secret_of_application() -> SigningSecret:
    """That of the configuration that serves the request; `None` for the environment's.

    :raises ConfigurationError: if there is none, or the application has no `Clerk`.
    """
    if has_request_context():
        return _secret_in(get_state().config)
    config = runtime_of(current_app).config
    if callable(config):
        raise ConfigurationError(
            "the configuration is a function of the request, and there is none: pass signing_secret"
        )
    return _secret_in(config)


def _secret_in(config: ClerkConfig) -> SigningSecret:
    secret = config.webhook_signing_secret
    if secret is None and not os.environ.get(VARIABLE, "").strip():
        raise ConfigurationError(
            "there is no signing secret: set app.config['CLERK_WEBHOOK_SIGNING_SECRET'] before Clerk(app) or "
            f"init_app(app), or the environment variable {VARIABLE}, to the endpoint's 'Signing Secret' in "
            "the Clerk Dashboard, under 'Webhooks': it starts with 'whsec_'",
            option="webhook_signing_secret",
        )
    return secret

"""Which requests are webhooks' deliveries: their signatures protect them, and no session does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import current_app, request

if TYPE_CHECKING:
    from collections.abc import Callable

_IS_DELIVERY = "_clerk_is_delivery"


def expect_delivery(view: Callable[..., Any]) -> None:
    """Note that *view* takes the current request, before any ``before_request`` function looks at it."""
    request.__dict__[_IS_DELIVERY] = True
    csrf = current_app.extensions.get("csrf")  # Flask-WTF's, which may have been set up after the view
    if csrf is not None:
        csrf.exempt(view)


def is_delivery() -> bool:
    """Whether the current request goes to a `WebhookReceiver`."""
    return _IS_DELIVERY in request.__dict__

"""System checks: receivers of webhooks, and what they do with users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth import get_user_model
from django.core.checks import Error, Warning
from django.urls import URLPattern, get_resolver
from django.urls.resolvers import RoutePattern

from clerk_middleware import ClerkConfig

from .runtime import configured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.checks import CheckMessage

    from .settings import DjangoOptions
    from .webhooks import WebhookReceiver

_SECRET_HINT = (
    "Set CLERK['WEBHOOK_SIGNING_SECRET'] (or CLERK_WEBHOOK_SIGNING_SECRET in the environment) to the "
    "endpoint's 'Signing Secret', which is under 'Webhooks' in Clerk's Dashboard."
)


def check_webhooks(**_: Any) -> list[CheckMessage]:
    """Receivers that can't receive, and ``SYNC_USERS`` without any."""
    clerk = configured()
    if clerk is None:
        return []
    found = _receivers()
    messages: list[CheckMessage] = []
    for path, receiver in found:
        config = clerk.config
        if isinstance(config, ClerkConfig) and not (receiver.has_own_secret or config.webhook_signing_secret):
            problem = f"The webhooks at {path} have no signing secret, so each is answered with 500."
            messages.append(Error(problem, hint=_SECRET_HINT, id="clerk.E009"))
        if clerk.routes.cover(path, ""):
            problem = f"CLERK's routes have {path} need a session, so each webhook there is refused."
            hint = "Take it out of PROTECTED_ROUTES, or add it to PUBLIC_ROUTES: the signature protects it."
            messages.append(Error(problem, hint=hint, id="clerk.E010"))
    if clerk.options.sync_users:
        are_followed = any(not receiver.has_own_secret for _, receiver in found)
        messages += _of_synced_users(are_followed, clerk.options)
    return messages


def _of_synced_users(are_followed: bool, options: DjangoOptions) -> Iterator[CheckMessage]:
    from .user_sync import has_activity

    if not are_followed:
        yield Warning(
            "CLERK['SYNC_USERS'] has no effect: no URL of the project takes webhooks that are signed with "
            "CLERK['WEBHOOK_SIGNING_SECRET'].",
            hint="In the project's urlpatterns, add path('webhooks/clerk', WebhookReceiver().view), with "
            "clerk_middleware_django.webhooks.WebhookReceiver, and that URL in Clerk's Dashboard. A receiver "
            "that is given another secret may be another Clerk instance's, and changes no users.",
            id="clerk.W013",
        )
    if not (options.create_users or options.link_by_verified_email):
        yield Warning(
            "CLERK['SYNC_USERS'] creates no users without CLERK['CREATE_USERS']: webhooks only update and "
            "deactivate those that are linked already.",
            hint="Add 'CREATE_USERS': True to CLERK; or silence this, if that is what you want.",
            id="clerk.W016",
        )
    model = get_user_model()
    if not has_activity(model):
        yield Warning(
            f"CLERK['SYNC_USERS'] can't deactivate who is deleted at Clerk: {model._meta.label} has no field "
            "is_active.",
            hint="Add the field, or do what is to be done in a receiver of the signal user_deleted.",
            id="clerk.W015",
        )


def _receivers() -> list[tuple[str, WebhookReceiver]]:
    """The receivers in the project's URLs, each with its path, as far as that can be told."""
    try:
        return list(_found_in(get_resolver().url_patterns, "/"))
    except Exception:  # the URLs are broken otherwise, which Django says itself
        return []


def _found_in(patterns: Any, before: str) -> Iterator[tuple[str, WebhookReceiver]]:
    for each in patterns:
        route = each.pattern
        path = f"{before}{route}" if isinstance(route, RoutePattern) else f"{before}…"
        if not isinstance(each, URLPattern):
            yield from _found_in(each.url_patterns, path)
            continue
        receiver = getattr(each.callback, "webhooks", None)
        if receiver is not None:
            yield path, cast("WebhookReceiver", receiver)

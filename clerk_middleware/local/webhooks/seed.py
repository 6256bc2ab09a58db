"""What a seed says of webhooks: ``[[webhooks]]``."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..seed_reader import SeedReader
from .endpoints import ALL_EVENTS, check_endpoint

__all__ = ["WebhookSeed", "webhooks_of"]


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookSeed:
    """An endpoint to which webhooks are sent from the start."""

    url: str
    events: tuple[str, ...] = ALL_EVENTS
    #: A random one is made where the seed has none.
    signing_secret: str | None = field(default=None, repr=False)


def webhooks_of(document: SeedReader) -> tuple[WebhookSeed, ...]:
    """The endpoints, each of which is on loopback unless its ``allow_remote`` is true."""
    webhooks: list[WebhookSeed] = []
    for table in document.listed_tables("webhooks"):
        webhook = WebhookSeed(
            url=table.text("url"),
            events=table.texts("events") or ALL_EVENTS,
            signing_secret=table.optional_text("signing_secret"),
        )
        allow_remote = table.flag("allow_remote", False)
        if problem := check_endpoint(
            webhook.url, webhook.events, webhook.signing_secret, allow_remote=allow_remote
        ):
            table.fail(*problem)
        table.finish()
        webhooks.append(webhook)
    return tuple(webhooks)

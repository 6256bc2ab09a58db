"""What Clerk tells of its users. The local ones follow by themselves: ``SYNC_USERS`` in the settings."""

import logging
from typing import Any

from django.dispatch import receiver

from clerk_middleware.webhooks import UserDeletedEvent
from clerk_middleware_django.signals import user_deleted
from clerk_middleware_django.webhooks import WebhookReceiver

logger = logging.getLogger(__name__)

webhooks = WebhookReceiver()


@receiver(user_deleted)
def say_goodbye(sender: type[WebhookReceiver], event: UserDeletedEvent, **kwargs: Any) -> None:
    """There is a signal for each type of event; the local user has been deactivated by now."""
    logger.info("%s has left", event.data.get("id"))

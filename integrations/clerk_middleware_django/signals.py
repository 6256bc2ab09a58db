"""A signal for each type of event that Clerk's webhooks tell of::

    @receiver(user_created)
    def welcome(sender: type[WebhookReceiver], event: UserEvent, **kwargs: Any) -> None: ...

*sender* is the class of the `WebhookReceiver` that the event came to, and *webhooks* that receiver. Events
whose type is not known here have `webhook_received` alone, which is sent first, and for every event. A
receiver that raises has the message answered with 500, and delivered again, to all receivers. Asynchronous
ones are awaited.

https://docs.djangoproject.com/en/stable/topics/signals/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.dispatch import Signal

from clerk_middleware.webhooks.events import KNOWN_TYPES

if TYPE_CHECKING:
    from clerk_middleware.webhooks import ClerkEvent

    from .webhooks import WebhookReceiver

webhook_received = Signal()

email_created = Signal()

organization_created = Signal()
organization_deleted = Signal()
organization_updated = Signal()

organization_domain_created = Signal()
organization_domain_deleted = Signal()
organization_domain_updated = Signal()

organization_invitation_accepted = Signal()
organization_invitation_created = Signal()
organization_invitation_revoked = Signal()

organization_membership_created = Signal()
organization_membership_deleted = Signal()
organization_membership_updated = Signal()

payment_attempt_created = Signal()
payment_attempt_updated = Signal()

permission_created = Signal()
permission_deleted = Signal()
permission_updated = Signal()

role_created = Signal()
role_deleted = Signal()
role_updated = Signal()

session_created = Signal()
session_ended = Signal()
session_pending = Signal()
session_removed = Signal()
session_revoked = Signal()

sms_created = Signal()

subscription_active = Signal()
subscription_created = Signal()
subscription_past_due = Signal()
subscription_updated = Signal()

subscription_item_abandoned = Signal()
subscription_item_active = Signal()
subscription_item_canceled = Signal()
subscription_item_created = Signal()
subscription_item_ended = Signal()
subscription_item_free_trial_ending = Signal()
subscription_item_incomplete = Signal()
subscription_item_past_due = Signal()
subscription_item_upcoming = Signal()
subscription_item_updated = Signal()

user_created = Signal()
user_deleted = Signal()
user_updated = Signal()

waitlist_entry_created = Signal()
waitlist_entry_updated = Signal()


def send(webhooks: WebhookReceiver, event: ClerkEvent) -> None:
    """Tell whoever is connected of *event*.

    :raises Exception: that of the receiver which raised.
    """
    webhook_received.send(type(webhooks), webhooks=webhooks, event=event)
    if event.type in _BY_TYPE:
        _BY_TYPE[event.type].send(type(webhooks), webhooks=webhooks, event=event)


def _name_of(event_type: str) -> str:
    """``subscriptionItem.pastDue`` as ``subscription_item_past_due``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", event_type).replace(".", "_").lower()


_BY_TYPE: dict[str, Signal] = {event_type: globals()[_name_of(event_type)] for event_type in KNOWN_TYPES}

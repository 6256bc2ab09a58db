"""What Clerk tells of its users: the application's own record of them follows."""

from clerk_middleware.webhooks import UserDeletedEvent, UserEvent
from clerk_middleware_flask import WebhookReceiver
from example_apps.fleet.roster import name_in

from .current import roster

#: Verifies each message with CLERK_WEBHOOK_SIGNING_SECRET, and has it handled once.
webhooks = WebhookReceiver()
blueprint = webhooks.blueprint("/webhooks/clerk")


@webhooks.on("user.created")
def welcome(event: UserEvent) -> None:
    roster().welcome(event.data["id"], name_in(event.data), event.data["updated_at"])


@webhooks.on("user.updated")
def rename(event: UserEvent) -> None:
    roster().rename(event.data["id"], name_in(event.data), event.data["updated_at"])


@webhooks.on("user.deleted")
def say_goodbye(event: UserDeletedEvent) -> None:
    if user_id := event.data.get("id"):
        roster().leave(user_id)

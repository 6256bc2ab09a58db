"""What Clerk tells of its users: the application's own record of them follows."""

from clerk_middleware.webhooks import UserDeletedEvent, UserEvent
from clerk_middleware_fastapi import WebhookReceiver
from example_apps.fleet.roster import Roster, name_in


def receiver(roster: Roster) -> WebhookReceiver:
    """Keeps *roster* up to date.

    Each message is verified with CLERK_WEBHOOK_SIGNING_SECRET, and handled once.
    """
    webhooks = WebhookReceiver()

    @webhooks.on("user.created")
    async def welcome(event: UserEvent) -> None:
        roster.welcome(event.data["id"], name_in(event.data), event.data["updated_at"])

    @webhooks.on("user.updated")
    async def rename(event: UserEvent) -> None:
        roster.rename(event.data["id"], name_in(event.data), event.data["updated_at"])

    @webhooks.on("user.deleted")
    async def say_goodbye(event: UserDeletedEvent) -> None:
        if user_id := event.data.get("id"):
            roster.leave(user_id)

    return webhooks

"""``manage.py make_staff user_…``: let somebody into the admin."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clerk_middleware_django.models import ClerkIdentity


class Command(BaseCommand):
    help = (
        "Makes the local user of a Clerk user staff and superuser: the first one has to come from somewhere."
    )

    requires_system_checks = ()  # it needs the database, and no key of Clerk's

    def add_arguments(self, parser: CommandParser) -> None:
        # By id, because it is nobody else's. An address may be.
        parser.add_argument("clerk_user_id", help="as the Clerk Dashboard has it: user_…")

    def handle(self, *args: Any, **options: Any) -> None:
        identity = (
            ClerkIdentity.objects.select_related("user")
            .filter(clerk_user_id=options["clerk_user_id"])
            .first()
        )
        if identity is None:
            raise CommandError("There is no local user yet: have them sign in to the application first.")
        user = identity.user
        user.is_staff = user.is_superuser = True
        user.save(update_fields=["is_staff", "is_superuser"])
        self.stdout.write(f"{user} may use the admin now.")

"""Who can sign in at a LocalClerk, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clerk_middleware.local import LocalClerk, User

__all__ = ["people"]


def people(clerk: LocalClerk) -> str:
    """Two lines a user: name, e-mail address and password, and below it the organizations."""
    return "\n".join(_person(clerk, user) for user in clerk.users.values())


def _person(clerk: LocalClerk, user: User) -> str:
    jobs = [
        f"{organization.members[user.id].removeprefix('org:')} at {organization.name}"
        for organization in clerk.organizations.values()
        if user.id in organization.members
    ]
    code = ""
    if user.second_factor_code:
        code = f", then code {user.second_factor_code}"
    elif user.totp_secret:
        code = f", then a code of an authenticator app with {user.totp_secret}"
    return (
        f"  {user.display_name:<15} {user.email:<26} {user.password}{code}\n"
        f"  {'':<15} {', '.join(jobs) or 'in no organization'}"
    )

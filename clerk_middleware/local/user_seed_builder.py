"""From the tables of a seed to its users."""

from __future__ import annotations

from collections.abc import Mapping

from . import seed
from .seed_reader import SeedReader

__all__ = ["plan_of", "user_of", "users_of"]


def users_of(document: SeedReader, plans: Mapping[str, seed.Plan]) -> dict[str, seed.User]:
    """The users by id, at least one."""
    users: dict[str, seed.User] = {}
    for table in document.listed_tables("users"):
        user = user_of(table, users, plans)
        table.finish()
        users[user.id] = user
    if not users:
        document.fail(
            "users", "is empty, so nobody could sign in; add a [[users]] table with id, email and password"
        )
    return users


def user_of(table: SeedReader, others: Mapping[str, seed.User], plans: Mapping[str, seed.Plan]) -> seed.User:
    """The user that a table describes, who is none of the `others`."""
    user = seed.User(
        id=table.identifier("id", "user_", others),
        email=table.text("email"),
        email_verified=table.flag("email_verified", True),
        password=table.text("password"),
        first_name=table.optional_text("first_name"),
        last_name=table.optional_text("last_name"),
        username=table.optional_text("username"),
        second_factor_code=table.optional_text("second_factor_code"),
        plan=plan_of(table, plans, "user"),
        public_metadata=table.json("public_metadata"),
        private_metadata=table.json("private_metadata"),
        unsafe_metadata=table.json("unsafe_metadata"),
    )
    if user.email.lower() in (other.email.lower() for other in others.values()):
        table.fail("email", f"{user.email!r} is taken already")
    return user


def plan_of(table: SeedReader, plans: Mapping[str, seed.Plan], scope: seed.Scope) -> str | None:
    """The key of the plan in a table, if there is any."""
    key = table.optional_text("plan")
    if key is not None and (key not in plans or plans[key].scope != scope):
        fitting = [plan.key for plan in plans.values() if plan.scope == scope]
        table.fail(
            "plan", f"{key!r} is no plan of scope {scope!r}; there are: {', '.join(fitting) or 'none'}"
        )
    return key

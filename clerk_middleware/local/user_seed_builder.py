"""From the tables of a seed to its users."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pyotp.totp import TOTP

from . import seed
from .seed_reader import SeedReader

__all__ = ["plan_of", "user_of", "users_of"]

_PROVIDER = re.compile(r"(?!oauth_)[a-z0-9_]{1,64}")
#: At least 112 bits, which is what authenticator apps are to have (RFC 4226, section 4).
_BASE32 = re.compile(r"[A-Z2-7]{23,128}")


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
        totp_secret=_totp_secret(table),
        plan=plan_of(table, plans, "user"),
        external_id=table.optional_text("external_id"),
        banned=table.flag("banned", False),
        locked=table.flag("locked", False),
        public_metadata=table.json("public_metadata"),
        private_metadata=table.json("private_metadata"),
        unsafe_metadata=table.json("unsafe_metadata"),
        oauth_access_tokens=dict(_social_tokens(table)),
    )
    if user.username is not None and "@" in user.username:
        table.fail("username", "must hold no @: it could be another user's e-mail address")
    for other in others.values():
        for key, value, taken in (
            ("email", user.email, other.email),
            ("username", user.username, other.username),
            ("external_id", user.external_id, other.external_id),
        ):
            if value is not None and taken is not None and value.lower() == taken.lower():
                table.fail(key, f"{value!r} is taken already")
    return user


def _social_tokens(table: SeedReader) -> Iterator[tuple[str, seed.SocialToken]]:
    for provider, given in table.named_tables("oauth_access_tokens"):
        if not _PROVIDER.fullmatch(provider):
            given.fail(None, "a provider is named without oauth_, in small letters, such as google")
        yield provider, seed.SocialToken(token=given.text("token"), scopes=given.texts("scopes"))
        given.finish()


def _totp_secret(table: SeedReader) -> str | None:
    secret = table.optional_text("totp_secret")
    if secret is not None and not _is_totp_secret(secret):
        table.fail(
            "totp_secret", "must be 23 to 128 characters of A-Z and 2-7, as authenticator apps take it"
        )
    return secret


def _is_totp_secret(secret: str) -> bool:
    try:
        TOTP(secret).at(0)
    except ValueError:  # of a length that no base32 has, or too short
        return False
    return _BASE32.fullmatch(secret) is not None


def plan_of(table: SeedReader, plans: Mapping[str, seed.Plan], scope: seed.Scope) -> str | None:
    """The key of the plan in a table, if there is any."""
    key = table.optional_text("plan")
    if key is not None and (key not in plans or plans[key].scope != scope):
        fitting = [plan.key for plan in plans.values() if plan.scope == scope]
        table.fail(
            "plan", f"{key!r} is no plan of scope {scope!r}; there are: {', '.join(fitting) or 'none'}"
        )
    return key

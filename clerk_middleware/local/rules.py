"""The rules that users and organizations obey, whoever makes or changes them: the APIs, a page or a test.

A seed is its author's, and may break those about passwords and names; what it begins with stays possible.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = [
    "MAXIMUM_INVITATIONS",
    "MAXIMUM_MEMBERSHIPS",
    "MAXIMUM_ORGANIZATIONS",
    "MAXIMUM_PASSWORD",
    "MAXIMUM_USERS",
    "MINIMUM_PASSWORD",
    "Refused",
    "check_address",
    "check_name",
    "check_password",
    "check_slug",
    "check_username",
    "incorrect",
    "strategy_invalid",
    "taken",
    "too_many_failures",
]

#: With those of a seed: nobody makes room, for each is there to stay.
MAXIMUM_USERS = 1000
MAXIMUM_ORGANIZATIONS = 1000
#: Of one user.
MAXIMUM_MEMBERSHIPS = 100
#: To one organization, or to sign up; accepted and revoked ones too, for each is kept.
MAXIMUM_INVITATIONS = 500
#: Characters. clerk-js knows no shorter and no longer passwords, whatever an environment says.
MINIMUM_PASSWORD = 8
MAXIMUM_PASSWORD = 72
_MAXIMUM_NAME = 256

#: Parts of no more than 64 characters each, and at least one dot after the @.
_ADDRESS = re.compile(r"[^@\s,;:<>()\[\]\\\"]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")
_USERNAME = re.compile(r"[A-Za-z0-9_-]{4,64}")
#: Where an id is taken, a slug is as good: none may look like one.
_SLUG = re.compile(r"(?!org_)(?=.*[a-z0-9])[a-z0-9_-]{1,100}")


class Refused(ValueError):
    """What the rules do not allow. `code` is Clerk's, `parameter` the field at fault, as the APIs call it.

    The message is for who asked: it may be shown to a user, and holds no secret.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        parameter: str | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.parameter = parameter
        #: What Clerk's clients read besides: ``email_addresses``, say.
        self.meta = meta


def check_address(address: str) -> None:
    """Refuse what is no e-mail address, as far as its form tells."""
    if not _ADDRESS.fullmatch(address):
        message = "email_address must be a valid e-mail address."
        raise Refused("form_param_format_invalid", message, parameter="email_address")


def check_username(username: str) -> None:
    """Refuse what is no username; no username is an e-mail address, by which somebody else signs in."""
    if not _USERNAME.fullmatch(username):
        message = "username must be 4 to 64 letters, digits, _ and -."
        raise Refused("form_param_format_invalid", message, parameter="username")


def check_password(password: str, *, parameter: str = "password") -> None:
    """Refuse a new password that is too short or too long."""
    if len(password) < MINIMUM_PASSWORD:
        message = f"Passwords must be {MINIMUM_PASSWORD} or more characters."
        raise Refused("form_password_length_too_short", message, parameter=parameter)
    if len(password) > MAXIMUM_PASSWORD:
        message = f"Passwords must be {MAXIMUM_PASSWORD} or fewer characters."
        raise Refused("form_password_length_too_long", message, parameter=parameter)
    if not password.isprintable():
        message = "Passwords must be of printable characters."
        raise Refused("form_param_format_invalid", message, parameter=parameter)


def check_name(name: str, *, parameter: str = "name") -> None:
    """Refuse a name of a user or an organization that nobody could show."""
    if not name.strip() or not name.isprintable() or len(name) > _MAXIMUM_NAME:
        message = f"{parameter} must be printable text of at most {_MAXIMUM_NAME} characters."
        raise Refused("form_param_value_invalid", message, parameter=parameter)


def check_slug(slug: str) -> None:
    """Refuse what is no slug of an organization."""
    if not _SLUG.fullmatch(slug):
        message = "slug must be at most 100 small letters, digits, - and _, and not begin with org_."
        raise Refused("form_param_format_invalid", message, parameter="slug")


def taken(what: str, value: str, parameter: str) -> Refused:
    """For what another user or organization has already."""
    message = f"The {what} {value!r} is taken already. Try another."
    return Refused("form_identifier_exists", message, parameter=parameter)


def incorrect(strategy: str) -> Refused:
    """For a wrong password or code."""
    if strategy == "password":
        return Refused("form_password_incorrect", "That password is not right.", parameter="password")
    return Refused("form_code_incorrect", "That code is not right.", parameter="code")


def strategy_invalid() -> Refused:
    """For a strategy that is none of the user's, or none that LocalClerk has."""
    message = "The user cannot prove who they are by this strategy."
    return Refused("strategy_for_user_invalid", message, parameter="strategy")


def too_many_failures() -> Refused:
    """For the wrong answer that was one too many, which ended what was under way."""
    return Refused("verification_failed", "Too many wrong answers: begin again.")

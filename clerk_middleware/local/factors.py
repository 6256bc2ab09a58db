"""By which factors a user may prove who they are, and whether what they give is right.

https://clerk.com/docs/guides/configure/auth-strategies/sign-up-sign-in-options
"""

from __future__ import annotations

import hmac
from typing import Literal

from pyotp.totp import TOTP

from .seed import User

__all__ = [
    "EMAIL_CODE",
    "FirstFactor",
    "SecondFactor",
    "first_factors",
    "is_email_code",
    "is_right",
    "right_code",
    "second_factors",
]

FirstFactor = Literal["password", "email_code"]
SecondFactor = Literal["totp"]

#: No mail is ever sent: every code is the one of Clerk's test mode.
#: https://clerk.com/docs/guides/development/testing/test-emails-and-phones
EMAIL_CODE = "424242"


def first_factors(user: User) -> tuple[FirstFactor, ...]:
    """The strategies of the user's first factor, the preferred one first."""
    return ("password", "email_code") if user.password else ("email_code",)


def second_factors(user: User) -> tuple[SecondFactor, ...]:
    """The strategies of the user's second factor; none for a user who has no second one."""
    return ("totp",) if user.has_second_factor else ()


def is_right(user: User, strategy: str, secret: str, *, now: float) -> bool:
    """Whether `secret`, a password or a code, proves by `strategy` that it is the user.

    The code of an authenticator app (RFC 6238) is right for 30 seconds more on either side of `now`
    (Unix seconds).
    """
    if strategy == "password":
        return _equal(secret, user.password)
    if strategy == "email_code":
        return is_email_code(secret)
    if strategy != "totp":
        return False
    if _equal(secret, user.second_factor_code or ""):
        return True
    return user.totp_secret is not None and TOTP(user.totp_secret).verify(
        secret, for_time=int(now), valid_window=1
    )


def is_email_code(code: str) -> bool:
    """Whether it is the code of every e-mail address."""
    return _equal(code, EMAIL_CODE)


def right_code(user: User, *, now: float) -> str | None:
    """A code that is right `now` (Unix seconds) for the user's second factor; `None` for who has none."""
    if user.second_factor_code is not None or user.totp_secret is None:
        return user.second_factor_code
    return TOTP(user.totp_secret).at(int(now))


def _equal(given: str, expected: str) -> bool:
    """Whether a secret is the expected one, in a time that does not tell how much of it is right."""
    return bool(expected) and hmac.compare_digest(given.encode(errors="replace"), expected.encode())

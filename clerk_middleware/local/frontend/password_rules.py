"""What a password has to be like, for the components and for LocalClerk alike."""

from __future__ import annotations

from typing import Any

from ..errors import APIError

__all__ = ["PASSWORD_SETTINGS", "check_password"]

#: Characters. clerk-js knows no shorter and no longer ones, whatever an environment says.
_MINIMUM_LENGTH = 8
_MAXIMUM_LENGTH = 72

#: The ``password_settings`` of an environment: length is all that counts.
PASSWORD_SETTINGS: dict[str, Any] = {
    "allowed_special_characters": "",
    "disable_hibp": True,
    "min_length": _MINIMUM_LENGTH,
    "max_length": _MAXIMUM_LENGTH,
    "require_special_char": False,
    "require_numbers": False,
    "require_uppercase": False,
    "require_lowercase": False,
    "show_zxcvbn": False,
    "min_zxcvbn_strength": 0,
    "enforce_hibp_on_sign_in": False,
}


def check_password(password: str, *, parameter: str = "password") -> None:
    """Refuse a new password that is too short or too long. Raises `APIError`."""
    if len(password) < _MINIMUM_LENGTH:
        message = f"Passwords must be {_MINIMUM_LENGTH} or more characters."
        raise APIError(422, "form_password_length_too_short", message, parameter=parameter)
    if len(password) > _MAXIMUM_LENGTH:
        message = f"Passwords must be {_MAXIMUM_LENGTH} or fewer characters."
        raise APIError(422, "form_password_length_too_long", message, parameter=parameter)
    if not password.isprintable():
        message = "Passwords must be of printable characters."
        raise APIError(422, "form_param_format_invalid", message, parameter=parameter)

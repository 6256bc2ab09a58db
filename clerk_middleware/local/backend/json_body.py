"""The body of a request to the Backend API, member by member, with errors that name the member."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from ..errors import APIError
from ..tables import expect_table, merged

__all__ = ["JSONBody"]

#: Of what is kept: characters of a text, and items of a list.
_MAXIMUM_TEXT = 1000
_MAXIMUM_ITEMS = 100
#: Objects in a list.
_MAXIMUM_BODIES = 10
#: Seconds: ten years.
_MAXIMUM_LIFETIME = 315_360_000


class JSONBody:
    """A JSON object; no body at all is an empty one."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    @classmethod
    async def of(cls, request: Request) -> JSONBody:
        """The body of `request`."""
        return cls._of(await _json_of(request))

    @classmethod
    async def each_of(cls, request: Request) -> list[JSONBody]:
        """The objects of a list, which the body of `request` is."""
        values = await _json_of(request)
        if not isinstance(values, list) or not 1 <= len(values) <= _MAXIMUM_BODIES:
            message = f"The body must be a JSON list of 1 to {_MAXIMUM_BODIES} objects."
            raise APIError(400, "request_body_invalid", message)
        return [cls._of(value) for value in values]

    @classmethod
    def _of(cls, values: object) -> JSONBody:
        if not isinstance(values, dict):
            raise APIError(400, "request_body_invalid", "The body must be a JSON object.")
        return cls(values)

    def is_filled(self, name: str) -> bool:
        """Whether the member is there and says anything: not ``null``, empty, 0 or ``false``."""
        return bool(self._get(name))

    def has(self, name: str) -> bool:
        """Whether the member is there, ``null`` or not."""
        return name in self._values

    def secret(self, name: str, former_name: str = "") -> str:
        """A string that must be there; it is compared with what is known, and never kept.

        Some clients still call it by its `former_name`.
        """
        value = self._get(name, self._get(former_name))
        if not isinstance(value, str) or not value:
            message = f"{name} must be a string that is not empty."
            raise APIError(422, "form_param_missing", message, parameter=name)
        return value

    def text(self, name: str) -> str:
        """A string that must be there and can be kept."""
        self.secret(name)
        return self._printable(name)

    def optional_text(self, name: str) -> str | None:
        """A string that need not be there."""
        return None if self._get(name) is None else self._printable(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings, empty where there is none."""
        value = self._get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > _MAXIMUM_ITEMS or not all(map(_is_printable, value)):
            raise self.invalid(name, f"must be a list of at most {_MAXIMUM_ITEMS} strings.")
        return tuple(dict.fromkeys(value))

    def words(self, name: str) -> tuple[str, ...]:
        """A list of strings, or one string with spaces between them."""
        if isinstance(self._get(name), str):
            return tuple(dict.fromkeys(self._printable(name).split()))
        return self.texts(name)

    def table(self, name: str) -> dict[str, Any] | None:
        """An object whose content is anybody's."""
        value = self._get(name)
        return None if value is None else expect_table(name, value)

    def merged(self, name: str, known: Mapping[str, Any]) -> dict[str, Any]:
        """`known` with what the member changes of it, at every level; ``null`` takes a key away."""
        return merged(name, known, self.table(name) or {})

    def flag(self, name: str, default: bool) -> bool:
        """``true`` or ``false``."""
        value = self._get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.invalid(name, "must be true or false.")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> Any:
        """One of `choices`, the first of which is the default."""
        value = self._get(name)
        if value is None:
            return choices[0]
        if value not in choices:
            raise self.invalid(name, f"must be {' or '.join(map(repr, choices))}.")
        return value

    def seconds(self, name: str, minimum: int = 1) -> int | None:
        """A whole number of seconds."""
        return self.number(name, minimum, _MAXIMUM_LIFETIME)

    def number(self, name: str, minimum: int, maximum: int) -> int | None:
        """A whole number, which some clients write with a decimal point."""
        value = self._get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value is not None and (type(value) is not int or not minimum <= value <= maximum):
            raise self.invalid(name, f"must be a whole number from {minimum} to {maximum}.")
        return value

    def invalid(self, name: str, problem: str) -> APIError:
        """The error that says what is wrong with a member."""
        return APIError(422, "form_param_value_invalid", f"{name} {problem}", parameter=name)

    def _get(self, name: str, default: Any = None) -> Any:
        return self._values.get(name, default)

    def _printable(self, name: str) -> str:
        value: str = self._get(name)
        if not _is_printable(value):
            raise self.invalid(name, f"must be printable text of at most {_MAXIMUM_TEXT} characters.")
        return value


async def _json_of(request: Request) -> object:
    try:
        values: object = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError) as error:
        raise APIError(400, "request_body_invalid", "The body is not JSON.") from error
    return values


def _is_printable(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAXIMUM_TEXT and value.isprintable()

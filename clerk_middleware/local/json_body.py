"""The body of a request to the Backend API, member by member, with errors that name the member."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request

from .errors import APIError

__all__ = ["JSONBody"]

#: Of what is kept: texts, items of a list, characters of a table's JSON and tables in tables.
_MAXIMUM_TEXT = 1000
_MAXIMUM_ITEMS = 100
_MAXIMUM_TABLE = 4096
_MAXIMUM_DEPTH = 20
#: Seconds: ten years.
_MAXIMUM_LIFETIME = 315_360_000


class JSONBody:
    """A JSON object; no body at all is an empty one."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values

    @classmethod
    async def of(cls, request: Request) -> JSONBody:
        """The body of `request`."""
        try:
            values = json.loads(await request.body() or b"{}")
        except (ValueError, RecursionError) as error:
            raise APIError(400, "request_body_invalid", "The body is not JSON.") from error
        if not isinstance(values, dict):
            raise APIError(400, "request_body_invalid", "The body must be a JSON object.")
        return cls(values)

    def get(self, name: str, default: Any = None) -> Any:
        """The member as it is."""
        return self._values.get(name, default)

    def secret(self, name: str) -> str:
        """A string that must be there; it is compared with what is known, and never kept."""
        value = self.get(name)
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
        return None if self.get(name) is None else self._printable(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings, empty where there is none."""
        value = self.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > _MAXIMUM_ITEMS or not all(map(_is_printable, value)):
            raise self.invalid(name, f"must be a list of at most {_MAXIMUM_ITEMS} strings.")
        return tuple(dict.fromkeys(value))

    def table(self, name: str) -> dict[str, Any] | None:
        """An object whose content is anybody's."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, dict) or _is_deeper(value, _MAXIMUM_DEPTH) or not _is_small_json(value):
            raise self.invalid(
                name,
                f"must be an object of at most {_MAXIMUM_TABLE} characters, {_MAXIMUM_DEPTH} levels deep.",
            )
        return value

    def flag(self, name: str, default: bool) -> bool:
        """``true`` or ``false``."""
        value = self.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.invalid(name, "must be true or false.")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> Any:
        """One of `choices`, the first of which is the default."""
        value = self.get(name)
        if value is None:
            return choices[0]
        if value not in choices:
            raise self.invalid(name, f"must be {' or '.join(map(repr, choices))}.")
        return value

    def seconds(self, name: str, minimum: int = 1) -> int | None:
        """A whole number of seconds."""
        value = self.get(name)
        if value is not None and (type(value) is not int or not minimum <= value <= _MAXIMUM_LIFETIME):
            raise self.invalid(name, f"must be a whole number from {minimum} to {_MAXIMUM_LIFETIME}.")
        return value

    def invalid(self, name: str, problem: str) -> APIError:
        """The error that says what is wrong with a member."""
        return APIError(422, "form_param_value_invalid", f"{name} {problem}", parameter=name)

    def _printable(self, name: str) -> str:
        value: str = self.get(name)
        if not _is_printable(value):
            raise self.invalid(name, f"must be printable text of at most {_MAXIMUM_TEXT} characters.")
        return value


def _is_printable(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAXIMUM_TEXT and value.isprintable()


def _is_deeper(value: object, levels: int) -> bool:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(levels == 0 or _is_deeper(child, levels - 1) for child in children)


def _is_small_json(value: dict[str, Any]) -> bool:
    """Whether it is short, and neither a lone surrogate nor a number that is none keeps it from an answer."""
    try:
        return len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode()) <= _MAXIMUM_TABLE
    except ValueError:
        return False

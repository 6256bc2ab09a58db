"""The body of a request to the Frontend API, field by field, with errors that name the field."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from ..errors import APIError
from ..tables import expect_table

__all__ = ["Form"]

_MAXIMUM_FIELDS = 100
#: Characters of a text that is kept, and of what is only compared.
_MAXIMUM_TEXT = 256
_MAXIMUM_SECRET = 4096


class Form:
    """Fields by name, urlencoded as clerk-js sends them; no body at all is an empty form."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    @classmethod
    async def of(cls, request: Request) -> Form:
        """The form that is the body of `request`. Raises `APIError`."""
        body = await request.body()
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if body and kind != "application/x-www-form-urlencoded":
            message = "Send the fields as application/x-www-form-urlencoded."
            raise APIError(415, "content_type_invalid", message)
        try:
            pairs = parse_qsl(
                body.decode(), keep_blank_values=True, max_num_fields=_MAXIMUM_FIELDS, errors="strict"
            )
        except ValueError as error:
            message = f"The body is no form in UTF-8 of {_MAXIMUM_FIELDS} fields or fewer."
            raise APIError(400, "request_body_invalid", message) from error
        return cls(pairs)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def get(self, name: str) -> str | None:
        """The field as it is. Raises `APIError` where it is there more than once, or is endless."""
        values = self._values.get(name, [])
        if len(values) > 1:
            message = f"{name} is there more than once."
            raise APIError(422, "form_param_duplicate", message, parameter=name)
        if values and len(values[0]) > _MAXIMUM_SECRET:
            message = f"{name} should not exceed {_MAXIMUM_SECRET} characters."
            raise APIError(422, "form_param_max_length_exceeded", message, parameter=name)
        return values[0] if values else None

    def secret(self, name: str) -> str:
        """A field that must be there; it is compared with what is known, and never kept."""
        value = self.get(name)
        if not value:
            raise APIError(422, "form_param_missing", f"{name} must be included.", parameter=name)
        return value

    def text(self, name: str) -> str:
        """A field that must be there and can be kept."""
        value = self.optional_text(name)
        if value is None:
            raise APIError(422, "form_param_missing", f"{name} must be included.", parameter=name)
        return value

    def optional_text(self, name: str) -> str | None:
        """A field that need not be there; an empty one is as good as none."""
        value = (self.get(name) or "").strip()
        self._check(name, value)
        return value or None

    def texts(self, name: str) -> tuple[str, ...]:
        """Every field of that name: the items of a list."""
        values = tuple(value.strip() for value in self._values.get(name, []))
        for value in values:
            self._check(name, value)
        return values

    def table(self, name: str) -> dict[str, Any] | None:
        """An object whose content is anybody's: a field that holds JSON."""
        value = self.get(name)
        if not value:
            return None
        try:
            parsed = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise self.invalid(name, "must be a JSON object.") from error
        return None if parsed is None else expect_table(name, parsed)

    def invalid(self, name: str, problem: str) -> APIError:
        """The error that says what is wrong with a field."""
        return APIError(422, "form_param_value_invalid", f"{name} {problem}", parameter=name)

    def _check(self, name: str, value: str) -> None:
        if not value.isprintable() or len(value) > _MAXIMUM_TEXT:
            raise self.invalid(name, f"must be printable text of at most {_MAXIMUM_TEXT} characters.")

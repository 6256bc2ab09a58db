"""The part of a list that a page asks for, by ``limit`` and ``offset``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..errors import APIError
from .frontend_request import FrontendRequest

__all__ = ["chosen", "page_of"]

_DEFAULT_LIMIT = 10
#: As many as clerk-js ever asks for.
_MAXIMUM_LIMIT = 500

Item = TypeVar("Item")


def page_of(
    asked: FrontendRequest, items: Sequence[Item], shown: Callable[[Item], dict[str, Any]]
) -> dict[str, Any]:
    """The part of `items`, and the number of all of them. Raises `APIError`."""
    limit, offset = _number(asked, "limit", _DEFAULT_LIMIT), _number(asked, "offset", 0)
    part = items[offset : offset + min(limit, _MAXIMUM_LIMIT)]
    return {"data": [shown(item) for item in part], "total_count": len(items)}


def chosen(asked: FrontendRequest, name: str) -> frozenset[str]:
    """What a filter of the query lets through; empty where it lets everything through.

    clerk-js repeats the parameter for each item; a comma between two means the same.
    """
    values = ",".join(asked.request.query_params.getlist(name))
    return frozenset(value for value in values.split(",") if value)


def _number(asked: FrontendRequest, name: str, default: int) -> int:
    text = asked.query(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        message = f"{name} must be a whole number."
        raise APIError(422, "form_param_value_invalid", message, parameter=name)
    return int(text)

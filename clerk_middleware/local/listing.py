"""Which part of a list a request asks for: its filters, ``limit``, ``offset`` and ``order_by``.

https://clerk.com/docs/reference/backend-api
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, get_args

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .errors import APIError
from .redeemable import Redeemable, RedeemableStatus

__all__ = ["Paging", "in_order", "values_of", "with_status", "words_of"]

_DEFAULT_LIMIT = 10
_MAXIMUM_LIMIT = 500
_MAXIMUM_OFFSET = 1_000_000
#: Values of one parameter, and characters of each.
_MAXIMUM_VALUES = 100
_MAXIMUM_TEXT = 1000
_STATUSES = get_args(RedeemableStatus)

Item = TypeVar("Item")
Invitation = TypeVar("Invitation", bound=Redeemable)


class Paging:
    """The part of any list that a request asks for."""

    def __init__(self, request: Request) -> None:
        query = request.query_params
        limit = _number(query, "limit", _DEFAULT_LIMIT, minimum=1)
        # As Clerk: a limit that is too high is no error, but is not obeyed either.
        self._limit = limit if limit <= _MAXIMUM_LIMIT else _DEFAULT_LIMIT
        self._offset = _number(query, "offset", 0, minimum=0)
        self._is_counted = query.get("paginated") == "true"

    def part(self, items: Sequence[Item]) -> Sequence[Item]:
        """The part of `items`."""
        return items[self._offset : self._offset + self._limit]

    def counted(
        self, items: Sequence[Item], shown: Callable[[Item], dict[str, Any]], name: str = "data"
    ) -> Response:
        """The part of `items` as an answer, with the number of all of them."""
        return JSONResponse(self.page(items, shown, name))

    def page(
        self, items: Sequence[Item], shown: Callable[[Item], dict[str, Any]], name: str = "data"
    ) -> dict[str, Any]:
        """The part of `items` as it is shown, with the number of all of them."""
        return {name: [shown(item) for item in self.part(items)], "total_count": len(items)}

    def listed(self, items: Sequence[Item], shown: Callable[[Item], dict[str, Any]]) -> Response:
        """The part of `items` as a list, or where ``paginated=true`` asks for it as `counted`."""
        if self._is_counted:
            return self.counted(items, shown)
        return JSONResponse([shown(item) for item in self.part(items)])


def in_order(
    request: Request,
    items: Sequence[Item],
    keys: Mapping[str, Callable[[Item], Any]],
    *,
    default: str = "-created_at",
) -> list[Item]:
    """`items` by the key that ``order_by`` names, ``-`` before it for the highest first.

    What has no such key is last; of those that are equal, the one that was made later counts as higher.
    """
    # Nothing but a plus sign is written before a name, and an unquoted one is read as a space.
    wanted = request.query_params.get("order_by", default)
    is_descending, name = wanted.startswith("-"), wanted.lstrip("+- ")
    if name not in keys:
        message = f"order_by must be one of {', '.join(keys)}, with - before it for the reverse."
        raise APIError(422, "form_param_value_invalid", message, parameter="order_by")
    key = keys[name]
    valued = [item for item in items if key(item) is not None]
    if is_descending:
        valued.reverse()
    valued.sort(key=key, reverse=is_descending)
    return [*valued, *(item for item in items if key(item) is None)]


def values_of(request: Request, name: str) -> list[str]:
    """The values of a parameter that may be repeated. Raises `APIError`."""
    values = request.query_params.getlist(name)
    if len(values) > _MAXIMUM_VALUES or any(len(value) > _MAXIMUM_TEXT for value in values):
        message = f"{name} takes at most {_MAXIMUM_VALUES} values of {_MAXIMUM_TEXT} characters."
        raise APIError(422, "form_param_value_invalid", message, parameter=name)
    return values


def words_of(request: Request, name: str) -> list[str]:
    """The values of a parameter that is repeated or has commas between them. Raises `APIError`."""
    return [word for word in ",".join(values_of(request, name)).split(",") if word]


def with_status(
    request: Request, invitations: Iterable[Invitation], now: float, *, default: Sequence[str] = _STATUSES
) -> list[Invitation]:
    """Those of `invitations` that have a ``status`` which the request names, or else one of `default`.

    Raises `APIError`.
    """
    wanted = words_of(request, "status")
    if not set(wanted) <= set(_STATUSES):
        message = f"status must be one of {', '.join(_STATUSES)}."
        raise APIError(422, "form_param_value_invalid", message, parameter="status")
    return [each for each in invitations if each.status_at(now) in (wanted or default)]


def _number(query: QueryParams, name: str, default: int, *, minimum: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    text = text.removesuffix(".0")  # as some clients write whole numbers
    if (
        not text.isascii()
        or not text.isdigit()
        or len(text) > 9
        or not minimum <= int(text) <= _MAXIMUM_OFFSET
    ):
        message = f"{name} must be a whole number from {minimum} on."
        raise APIError(422, "form_param_value_invalid", message, parameter=name)
    return int(text)

"""Which users a request asks for: the filters of ``GET /users`` and of an organization's memberships.

https://clerk.com/docs/reference/backend-api/tag/users/GET/users
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from starlette.requests import Request

from ..directory_objects import last_seen
from ..errors import APIError
from ..instance import Instance
from ..listing import values_of
from ..seed import User

__all__ = ["SignedValues", "UserFilter", "user_orders"]

_Condition = Callable[[User], bool]
_Text = Callable[[User], str | None]

_EXACT: dict[str, _Text] = {
    "email_address": lambda user: user.email,
    "username": lambda user: user.username,
    # Nobody has one.
    "phone_number": lambda user: None,
    "web3_wallet": lambda user: None,
}
_PARTIAL: dict[str, _Text] = {
    "email_address_query": lambda user: user.email,
    "username_query": lambda user: user.username,
    "name_query": lambda user: user.full_name,
    "phone_number_query": lambda user: None,
    "query": lambda user: "\n".join(filter(None, (user.id, user.email, user.username, user.full_name))),
}


class UserFilter:
    """All that the parameters of a request say of users."""

    def __init__(self, instance: Instance, request: Request) -> None:
        self._conditions = [
            *_exact(request),
            *_partial(request),
            *_included(instance, request),
            *_at_times(instance, request),
        ]

    def matches(self, user: User) -> bool:
        """Whether the request asks for `user`."""
        return all(condition(user) for condition in self._conditions)


def user_orders(instance: Instance) -> dict[str, Callable[[User], Any]]:
    """By what users may be ordered."""
    return {
        **_times(instance),
        "email_address": lambda user: user.email,
        "first_name": lambda user: user.first_name,
        "last_name": lambda user: user.last_name,
        "username": lambda user: user.username,
        "phone_number": lambda user: None,
        "web3wallet": lambda user: None,
    }


class SignedValues:
    """Values with a sign: ``+`` or none before what is wanted, ``-`` before what is not."""

    def __init__(self, request: Request, name: str) -> None:
        values = values_of(request, name)
        # An unquoted plus sign is read as a space.
        self._wanted = {value.lstrip("+ ") for value in values if not value.startswith("-")}
        self._unwanted = {value[1:] for value in values if value.startswith("-")}

    def match(self, things: Iterable[str]) -> bool:
        """Whether one of `things` is wanted, or nothing is, and none is unwanted."""
        things = set(things)
        return (not self._wanted or bool(self._wanted & things)) and not self._unwanted & things


def _exact(request: Request) -> Iterator[_Condition]:
    for name, text in _EXACT.items():
        if values := values_of(request, name):
            yield _one_of(text, {value.lower() for value in values})


def _partial(request: Request) -> Iterator[_Condition]:
    for name, text in _PARTIAL.items():
        for part in values_of(request, name)[:1]:
            yield _containing(text, part.lower())


def _included(instance: Instance, request: Request) -> Iterator[_Condition]:
    things: dict[str, Callable[[User], tuple[str, ...]]] = {
        "user_id": lambda user: (user.id,),
        "external_id": lambda user: (user.external_id or "",),
        "organization_id": lambda user: tuple(each.id for each in instance.organizations_of(user.id)),
    }
    for name, of in things.items():
        yield _matching(of, SignedValues(request, name))


def _at_times(instance: Instance, request: Request) -> Iterator[_Condition]:
    banned = request.query_params.get("banned")
    if banned is not None:
        yield lambda user: user.banned == (banned == "true")
    for name, at in _times(instance).items():
        for ending, sign in (("before", -1), ("after", 1)):
            for text in values_of(request, f"{name}_{ending}")[:1]:
                yield _later(at, _milliseconds(f"{name}_{ending}", text) / 1000, sign)


def _times(instance: Instance) -> dict[str, Callable[[User], float | None]]:
    return {
        "created_at": lambda user: instance.times_of(user.id)[0],
        "updated_at": lambda user: instance.times_of(user.id)[1],
        "last_sign_in_at": lambda user: last_seen(instance, user)[0],
        "last_active_at": lambda user: last_seen(instance, user)[1],
    }


def _one_of(text: _Text, wanted: set[str]) -> _Condition:
    return lambda user: (text(user) or "").lower() in wanted


def _containing(text: _Text, part: str) -> _Condition:
    return lambda user: part in (text(user) or "").lower()


def _matching(of: Callable[[User], tuple[str, ...]], values: SignedValues) -> _Condition:
    return lambda user: values.match(of(user))


def _later(at: Callable[[User], float | None], than: float, sign: int) -> _Condition:
    """Whether the time is later than another, or with a `sign` of -1 earlier; what never was is neither."""

    def condition(user: User) -> bool:
        time = at(user)
        return time is not None and (time - than) * sign > 0

    return condition


def _milliseconds(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        message = f"{name} must be milliseconds since 1970."
        raise APIError(422, "form_param_value_invalid", message, parameter=name)
    return int(text)

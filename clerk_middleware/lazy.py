"""`lazy`: an attribute that is computed when it is first read.

Like `functools.cached_property`, but without the lock that it takes in Python 3.11, which costs
more than most of what is computed here. Two threads may compute a value twice, to the same result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

T = TypeVar("T")


class lazy(Generic[T]):  # reads as the decorator that it is
    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> Self | T:
        if instance is None:
            return self
        # Found before this descriptor from now on, since it defines no __set__.
        value = instance.__dict__[self._name] = self._compute(instance)
        return value

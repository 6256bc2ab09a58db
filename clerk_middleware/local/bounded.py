"""Stores that can't grow without end, whatever is asked of LocalClerk."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["BoundedStore", "HandshakeNonces"]

Value = TypeVar("Value")


class BoundedStore(Generic[Value]):
    """Values by key; once it is full, the one that was not used for longest makes room.

    Guarded by a lock, for a test asks it from its own thread while the server runs in another.
    `goes_first` says which values make room before others, so that what anybody can cause to be kept
    does not push out what somebody needs.
    """

    def __init__(self, maximum: int, *, goes_first: Callable[[Value], bool] = lambda value: True) -> None:
        self._maximum = maximum
        self._goes_first = goes_first
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: str) -> Value | None:
        """The value, or `None`."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def items(self) -> list[tuple[str, Value]]:
        """What is kept now, the most recently used last. Nothing counts as used by it."""
        with self._lock:
            return list(self._values.items())

    def values(self) -> list[Value]:
        """The values of `items`."""
        return [value for _, value in self.items()]

    def put(self, key: str, value: Value) -> list[Value]:
        """Keep `value`, which makes it the most recently used one, and answer what made room for it."""
        gone: list[Value] = []
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._maximum:
                candidates = (kept for kept, value in self._values.items() if self._goes_first(value))
                gone.append(self._values.pop(next(candidates, next(iter(self._values)))))
        return gone

    def pop(self, key: str) -> Value | None:
        """The value, which is forgotten, or `None`."""
        with self._lock:
            return self._values.pop(key, None)


class HandshakeNonces:
    """Handshake directives waiting to be fetched: each once, and within a minute."""

    lifetime = 60.0

    def __init__(self, clock: Callable[[], float], *, maximum: int = 1000) -> None:
        self._clock = clock
        self._waiting: BoundedStore[tuple[float, list[str]]] = BoundedStore(maximum)

    def put(self, directives: list[str]) -> str:
        """A new nonce for `directives`."""
        nonce = secrets.token_urlsafe(24)
        self._waiting.put(nonce, (self._clock() + self.lifetime, directives))
        return nonce

    def take(self, nonce: str) -> list[str] | None:
        """The directives, if the nonce is known, fresh and was not taken before."""
        waiting = self._waiting.pop(nonce)
        if waiting is None or waiting[0] <= self._clock():
            return None
        return waiting[1]

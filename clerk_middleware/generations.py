"""A bounded memory without a lock."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Generations(Generic[K, V]):
    """Two generations of plain dicts: when the young one is full, the old one is forgotten.

    No thread ever iterates over what another one changes.
    """

    def __init__(self, size: int) -> None:
        """:param size: how many entries there are at most; 0 remembers nothing."""
        self._generation_size = size // 2
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        return self._young.get(key) or self._old.get(key)

    def add(self, key: K, value: V) -> None:
        if len(self._young) >= self._generation_size:
            self._old, self._young = self._young, {}
        if self._generation_size:
            self._young[key] = value

    def remove(self, key: K) -> None:
        self._young.pop(key, None)
        self._old.pop(key, None)

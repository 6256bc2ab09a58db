"""Metadata and other tables of which the content is anybody's: how large they may be, and how they change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .rules import Refused

__all__ = ["expect_table", "merged"]

#: Bytes of a table's JSON, and tables in tables.
_MAXIMUM_SIZE = 4096
_MAXIMUM_DEPTH = 20


def expect_table(parameter: str, value: object) -> dict[str, Any]:
    """`value`, which a body has as `parameter`: an object that is not too large to be kept.

    Raises `Refused`.
    """
    if not isinstance(value, dict) or _is_deeper(value, _MAXIMUM_DEPTH) or not _is_small_json(value):
        size = f"at most {_MAXIMUM_SIZE} bytes and {_MAXIMUM_DEPTH} levels"
        message = f"{parameter} must be an object of {size}."
        raise Refused("form_param_value_invalid", message, parameter=parameter)
    return value


def merged(parameter: str, known: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`known` with `changes`, at every level; ``None`` takes a key away. Raises `Refused`."""
    return expect_table(parameter, _merge(known, changes))


def _merge(known: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(known)
    for key, value in changes.items():
        former = known.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = _merge(former if isinstance(former, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def _is_deeper(value: object, levels: int) -> bool:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(levels == 0 or _is_deeper(child, levels - 1) for child in children)


def _is_small_json(value: dict[str, Any]) -> bool:
    """Whether it is short, and neither a lone surrogate nor a number that is none keeps it from an answer."""
    try:
        return len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode()) <= _MAXIMUM_SIZE
    except ValueError:
        return False

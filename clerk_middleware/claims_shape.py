"""`SessionAuth.claims_as`: claims as a dataclass or a TypedDict, checked against its annotations."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping, Sequence
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from .errors import ClerkError

T = TypeVar("T")


def shape_claims(claims: Mapping[str, Any], shape: type[T]) -> T:
    """Return *claims* as *shape*; claims that it does not name are left out.

    :raises ClerkError: naming the claim that is missing or of another type.
    :raises TypeError: if *shape* is neither a dataclass nor a `TypedDict`.
    """
    if not _is_shape(shape):
        raise TypeError(f"claims_as() takes a dataclass or a TypedDict, not {shape!r}")
    return _shaped(claims, shape, "")  # type: ignore[no-any-return]


def _is_shape(annotation: object) -> bool:
    return is_typeddict(annotation) or (isinstance(annotation, type) and dataclasses.is_dataclass(annotation))


def _shaped(claims: Mapping[str, Any], shape: Any, path: str) -> Any:
    hints = get_type_hints(shape, include_extras=True)
    fields = {}
    for name, annotation in hints.items():
        if name in claims:
            fields[name] = _checked(claims[name], annotation, f"{path}{name}")
        elif name in _required(shape):
            raise ClerkError(
                f"the session token has no claim {path}{name!r}, which {shape.__name__} requires: add it "
                "under 'Sessions' → 'Customize session token' in the Clerk Dashboard"
            )
    return shape(**fields)


def _required(shape: Any) -> frozenset[str]:
    if is_typeddict(shape):
        return shape.__required_keys__  # type: ignore[no-any-return]
    return frozenset(
        field.name
        for field in dataclasses.fields(shape)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    )


def _checked(value: Any, annotation: Any, path: str) -> Any:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is Any:
        return value
    if origin in (Annotated, Required, NotRequired):
        return _checked(value, arguments[0], path)
    if origin in (Union, types.UnionType):
        for alternative in arguments:
            try:
                return _checked(value, alternative, path)
            except ClerkError:
                continue
    elif origin is Literal:
        if any(value == literal and type(value) is type(literal) for literal in arguments):
            return value
    elif _is_shape(annotation):
        if isinstance(value, Mapping):
            return _shaped(value, annotation, f"{path}.")
    elif origin in (list, tuple, Sequence) or annotation in (list, tuple):
        if isinstance(value, Sequence) and not isinstance(value, str):
            items = [
                _checked(item, arguments[0], f"{path}[{i}]") if arguments else item
                for i, item in enumerate(value)
            ]
            return tuple(items) if tuple in (origin, annotation) else items
    elif origin in (dict, Mapping) or annotation is dict:
        if isinstance(value, Mapping):
            return {
                name: _checked(item, arguments[1], f"{path}.{name}") if arguments else item
                for name, item in value.items()
            }
    elif annotation in (None, type(None)):
        if value is None:
            return None
    elif _is_instance(value, annotation):
        return value
    expected = getattr(annotation, "__name__", None) if origin is None else None
    raise ClerkError(f"the claim {path!r} is of type {type(value).__name__}, not {expected or annotation}")


def _is_instance(value: object, annotation: Any) -> bool:
    if annotation is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(annotation, type) and isinstance(value, annotation)

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
    return isinstance(annotation, type) and (
        dataclasses.is_dataclass(annotation) or hasattr(annotation, "__required_keys__")
    )


def _shaped(claims: Mapping[str, Any], shape: Any, path: str) -> Any:
    members = {}
    for name, annotation, is_required in _members(shape):
        if name in claims:
            members[name] = _checked(claims[name], annotation, f"{path}{name}")
        elif is_required:
            raise ClerkError(
                f"the session token has no claim {path + name!r}, which {shape.__name__} requires: add it "
                "under 'Sessions' → 'Customize session token' in the Clerk Dashboard"
            )
    return shape(**members)


def _members(shape: Any) -> list[tuple[str, Any, bool]]:
    """Name, annotation and whether it is required, of each member."""
    hints = get_type_hints(shape, include_extras=True)
    if dataclasses.is_dataclass(shape):
        return [
            (field.name, hints[field.name], _has_no_default(field))
            for field in dataclasses.fields(shape)
            if field.init
        ]
    # Where annotations are strings, a TypedDict does not know its own NotRequired before Python 3.14.
    return [
        (name, annotation, _is_required(annotation, name in shape.__required_keys__))
        for name, annotation in hints.items()
    ]


def _has_no_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _is_required(annotation: Any, otherwise: bool) -> bool:
    qualifier = _qualifier(annotation)
    return otherwise if qualifier is None else qualifier == "Required"


def _qualifier(annotation: Any) -> str | None:
    """``Required`` or ``NotRequired``, of `typing` or of typing_extensions."""
    name = getattr(get_origin(annotation), "__name__", getattr(get_origin(annotation), "_name", None))
    return name if name in ("Required", "NotRequired") else None


def _checked(value: Any, annotation: Any, path: str) -> Any:
    """Return *value* as *annotation* has it, or raise."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is Any:
        return value
    if origin in (Annotated, Required, NotRequired) or _qualifier(annotation):
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
    elif (origin or annotation) in (list, tuple, Sequence):
        if _has_items(value, origin, arguments):
            return _items(value, origin or annotation, arguments, path)
    elif (origin or annotation) in (dict, Mapping):
        if isinstance(value, Mapping):
            item_type = arguments[1] if arguments else Any
            return {name: _checked(item, item_type, f"{path}.{name}") for name, item in value.items()}
    elif annotation in (None, type(None)):
        if value is None:
            return None
    elif _is_instance(value, annotation):
        return value
    wanted = getattr(annotation, "__name__", annotation) if origin is None else annotation
    raise ClerkError(f"the claim {path!r} is of type {type(value).__name__}, not {wanted}")


def _has_items(value: Any, origin: Any, arguments: tuple[Any, ...]) -> bool:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return False
    is_fixed = origin is tuple and arguments[-1:] != (...,)
    return not is_fixed or len(value) == len(arguments)


def _items(value: Sequence[Any], kind: Any, arguments: tuple[Any, ...], path: str) -> Any:
    if kind is tuple and arguments and arguments[-1] is not ...:
        item_types: Sequence[Any] = arguments
    else:
        item_types = [arguments[0] if arguments else Any] * len(value)
    items = [_checked(item, item_types[i], f"{path}[{i}]") for i, item in enumerate(value)]
    return tuple(items) if kind is tuple else items


def _is_instance(value: object, annotation: Any) -> bool:
    if annotation is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(annotation, type) and isinstance(value, annotation)

"""drf-spectacular: how to authenticate, and what each operation requires.

https://drf-spectacular.readthedocs.io/en/latest/customization.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework.permissions import AND, NOT, OR

from clerk_middleware.openapi_schemes import COOKIE_SCHEME, SCHEMES, TOKEN_SCHEMES
from clerk_middleware.tokens.classes import TOKEN_TYPES, types_of

from .openapi import in_words
from .rest_permissions import ClerkPermission

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from clerk_middleware import TokenType


class ClerkScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """`ClerkAuthentication`: the tokens that the view accepts, or the cookie. To import this is enough."""

    target_class = "clerk_middleware_django.drf.ClerkAuthentication"
    match_subclasses = True
    name = ["ClerkSessionToken", "ClerkSessionCookie"]  # noqa: RUF012  # drf-spectacular compares with a list

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[Any]]]:
        self.name = list(_schemes(auto_schema.view))
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:
        return [dict(scheme) for scheme in _schemes(auto_schema.view).values()]


class ClerkAutoSchema(AutoSchema):
    """Adds to the description of an operation what its permission classes require.

    REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "clerk_middleware_django.spectacular.ClerkAutoSchema"}
    """

    def get_description(self) -> str:  # type: ignore[override]
        required = _required(self.view.get_permissions())
        described = super().get_description() or ""
        return f"{described}\n\nRequires {required}.".strip() if required else described


def _schemes(view: Any) -> dict[str, dict[str, Any]]:
    """The ways to authenticate, by the names of their schemes."""
    accepted = {name for permission in view.get_permissions() for name in _accepted(permission)}
    names: list[str] = []
    for token_type in TOKEN_TYPES:
        if token_type in (accepted or ("session_token",)):
            names.append(TOKEN_SCHEMES[token_type])
            if token_type == "session_token":
                names.append(COOKIE_SCHEME)
    return {name: SCHEMES[name] for name in names}


def _accepted(permission: Any) -> Iterator[TokenType]:
    """The types of token that a permission lets in; none, if Clerk has no part in it."""
    if isinstance(permission, ClerkPermission):
        yield from types_of(permission.requirement.accepts_token)
    for side in ("op1", "op2"):
        yield from _accepted(getattr(permission, side, None)) if hasattr(permission, side) else ()


def _required(permissions: Sequence[object]) -> str | None:
    said = [words for permission in permissions if (words := _in_words(permission)) is not None]
    return " and ".join(said) or None


def _in_words(permission: Any) -> str | None:
    """`None` for what Clerk has no part in."""
    kind = type(permission)
    if issubclass(kind, ClerkPermission):
        return in_words(permission.requirement)
    if issubclass(kind, AND):
        return _required([permission.op1, permission.op2])
    if issubclass(kind, OR) and _required([permission.op1, permission.op2]):
        either, other = (_in_words(side) or _name(side) for side in (permission.op1, permission.op2))
        return f"({either} or {other})"
    if issubclass(kind, NOT) and _required([permission.op1]):
        return f"not ({_in_words(permission.op1)})"
    return None


def _name(permission: object) -> str:
    return f"what {type(permission).__name__} asks"

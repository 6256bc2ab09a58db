"""What a test says that a session may do, as claims; with errors for what Clerk would never grant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from clerk_middleware.errors import ConfigurationError

from .packing import Entitlements, Membership, version_2_claims

__all__ = ["granted_claims", "items", "text"]

_KEY = r"[A-Za-z0-9_-]+"
_ROLE = re.compile(rf"org:{_KEY}")
_PERMISSION = re.compile(rf"org:(?P<feature>{_KEY}):{_KEY}")
_ENTITLEMENT = re.compile(rf"(?:(?P<scope>o|org|organization|u|user):)?(?P<name>{_KEY})")


def granted_claims(
    *,
    org_id: str | None,
    org_slug: str | None,
    org_role: str | None,
    permissions: Iterable[str],
    features: Iterable[str],
    plan: str | None,
) -> dict[str, Any]:
    """The claims about organization, features and plan.

    :raises ConfigurationError: naming the parameter, and how to write it.
    """
    held = [_permission(value) for value in items("permissions", permissions)]
    entitled = [_entitlement("features", value) for value in items("features", features)]
    subscribed = [_entitlement("plan", plan)] if plan is not None else []
    organization = (org_id, org_slug, org_role)
    is_member = bool(held) or any(value is not None for value in organization)
    membership, default = None, "u"
    if is_member or "o" in {scope for scope, _ in entitled + subscribed}:
        if org_slug is not None:
            text("org_slug", org_slug, "acme")
        org_id = "org_test" if org_id is None else text("org_id", org_id, "org_acme")
        role = "org:member" if org_role is None else _role(org_role)
        membership, default = Membership(org_id, org_slug, role, held), "o"

    def of(scope: str) -> Entitlements:
        features, plans = (
            [name for own, name in given if (own or default) == scope] for given in (entitled, subscribed)
        )
        return Entitlements(features, plans[0] if plans else None)

    return version_2_claims(membership, organization=of("o"), user=of("u"))


def text(name: str, value: object, example: str) -> str:
    """*value*, which must be a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"must be a text such as {example!r}, not {value!r}", source=name)
    return value


def items(name: str, values: Iterable[str]) -> list[str]:
    """*values*, which must not be a single text."""
    if isinstance(values, str):
        raise ConfigurationError(f"must be a list: write [{values!r}]", source=name)
    return list(values)


def _role(value: object) -> str:
    if not isinstance(value, str) or not _ROLE.fullmatch(value):
        raise ConfigurationError(
            f"Clerk's roles are called org:NAME, such as 'org:admin'; {value!r} is none", source="org_role"
        )
    return value


def _permission(value: object) -> str:
    match = _PERMISSION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ConfigurationError(
            f"Clerk's permissions are called org:FEATURE:NAME, such as 'org:teams:manage'; {value!r} is none",
            source="permissions",
        )
    if match["feature"].startswith("sys_"):
        raise ConfigurationError(
            f"{value!r} is one of Clerk's system permissions, which no session token holds: check a role, or "
            "a permission of your own",
            source="permissions",
        )
    return match[0]


def _entitlement(option: str, value: object) -> tuple[str, str]:
    """Scope (``o``, ``u`` or none) and name."""
    match = _ENTITLEMENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        name = "export" if option == "features" else "pro"
        raise ConfigurationError(
            f"{value!r} must be a name such as {name!r}, or one with a scope, 'org:{name}' or 'user:{name}'",
            source=option,
        )
    return (match["scope"] or "")[:1], match["name"]

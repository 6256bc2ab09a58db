"""The claims of a session token about organization, features and plans, as version 2 packs them.

The permissions of the active organization become ``o.per`` (their names) and ``o.fpm`` (for each
organization feature of ``fea``, in order, a number whose bit *i* stands for the *i*-th name).

https://clerk.com/docs/guides/sessions/session-tokens
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

__all__ = ["Entitlements", "Membership", "version_2_claims"]


class Membership(NamedTuple):
    """The active organization of a session, and what its user may do there."""

    org_id: str
    org_slug: str | None
    #: ``org:admin``
    org_role: str
    #: ``org:FEATURE:NAME``
    permissions: Iterable[str] = ()


class Entitlements(NamedTuple):
    """What an organization or a user has."""

    features: Iterable[str] = ()
    plan: str | None = None


_NOTHING = Entitlements()


def version_2_claims(
    membership: Membership | None,
    *,
    organization: Entitlements = _NOTHING,
    user: Entitlements = _NOTHING,
) -> dict[str, Any]:
    """``v``, ``pla``, ``fea`` and ``o``, as far as there is anything to say.

    An organization has the features that the permissions belong to.
    """
    pairs = [permission.split(":")[1:] for permission in sorted(membership.permissions)] if membership else []
    organization_features = sorted({*organization.features, *(feature for feature, _ in pairs)})
    claims: dict[str, Any] = {"v": 2}
    if plans := _plans(organization.plan, user.plan):
        claims["pla"] = plans
    if features := _features(organization_features, sorted(set(user.features))):
        claims["fea"] = features
    if membership is not None:
        claims["o"] = {"id": membership.org_id, "rol": membership.org_role.removeprefix("org:")}
        if membership.org_slug is not None:
            claims["o"]["slg"] = membership.org_slug
        claims["o"] |= _permissions(pairs, organization_features)
    return claims


def _plans(of_organization: str | None, of_user: str | None) -> str:
    scoped = [of_organization and f"o:{of_organization}", of_user and f"u:{of_user}"]
    return ",".join(filter(None, scoped))


def _features(of_organization: list[str], of_user: list[str]) -> str:
    scoped = [f"{'ou' if feature in of_user else 'o'}:{feature}" for feature in of_organization]
    return ",".join(scoped + [f"u:{feature}" for feature in of_user if feature not in of_organization])


def _permissions(pairs: list[list[str]], features: list[str]) -> Mapping[str, str]:
    if not pairs:
        return {}
    names = sorted({name for _, name in pairs})
    masks = dict.fromkeys(features, 0)
    for feature, name in pairs:
        masks[feature] |= 1 << names.index(name)
    return {"per": ",".join(names), "fpm": ",".join(map(str, masks.values()))}

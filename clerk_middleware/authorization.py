"""`has()`: what a session is allowed to do.

Follows https://clerk.com/docs/guides/secure/authorization-checks and
https://clerk.com/docs/guides/secure/reverification. Nothing here raises: what is malformed is
not allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from .claims import SessionClaims

Level = Literal["first_factor", "second_factor", "multi_factor"]
Preset = Literal["strict_mfa", "strict", "moderate", "lax"]


class Reverification(TypedDict):
    """How recently, and with what, a user must have verified their credentials."""

    #: Which factor counts.
    level: Level
    #: Older than this many minutes is too old.
    after_minutes: float


class Asked(TypedDict, total=False):
    """What a session can be asked for: the parameters of ``has()``."""

    #: ``org:admin``, in the active organization; the prefix may be left out.
    role: str | None
    #: ``org:teams:manage``, likewise.
    permission: str | None
    #: ``export``, or with a scope ``org:export``, ``user:export``.
    feature: str | None
    #: ``pro``, likewise.
    plan: str | None
    #: A preset's name, or a level and an age.
    reverification: Preset | Reverification | Mapping[str, object] | None


#: Clerk's names for the usual requirements.
PRESETS: Mapping[str, Reverification] = {
    "strict_mfa": {"level": "multi_factor", "after_minutes": 10},
    "strict": {"level": "second_factor", "after_minutes": 10},
    "moderate": {"level": "second_factor", "after_minutes": 60},
    "lax": {"level": "second_factor", "after_minutes": 1440},
}

_NEVER = -1


def has(
    session: SessionClaims,
    role: str | None = None,
    permission: str | None = None,
    feature: str | None = None,
    plan: str | None = None,
    reverification: Preset | Reverification | Mapping[str, object] | None = None,
) -> bool:
    """Tell whether *session* has everything that is asked; `None` asks nothing.

    :param role: ``org:admin``, in the active organization; the prefix may be left out.
    :param permission: ``org:teams:manage``, likewise.
    :param feature: ``export``, or with a scope ``org:export``, ``user:export``.
    :param plan: like *feature*.
    :param reverification: a preset's name or a `Reverification`.
    """
    if session.user_id is None:
        return False
    asked = False
    if role is not None:
        if not _holds_role(session, role):
            return False
        asked = True
    if permission is not None:
        if not _holds_permission(session, permission):
            return False
        asked = True
    if feature is not None:
        if not _in_scope(session.features, feature):
            return False
        asked = True
    if plan is not None:
        if not _in_scope(session.plans, plan):
            return False
        asked = True
    if reverification is not None:
        if not _is_fresh(session.checked_factor_age, reverification):
            return False
        asked = True
    return asked


def _holds_role(session: SessionClaims, role: str) -> bool:
    held = session.org_role
    if not isinstance(role, str) or not role or session.org_id is None or held is None:
        return False
    return _without_prefix(held) == _without_prefix(role)


def _holds_permission(session: SessionClaims, permission: str) -> bool:
    if not isinstance(permission, str) or not permission or session.org_id is None:
        return False
    return f"org:{_without_prefix(permission)}" in session.granted_permissions


def _without_prefix(key: str) -> str:
    """A role's or permission's key without its ``org:`` prefix, however often it stands there."""
    while key.startswith("org:"):
        key = key[4:]
    return key


def _in_scope(scopes: tuple[frozenset[str], frozenset[str]], asked: str) -> bool:
    if not isinstance(asked, str):
        return False
    of_organization, of_user = scopes
    scope, colon, name = asked.partition(":")
    if not colon:
        return asked in of_organization or asked in of_user
    if scope in ("o", "org", "organization"):
        return name in of_organization
    if scope in ("u", "user"):
        return name in of_user
    return False


def reverification_of(asked: object) -> Reverification | None:
    """The level and age that *asked* (a preset's name or a mapping) stands for, `None` if malformed."""
    if isinstance(asked, str):
        preset = PRESETS.get(asked)
        return preset.copy() if preset is not None else None
    if not isinstance(asked, Mapping):
        return None
    level, after = asked.get("level"), asked.get("after_minutes")
    if not isinstance(after, (int, float)) or isinstance(after, bool) or not after > 0:
        return None
    if level == "first_factor" or level == "second_factor" or level == "multi_factor":
        return {"level": level, "after_minutes": after}
    return None


def _is_fresh(ages: tuple[float, float] | None, asked: object) -> bool:
    wanted = reverification_of(asked)
    if wanted is None or ages is None:
        return False
    first, second = ages
    limit = wanted["after_minutes"]
    first_is_fresh = first != _NEVER and first < limit
    if wanted["level"] == "first_factor" or second == _NEVER:  # no second factor: the first decides
        return first_is_fresh
    second_is_fresh = second < limit
    return second_is_fresh if wanted["level"] == "second_factor" else first_is_fresh and second_is_fresh

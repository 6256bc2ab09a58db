"""What a session token says, whichever version of Clerk's claims it uses.

Versions 1 and 2: https://clerk.com/docs/guides/sessions/session-tokens
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from .lazy import lazy

_ORG_SCOPES = ("o", "ou", "uo")
_USER_SCOPES = ("u", "ou", "uo")
_MAX_MASK_DIGITS = 300  # about 1,000 permissions; a longer mask grants nothing

_Scopes = tuple[frozenset[str], frozenset[str]]


class SessionClaims:
    """The claims of a verified session token, read lazily and never changed.

    One object serves every request that presents the same token, so nothing of it is mutable.
    """

    def __init__(self, payload: Mapping[str, Any]) -> None:
        self._payload = payload
        self._is_version_2 = payload.get("v") == 2
        organization = payload.get("o") if self._is_version_2 else None
        self._organization: Mapping[str, Any] | None = (
            organization if isinstance(organization, dict) and organization else None
        )
        self.user_id: str | None = _text(payload.get("sub"))
        self.session_id: str | None = _text(payload.get("sid"))
        status = payload.get("sts")
        self.session_status: str | None = status if isinstance(status, str) else None

    @lazy
    def read_only(self) -> ReadOnlyDict:
        """Every claim as it came, custom claims too."""
        return ReadOnlyDict({name: frozen(value) for name, value in self._payload.items()})

    @lazy
    def actor(self) -> ReadOnlyDict | None:
        """Who impersonates the user, from ``act``."""
        actor = self.read_only.get("act")
        return actor if isinstance(actor, ReadOnlyDict) else None

    @lazy
    def org_id(self) -> str | None:
        return self._of_organization("id", "org_id")

    @lazy
    def org_slug(self) -> str | None:
        return self._of_organization("slg", "org_slug")

    @lazy
    def org_role(self) -> str | None:
        role = self._of_organization("rol", "org_role")
        return f"org:{role}" if role and self._is_version_2 else role

    def _of_organization(self, version_2: str, version_1: str) -> str | None:
        # In a version 2 token the org_* names are free for custom claims, which grant nothing.
        if self._is_version_2:
            return _text(self._organization.get(version_2)) if self._organization else None
        return _text(self._payload.get(version_1))

    @lazy
    def org_permissions(self) -> tuple[str, ...] | None:
        """Permissions in the active organization, as ``org:FEATURE:NAME``."""
        if self._is_version_2:
            return _unpack_permissions(self._organization, self._payload.get("fea"))
        listed = self._payload.get("org_permissions")
        if self.org_id is None or not isinstance(listed, list):
            return None
        return tuple(permission for permission in listed if isinstance(permission, str))

    @lazy
    def granted_permissions(self) -> frozenset[str]:
        """`org_permissions`, for asking."""
        return frozenset(self.org_permissions or ())

    @lazy
    def features(self) -> _Scopes:
        """Names of the features of the organization, and of the user."""
        return _split_by_scope(self._payload.get("fea"))

    @lazy
    def plans(self) -> _Scopes:
        """Names of the plans of the organization, and of the user."""
        return _split_by_scope(self._payload.get("pla"))

    @lazy
    def factor_verification_age(self) -> tuple[float, float] | None:
        """Minutes since the first and the second factor were verified, -1 for never, as they came."""
        ages = self._payload.get("fva")
        return tuple(ages) if isinstance(ages, list) else None

    @lazy
    def checked_factor_age(self) -> tuple[float, float] | None:
        """`factor_verification_age`, `None` where it is malformed."""
        ages = self.factor_verification_age
        return ages if ages is not None and len(ages) == 2 and all(map(_is_age, ages)) else None


class ReadOnlyDict(dict[str, Any]):
    """A `dict` that refuses to be changed; `dict(it)` is a copy that does not."""

    def _refuse(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError("session claims are read-only: change a copy, as in dict(auth.session_claims)")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = _refuse
    setdefault: Any = _refuse
    update: Any = _refuse

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return {name: _thawed(value) for name, value in self.items()}

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (dict(self),)


class ReadOnlyList(list[Any]):
    """A `list` that refuses to be changed; `list(it)` is a copy that does not."""

    def _refuse(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError("session claims are read-only: change a copy, as in list(...)")

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = _refuse
    sort: Any = _refuse

    def __copy__(self) -> list[Any]:
        return list(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        return [_thawed(item) for item in self]

    def __reduce__(self) -> tuple[type[list[Any]], tuple[list[Any]]]:
        return list, (list(self),)


def frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return ReadOnlyDict({name: frozen(item) for name, item in value.items()})
    if isinstance(value, list):
        return ReadOnlyList(frozen(item) for item in value)
    return value


def _thawed(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _thawed(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_thawed(item) for item in value]
    return value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _is_age(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and (value == -1 or value >= 0)


def _elements(claim: object) -> list[tuple[str, str]]:
    """``o:a,uo:b`` as pairs of scope and name; a malformed claim has none."""
    if not isinstance(claim, str) or not claim:
        return []
    pairs = []
    for element in claim.split(","):
        scope, colon, name = element.strip().partition(":")
        if not colon:
            return []
        pairs.append((scope, name))
    return pairs


def _split_by_scope(claim: object) -> _Scopes:
    pairs = _elements(claim)
    return (
        frozenset(name for scope, name in pairs if scope in _ORG_SCOPES),
        frozenset(name for scope, name in pairs if scope in _USER_SCOPES),
    )


def _unpack_permissions(organization: Mapping[str, Any] | None, features: object) -> tuple[str, ...] | None:
    """Expand ``per`` by ``fpm``: a bit mask of ``per`` for each organization feature of ``fea``."""
    if organization is None:
        return None
    names, masks = organization.get("per"), organization.get("fpm")
    if not isinstance(names, str) or not names or not isinstance(masks, str):
        return ()
    granted: list[str] = []
    permission_names = [name.strip() for name in names.split(",")]
    org_features = [name for scope, name in _elements(features) if scope in _ORG_SCOPES]
    for feature, mask in zip(org_features, masks.split(","), strict=False):
        digits = mask.strip()
        if not (digits.isascii() and digits.isdigit()) or len(digits) > _MAX_MASK_DIGITS:
            continue
        bits = int(digits)
        for name in permission_names:
            if bits & 1:
                granted.append(f"org:{feature}:{name}")
            bits >>= 1
    return tuple(granted)

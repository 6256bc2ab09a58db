"""What Clerk knows of a user who is here for the first time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model

from clerk_middleware.logging import logger

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from clerk_middleware import SessionAuth


@dataclass(frozen=True, kw_only=True)
class ClerkProfile:
    """A Clerk user, by the session, the Backend API or a webhook: what ``USER_FIELDS`` is given."""

    #: Clerk's id of the user.
    user_id: str
    #: The primary email address, `None` unless Clerk has verified that it is the user's.
    email: str | None = None
    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    image_url: str | None = None
    #: The claims of the session; none where a webhook tells of the user.
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)
    #: The user as the Backend API and webhooks describe one; `None` where the claims were enough.
    backend_user: Mapping[str, Any] | None = field(default=None, repr=False)

    @classmethod
    def of_claims(cls, auth: SessionAuth) -> Self:
        """From a session, whose token may hold more or less; see `is_in_claims`."""
        claims = auth.session_claims
        return cls(
            user_id=auth.user_id,
            email=_address(claims.get("email")) if claims.get("email_verified") is True else None,
            username=_text(claims, "username"),
            first_name=_text(claims, "first_name", "given_name"),
            last_name=_text(claims, "last_name", "family_name"),
            image_url=_text(claims, "image_url", "picture"),
            claims=claims,
        )

    @classmethod
    def of_backend(cls, auth: SessionAuth, user: Mapping[str, Any]) -> Self:
        """From the Backend API's description."""
        return cls._described(auth.user_id, user, auth.session_claims)

    @classmethod
    def of_event(cls, user: Mapping[str, Any]) -> Self:
        """From a webhook's description, which is the same; there are no claims then."""
        return cls._described(user["id"], user, {})

    @classmethod
    def _described(cls, user_id: str, user: Mapping[str, Any], claims: Mapping[str, Any]) -> Self:
        return cls(
            user_id=user_id,
            email=_primary_email(user),
            username=_text(user, "username"),
            first_name=_text(user, "first_name"),
            last_name=_text(user, "last_name"),
            image_url=_text(user, "image_url"),
            claims=claims,
            backend_user=user,
        )


def is_in_claims(auth: SessionAuth) -> bool:
    """Whether the project's session tokens tell of the email address, and of whether it is verified.

    https://clerk.com/docs/guides/sessions/customize-session-tokens
    """
    claims = auth.session_claims
    return isinstance(claims.get("email"), str) and isinstance(claims.get("email_verified"), bool)


def default_fields(profile: ClerkProfile) -> dict[str, Any] | None:
    """The fields of a new local user, where ``USER_FIELDS`` does not decide them.

    The user name is Clerk's id, which nobody can choose; it is the email address where that is the
    model's user name.
    """
    model: Any = get_user_model()
    fields = _known_fields(model, profile)
    if not fields[model.USERNAME_FIELD]:
        logger.warning(
            "Clerk: %s gets no local user: %s is the user name of %s, and there is no verified email address "
            "at Clerk. CLERK['USER_FIELDS'] can decide otherwise.",
            profile.user_id,
            model.USERNAME_FIELD,
            model._meta.label,
        )
        return None
    return fields


def default_changes(profile: ClerkProfile) -> dict[str, Any]:
    """The fields of a known local user, likewise. Their user name stays, unless it is the email address."""
    model: Any = get_user_model()
    fields = _known_fields(model, profile)
    name = model.USERNAME_FIELD
    if name != model.get_email_field_name() or not fields[name]:
        del fields[name]
    return fields


def _known_fields(model: Any, profile: ClerkProfile) -> dict[str, Any]:
    columns = {column.name: column for column in model._meta.concrete_fields}
    email = model.get_email_field_name()
    fields: dict[str, Any] = {model.USERNAME_FIELD: profile.user_id}
    if email in columns:
        address = profile.email
        if address is not None and len(address) > (columns[email].max_length or len(address)):
            address = None
        fields[email] = address or (None if columns[email].null else "")
    for name, text in (("first_name", profile.first_name), ("last_name", profile.last_name)):
        if name in columns:
            fields[name] = (text or "")[: columns[name].max_length]
    return fields


def _primary_email(user: Mapping[str, Any]) -> str | None:
    primary, addresses = user.get("primary_email_address_id"), user.get("email_addresses")
    for address in addresses if isinstance(addresses, list) else ():
        if isinstance(address, dict) and primary is not None and address.get("id") == primary:
            verification = address.get("verification")
            if isinstance(verification, dict) and verification.get("status") == "verified":
                return _address(address.get("email_address"))
    return None


def _address(value: object) -> str | None:
    """An email address as it is: repaired, it would be another's."""
    return value if isinstance(value, str) and value.isprintable() and value.strip() == value else None


def _text(source: Mapping[str, Any], *names: str) -> str | None:
    """The first of *names* that holds text, without what databases don't take."""
    for name in names:
        value = source.get(name)
        if isinstance(value, str):
            storable = value.replace("\x00", "").encode("utf-8", "replace").decode().strip()
            if storable:
                return storable
    return None

"""What `LocalClerk` does with users while it runs. Everything is an event, too."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any, TypedDict, Unpack

from . import rules
from .directory_objects import deleted_object, user_data
from .organization_invitation_access import OrganizationInvitationAccess
from .rules import Refused
from .seed import User
from .seed_reader import SeedError, SeedReader
from .user_seed_builder import user_of

__all__ = ["UserAccess", "UserChanges", "UserFields"]


class UserFields(TypedDict, total=False):
    """What a user has besides an id and an e-mail address; `None` is what a user doesn't have."""

    email_verified: bool
    password: str
    first_name: str | None
    last_name: str | None
    username: str | None
    second_factor_code: str | None
    totp_secret: str | None
    plan: str | None
    external_id: str | None
    banned: bool
    locked: bool
    public_metadata: Mapping[str, Any]
    private_metadata: Mapping[str, Any]
    unsafe_metadata: Mapping[str, Any]
    #: By provider: ``{"google": {"token": "...", "scopes": ["..."]}}``.
    oauth_access_tokens: Mapping[str, Mapping[str, Any]]


class UserChanges(UserFields, total=False):
    """What can change of a user."""

    email: str


class UserAccess(OrganizationInvitationAccess):
    """Makes, changes and deletes users."""

    def create_user(self, email: str, *, id: str | None = None, **fields: Unpack[UserFields]) -> User:
        """A new user, who can sign in at once: ``user.created``.

        The fields are those of a user in a seed. The id (``user_…``) and the password are random ones
        unless they are given. Raises `ValueError` for what no user can be, or another is already.
        """
        values = {
            "id": id or f"user_{secrets.token_hex(12)}",
            "email": email,
            "password": secrets.token_urlsafe(12),
            **fields,
        }
        with self._directory_lock:
            self._expect_possible({"email": email, **fields}, None)
            user = self._user(values, "create_user", self._instance.users)
            self._instance.put_user(user)
            self._instance.announce("user.created", user_data(self._instance, user))
        return user

    def update_user(self, user_id: str, **changes: Unpack[UserChanges]) -> User:
        """Change a user: ``user.updated``. The changes are fields of a user in a seed.

        Tokens tell of it from the next one on. Raises `LookupError` for a user that is not, and
        `ValueError` for what no user can be, or another is already.
        """
        with self._directory_lock:
            known = self._known_user(user_id)
            self._expect_possible(changes, known)
            others = {id: user for id, user in self._instance.users.items() if id != user_id}
            user = self._user({**asdict(known), **changes, "id": user_id}, "update_user", others)
            self._instance.put_user(user)
            self._instance.announce("user.updated", user_data(self._instance, user))
        return user

    def set_oauth_access_token(
        self, user_id: str, provider: str, token: str | None, *, scopes: Iterable[str] = ()
    ) -> User:
        """Let a user have an account at a provider (``google``) that gave `token`: ``user.updated``.

        It is what ``GET /users/ID/oauth_access_tokens/PROVIDER`` answers; without a token the account is
        disconnected. Raises `LookupError`, and `ValueError` for what cannot be a provider or a token.
        """
        with self._directory_lock:
            tokens = {**asdict(self._known_user(user_id))["oauth_access_tokens"]}
            tokens.pop(provider, None)
            if token is not None:
                tokens[provider] = {"token": token, "scopes": tuple(scopes)}
            return self.update_user(user_id, oauth_access_tokens=tokens)

    def delete_user(self, user_id: str) -> None:
        """Delete a user: ``user.deleted``.

        Memberships and sessions end (``organizationMembership.deleted``, ``session.removed``), and API
        keys and OAuth tokens of the user are revoked. Raises `LookupError`.
        """
        with self._directory_lock:
            self._known_user(user_id)
            for organization in self._instance.organizations_of(user_id):
                self.delete_organization_membership(organization.id, user_id)
            self._instance.remove_user(user_id)
            self._instance.announce("user.deleted", deleted_object("user", user_id))

    def check_user(self, fields: UserChanges, known: User | None = None) -> None:
        """Whether who is asked by an API lets a user have these fields, a new one unless it is `known`.

        The APIs are stricter than a seed and the methods here: as strict as Clerk about passwords and
        names. What stays as it is was right before. Raises `ValueError`.
        """
        for name, value in fields.items():
            if name in _CHECKS and isinstance(value, str) and getattr(known, name, None) != value:
                _CHECKS[name](value)
        self._expect_possible(fields, known)

    def _expect_possible(self, fields: UserChanges, known: User | None) -> None:
        """Whether there is room for a user, and nobody else has what is one user's alone."""
        if known is None and len(self._instance.users) >= rules.MAXIMUM_USERS:
            raise Refused("user_quota_exceeded", f"There are {rules.MAXIMUM_USERS} users already.")
        for name, value in fields.items():
            if isinstance(value, str) and getattr(known, name, None) != value:
                self._expect_free(name, value, known)

    def _expect_free(self, name: str, value: str, known: User | None) -> None:
        if name in _UNIQUE:
            what, parameter = _UNIQUE[name]
            for other in self._instance.users.values():
                taken = getattr(other, name) or ""
                if taken.lower() == value.lower() and (known is None or other.id != known.id):
                    raise rules.taken(what, value, parameter)

    def _user(self, values: Mapping[str, Any], source: str, others: Mapping[str, User]) -> User:
        table = SeedReader(values, source=source)
        try:
            user = user_of(table, others, self._instance.seed.plans)
            table.finish()
        except SeedError as error:
            raise Refused("form_param_value_invalid", f"{error}.") from error
        return user


def _checked_name(parameter: str) -> Callable[[str], None]:
    return lambda name: rules.check_name(name, parameter=parameter)


_CHECKS: dict[str, Callable[[str], None]] = {
    "email": rules.check_address,
    "username": rules.check_username,
    "password": rules.check_password,
    "first_name": _checked_name("first_name"),
    "last_name": _checked_name("last_name"),
}
#: What no two users have, in whatever case: what to call it, and as what the APIs know it.
_UNIQUE = {
    "email": ("e-mail address", "email_address"),
    "username": ("username", "username"),
    "external_id": ("external_id", "external_id"),
}

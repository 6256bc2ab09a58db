"""What `LocalClerk` does with users and memberships while it runs. Everything is an event, too."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, replace
from threading import RLock
from typing import Any, TypedDict, Unpack

from .directory_objects import deleted_object, membership_object, user_data
from .instance import Instance
from .seed import Organization, User
from .seed_reader import SeedReader
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
    plan: str | None
    public_metadata: Mapping[str, Any]
    private_metadata: Mapping[str, Any]
    unsafe_metadata: Mapping[str, Any]


class UserChanges(UserFields, total=False):
    """What can change of a user."""

    email: str


class UserAccess:
    """Makes, changes and deletes users and their memberships."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        # Changes come from one thread at a time, and each puts new mappings in the place of the old
        # ones, which another thread may be reading.
        self._users_lock = RLock()
        #: Since when, in Unix seconds, by organization and user: of those that began after the start.
        self._member_since: dict[tuple[str, str], float] = {}

    def create_user(self, email: str, *, id: str | None = None, **fields: Unpack[UserFields]) -> User:
        """A new user, who can sign in at once: ``user.created``.

        The fields are those of a user in a seed. The id (``user_…``) and the password are random ones
        unless they are given. Raises `SeedError`, as a seed with such a user would.
        """
        values = {
            "id": id or f"user_{secrets.token_hex(12)}",
            "email": email,
            "password": secrets.token_urlsafe(12),
            **fields,
        }
        with self._users_lock:
            user = self._user(values, "create_user", self._instance.users)
            self._instance.put_user(user)
            self._instance.announce("user.created", user_data(self._instance, user))
        return user

    def update_user(self, user_id: str, **changes: Unpack[UserChanges]) -> User:
        """Change a user: ``user.updated``. The changes are fields of a user in a seed.

        Tokens tell of it from the next one on. Raises `LookupError` for a user that is not, and
        `SeedError`, as a seed with such a user would.
        """
        with self._users_lock:
            known = self._known_user(user_id)
            others = {id: user for id, user in self._instance.users.items() if id != user_id}
            user = self._user({**asdict(known), **changes, "id": user_id}, "update_user", others)
            self._instance.put_user(user)
            self._instance.announce("user.updated", user_data(self._instance, user))
        return user

    def delete_user(self, user_id: str) -> None:
        """Delete a user: ``user.deleted``.

        Memberships and sessions end (``organizationMembership.deleted``, ``session.removed``), and API
        keys and OAuth tokens of the user are revoked. Raises `LookupError`.
        """
        with self._users_lock:
            self._known_user(user_id)
            for organization in self._instance.organizations_of(user_id):
                self.delete_organization_membership(organization.id, user_id)
            self._instance.remove_user(user_id)
            self._instance.announce("user.deleted", deleted_object("user", user_id))

    def create_organization_membership(self, organization: str, user_id: str, role: str) -> None:
        """Make a user a member of an organization (id or slug): ``organizationMembership.created``.

        Raises `LookupError` for an organization, a user or a role that is not, and for a member.
        """
        with self._users_lock:
            found, user = self._organization(organization), self._known_user(user_id)
            if user_id in found.members:
                raise LookupError(f"{user_id!r} is a member of {found.slug!r} already")
            self._member_since[found.id, user.id] = self._instance.clock()
            self._put_membership(found, user, role, "created")

    def update_organization_membership(self, organization: str, user_id: str, role: str) -> None:
        """Give a member another role: ``organizationMembership.updated``. Raises `LookupError`."""
        with self._users_lock:
            found = self._organization(organization)
            self._put_membership(found, self._member(found, user_id), role, "updated")

    def delete_organization_membership(self, organization: str, user_id: str) -> None:
        """End a membership: ``organizationMembership.deleted``. Raises `LookupError`.

        Sessions in which the organization is active go on without one.
        """
        with self._users_lock:
            found = self._organization(organization)
            gone = self._membership(found, self._member(found, user_id))
            members = {id: role for id, role in found.members.items() if id != user_id}
            self._instance.put_organization(replace(found, members=members))
            self._instance.announce("organizationMembership.deleted", gone)

    def _put_membership(self, organization: Organization, user: User, role: str, event: str) -> None:
        roles = self._instance.seed.roles
        if role not in roles:
            raise LookupError(f"no role {role!r}; there are: {', '.join(roles) or 'none'}")
        changed = replace(organization, members={**organization.members, user.id: role})
        self._instance.put_organization(changed)
        self._instance.announce(f"organizationMembership.{event}", self._membership(changed, user))

    def _membership(self, organization: Organization, user: User) -> Mapping[str, Any]:
        since = self._member_since.get((organization.id, user.id), self._instance.created_at)
        return membership_object(self._instance, organization, user, created_at=since)

    def _user(self, values: Mapping[str, Any], source: str, others: Mapping[str, User]) -> User:
        table = SeedReader(values, source=source)
        user = user_of(table, others, self._instance.seed.plans)
        table.finish()
        return user

    def _known_user(self, user_id: str) -> User:
        user = self._instance.users.get(user_id)
        if user is None:
            raise LookupError(f"no user {user_id!r}; there are: {', '.join(self._instance.users) or 'none'}")
        return user

    def _organization(self, id_or_slug: str) -> Organization:
        organization = self._instance.organization_named(id_or_slug)
        if organization is None:
            known = ", ".join(self._instance.organizations) or "none"
            raise LookupError(f"no organization {id_or_slug!r}; there are: {known}")
        return organization

    def _member(self, organization: Organization, user_id: str) -> User:
        if user_id not in organization.members:
            raise LookupError(f"{user_id!r} is no member of {organization.slug!r}")
        return self._known_user(user_id)

"""What `LocalClerk` does with organizations and their members while it runs. Everything is an event, too."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from threading import RLock
from typing import Any, TypedDict, Unpack

from . import rules
from .directory_objects import deleted_object, membership_object, organization_object
from .instance import Instance
from .rules import Refused
from .seed import Organization, User

__all__ = ["OrganizationAccess", "OrganizationFields"]


class OrganizationFields(TypedDict, total=False):
    """What can change of an organization."""

    name: str
    slug: str
    plan: str | None
    max_allowed_memberships: int
    public_metadata: Mapping[str, Any]
    private_metadata: Mapping[str, Any]


class OrganizationAccess:
    """Makes, changes and deletes organizations and memberships."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        # Changes come from one thread at a time, and each puts new mappings in the place of the old
        # ones, which another thread may be reading.
        self._directory_lock = RLock()
        #: Since when, in Unix seconds, by organization and user: of those that began after the start.
        self._member_since: dict[tuple[str, str], float] = {}

    def create_organization(
        self,
        name: str,
        *,
        slug: str | None = None,
        id: str | None = None,
        created_by: str | None = None,
        plan: str | None = None,
        max_allowed_memberships: int = 0,
        public_metadata: Mapping[str, Any] | None = None,
        private_metadata: Mapping[str, Any] | None = None,
    ) -> Organization:
        """A new organization: ``organization.created``.

        Who made it, `created_by`, becomes its first member, in the role ``org:admin``. The slug is made
        of the name unless it is given. Raises `LookupError` for a user or a plan that is not,
        `ValueError` for an id or a slug that is taken and whatever else `rules` do not allow.
        """
        with self._directory_lock:
            if len(self._instance.organizations) >= rules.MAXIMUM_ORGANIZATIONS:
                message = f"There are {rules.MAXIMUM_ORGANIZATIONS} organizations already."
                raise Refused("organization_quota_exceeded", message)
            rules.check_name(name)
            creator = self._known_user(created_by) if created_by else None
            organization = Organization(
                id=id or f"org_{secrets.token_hex(12)}",
                slug=slug or self._free_slug(name),
                name=name,
                plan=self._organization_plan(plan),
                max_allowed_memberships=max_allowed_memberships,
                public_metadata=public_metadata or {},
                private_metadata=private_metadata or {},
                created_by=created_by,
            )
            if organization.id in self._instance.organizations:
                raise rules.taken("id", organization.id, "id")
            self._check_slug(organization)
            if creator:
                self._expect_creator(creator)
            self._instance.put_organization(organization)
            self._announce("organization.created", organization)
            if creator:
                self.create_organization_membership(organization.id, creator.id, "org:admin")
            return self._organization(organization.id)

    def update_organization(self, organization: str, **changes: Unpack[OrganizationFields]) -> Organization:
        """Change an organization (id or slug): ``organization.updated``.

        Raises `LookupError` for one, or a plan, that is not, `ValueError` for a slug that is taken and
        whatever else `rules` do not allow.
        """
        with self._directory_lock:
            former = self._organization(organization)
            changed = replace(former, **changes)
            self._organization_plan(changed.plan)
            if changed.name != former.name:
                rules.check_name(changed.name)
            if changed.slug != former.slug:
                self._check_slug(changed)
            self._instance.put_organization(changed)
            self._announce("organization.updated", changed)
            return changed

    def delete_organization(self, organization: str) -> None:
        """Delete an organization (id or slug): ``organization.deleted``. Raises `LookupError`.

        Sessions in which it is active go on without one.
        """
        with self._directory_lock:
            found = self._organization(organization)
            for user_id in found.members:
                self.delete_organization_membership(found.id, user_id)
            self._instance.remove_organization(found.id)
            self._instance.announce("organization.deleted", deleted_object("organization", found.id))

    # Memberships

    def create_organization_membership(self, organization: str, user_id: str, role: str) -> None:
        """Make a user a member of an organization (id or slug): ``organizationMembership.created``.

        Raises `LookupError` for an organization, a user or a role that is not, `ValueError` for who is a
        member, and where the organization or the user has no room for one more.
        """
        with self._directory_lock:
            found, user = self._organization(organization), self._known_user(user_id)
            if user_id in found.members:
                message = f"{user_id!r} is a member of {found.slug!r} already."
                raise Refused("already_a_member_in_organization", message)
            self._expect_capacity(found, 1)
            self._expect_few_memberships(user)
            self._member_since[found.id, user.id] = self._instance.clock()
            self._put_membership(found, user, role, "created")

    def update_organization_membership(self, organization: str, user_id: str, role: str) -> None:
        """Give a member another role: ``organizationMembership.updated``. Raises `LookupError`."""
        with self._directory_lock:
            found = self._organization(organization)
            self._put_membership(found, self._member(found, user_id), role, "updated")

    def delete_organization_membership(self, organization: str, user_id: str) -> None:
        """End a membership: ``organizationMembership.deleted``. Raises `LookupError`.

        Sessions in which the organization is active go on without one.
        """
        with self._directory_lock:
            found = self._organization(organization)
            gone = self.membership_object(found, self._member(found, user_id))
            members = {id: role for id, role in found.members.items() if id != user_id}
            self._instance.put_organization(replace(found, members=members))
            self._member_since.pop((found.id, user_id), None)
            self._instance.leave_organization(user_id, found.id)
            self._instance.announce("organizationMembership.deleted", gone)

    def membership_object(self, organization: Organization, user: User) -> dict[str, Any]:
        """The membership of one of `organization`'s members, as the Backend API shows it."""
        since = self.member_since(organization, user)
        return membership_object(self._instance, organization, user, created_at=since)

    def member_since(self, organization: Organization, user: User) -> float:
        """Since when a user is one of `organization`'s members, in Unix seconds."""
        return self._member_since.get((organization.id, user.id), self._instance.created_at)

    # What is asked for by name

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

    def _organization_plan(self, plan: str | None) -> str | None:
        plans = self._instance.seed.plans
        if plan is not None and (plan not in plans or plans[plan].scope != "organization"):
            known = ", ".join(plan.key for plan in plans.values() if plan.scope == "organization")
            raise LookupError(f"no plan {plan!r} of organizations; there are: {known or 'none'}")
        return plan

    def _expect_role(self, role: str) -> None:
        roles = self._instance.seed.roles
        if role not in roles:
            raise LookupError(f"no role {role!r}; there are: {', '.join(roles) or 'none'}")

    def _expect_creator(self, user: User) -> None:
        """Refuse who could not become the first member."""
        self._expect_few_memberships(user)
        if "org:admin" not in self._instance.seed.roles:
            message = "The seed has no role org:admin, which who makes an organization gets: add it."
            raise Refused("organization_creator_not_found", message, parameter="created_by")

    def _expect_few_memberships(self, user: User) -> None:
        if len(self._instance.organizations_of(user.id)) >= rules.MAXIMUM_MEMBERSHIPS:
            message = f"Nobody may be in more than {rules.MAXIMUM_MEMBERSHIPS} organizations."
            raise Refused("organization_membership_quota_exceeded", message)

    def _expect_capacity(self, organization: Organization, more: int) -> None:
        """Refuse `more` members, or invitations that are pending, than an organization takes."""
        maximum = organization.max_allowed_memberships
        if 0 < maximum < len(organization.members) + more:
            message = f"The organization takes {maximum} members, with those who are invited."
            raise Refused("organization_membership_quota_exceeded", message)

    def _check_slug(self, organization: Organization) -> None:
        rules.check_slug(organization.slug)
        for other in self._instance.organizations.values():
            if other.slug == organization.slug and other.id != organization.id:
                raise rules.taken("slug", organization.slug, "slug")

    def _free_slug(self, name: str) -> str:
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:64] or "organization"
        return f"{slug}-{secrets.token_hex(4)}" if self._instance.organization_named(slug) else slug

    # What is changed, and announced

    def _put_membership(self, organization: Organization, user: User, role: str, event: str) -> None:
        self._expect_role(role)
        changed = replace(organization, members={**organization.members, user.id: role})
        self._instance.put_organization(changed)
        self._instance.announce(f"organizationMembership.{event}", self.membership_object(changed, user))

    def _announce(self, event: str, organization: Organization) -> None:
        self._instance.announce(event, organization_object(self._instance, organization))

"""Who there is: the users of an instance, its organizations, and who is invited to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .organization_invitations import OrganizationInvitation
from .seed import Organization, Seed, User

__all__ = ["Directory"]


class Directory:
    """Users and organizations by id. Mappings are never changed, but replaced: a thread may read them."""

    def __init__(self, seed: Seed, clock: Callable[[], float]) -> None:
        self.seed = seed
        self.clock = clock
        self.created_at = clock()
        self.users: Mapping[str, User] = dict(seed.users)
        self.organizations: Mapping[str, Organization] = dict(seed.organizations)
        self.organization_invitations: Mapping[str, OrganizationInvitation] = {}
        self._times = dict.fromkeys((*self.users, *self.organizations), (self.created_at, self.created_at))

    def times_of(self, id: str) -> tuple[float, float]:
        """When a user or an organization was made and last changed, in Unix seconds."""
        return self._times[id]

    def put_user(self, user: User) -> None:
        """Add a user, or put a changed one in the place of the former."""
        self._note_change(user.id, is_known=user.id in self.users)
        self.users = {**self.users, user.id: user}

    def remove_user(self, user_id: str) -> None:
        """Forget a user."""
        self.users = {id: user for id, user in self.users.items() if id != user_id}

    def user_by_identifier(self, identifier: str) -> User | None:
        """The user of that e-mail address or username, in whatever case."""
        wanted = identifier.strip().lower()
        return next(
            (
                user
                for user in self.users.values()
                if wanted and wanted in (user.email.lower(), (user.username or "").lower())
            ),
            None,
        )

    def put_organization(self, organization: Organization) -> None:
        """Add an organization, or put a changed one in the place of the former."""
        self._note_change(organization.id, is_known=organization.id in self.organizations)
        self.organizations = {**self.organizations, organization.id: organization}

    def remove_organization(self, organization_id: str) -> None:
        """Forget an organization, and who is invited to it."""
        self.organizations = {id: kept for id, kept in self.organizations.items() if id != organization_id}
        self.organization_invitations = {
            id: kept
            for id, kept in self.organization_invitations.items()
            if kept.organization_id != organization_id
        }

    def organization_named(self, id_or_slug: str) -> Organization | None:
        """The organization of that id or slug."""
        return self.organizations.get(id_or_slug) or next(
            (organization for organization in self.organizations.values() if organization.slug == id_or_slug),
            None,
        )

    def organizations_of(self, user_id: str) -> tuple[Organization, ...]:
        """The organizations that the user is a member of."""
        return tuple(o for o in self.organizations.values() if user_id in o.members)

    def invitations_to(self, organization_id: str) -> list[OrganizationInvitation]:
        """Those to an organization, whatever became of them, the oldest first."""
        return [
            each for each in self.organization_invitations.values() if each.organization_id == organization_id
        ]

    def pending_invitations_count(self, organization_id: str) -> int:
        """How many are invited to an organization now."""
        now = self.clock()
        return sum(each.status_at(now) == "pending" for each in self.invitations_to(organization_id))

    def invitations_of(self, user: User) -> list[OrganizationInvitation]:
        """Those to organizations that are to the address of the user, the oldest first."""
        address = user.email.lower()
        return [each for each in self.organization_invitations.values() if each.email.lower() == address]

    def put_invitation(self, invitation: OrganizationInvitation) -> None:
        """Add an invitation, or put a changed one in the place of the former."""
        self.organization_invitations = {**self.organization_invitations, invitation.id: invitation}

    def _note_change(self, id: str, *, is_known: bool) -> None:
        now = self.clock()
        self._times[id] = (self._times[id][0] if is_known else now, now)

"""What `LocalClerk` does with invitations to organizations while it runs. Everything is an event, too."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

from . import rules
from .directory_objects import invitation_object
from .organization_access import OrganizationAccess
from .organization_invitations import OrganizationInvitation
from .rules import Refused

__all__ = ["OrganizationInvitationAccess"]

#: Seconds for which an invitation may be accepted: 30 days.
_LIFETIME = 30 * 24 * 60 * 60


class OrganizationInvitationAccess(OrganizationAccess):
    """Invites to organizations, by e-mail address."""

    def create_organization_invitation(
        self,
        organization: str,
        email: str,
        role: str,
        *,
        inviter: str | None = None,
        public_metadata: Mapping[str, Any] | None = None,
        private_metadata: Mapping[str, Any] | None = None,
        lifetime: float = _LIFETIME,
    ) -> OrganizationInvitation:
        """Invite somebody by e-mail address: ``organizationInvitation.created``. No mail is sent.

        `lifetime` is in seconds. Raises `LookupError` for an organization, a role or an inviter that is
        not, `ValueError` for who is a member or invited already, and where there is no room for one more.
        """
        with self._directory_lock:
            found = self._organization(organization)
            self._expect_role(role)
            if inviter:
                self._known_user(inviter)
            self.check_organization_invitations(found.id, [email])
            now = self._instance.clock()
            invitation = OrganizationInvitation(
                id=f"orginv_{secrets.token_hex(12)}",
                organization_id=found.id,
                email=email,
                role=role,
                inviter=inviter,
                public_metadata=public_metadata or {},
                private_metadata=private_metadata or {},
                created_at=now,
                updated_at=now,
                expires_at=now + lifetime,
            )
            self._put_invitation(invitation, "created")
            return invitation

    def check_organization_invitations(self, organization: str, emails: Iterable[str]) -> None:
        """Whether all of `emails` can be invited to an organization (id or slug).

        Raises `ValueError` if one of them cannot, or comes twice, and `LookupError`.
        """
        found, emails = self._organization(organization), list(emails)
        kept, now = self._instance.invitations_to(found.id), self._instance.clock()
        if len(kept) + len(emails) > rules.MAXIMUM_INVITATIONS:
            message = f"An organization has at most {rules.MAXIMUM_INVITATIONS} invitations."
            raise Refused("organization_invitation_quota_exceeded", message)
        invited = {each.email.lower() for each in kept if each.status_at(now) == "pending"}
        self._expect_capacity(found, len(invited) + len(emails))
        for email in emails:
            rules.check_address(email)
            user = self._instance.user_by_identifier(email)
            if user and user.id in found.members:
                raise _refused("already_a_member_in_organization", email, f"a member of {found.slug!r}")
            if email.lower() in invited:
                raise _refused("duplicate_record", email, f"invited to {found.slug!r}")
            invited.add(email.lower())

    def revoke_organization_invitation(self, invitation_id: str) -> OrganizationInvitation:
        """Take an invitation back: ``organizationInvitation.revoked``.

        Raises `LookupError` for one that is not, `ValueError` for one that is not pending any more.
        """
        with self._directory_lock:
            return self._close_invitation(self._pending_invitation(invitation_id), "revoked")

    def accept_organization_invitation(self, invitation_id: str, user_id: str) -> OrganizationInvitation:
        """Make the user who is invited a member: ``organizationInvitation.accepted``.

        Raises `LookupError` for an invitation or a user that is not, or who has another address, and
        `ValueError` for an invitation that is not pending any more, or a membership that cannot be.
        """
        with self._directory_lock:
            user = self._known_user(user_id)
            invitation = self._pending_invitation(invitation_id)
            if user.email.lower() != invitation.email.lower():
                raise LookupError(f"the invitation {invitation_id!r} is not for {user_id!r}")
            if user_id not in self._organization(invitation.organization_id).members:
                self.create_organization_membership(invitation.organization_id, user_id, invitation.role)
            return self._close_invitation(invitation, "accepted")

    def _pending_invitation(self, invitation_id: str) -> OrganizationInvitation:
        invitation = self._instance.organization_invitations.get(invitation_id)
        if invitation is None:
            raise LookupError(f"no invitation {invitation_id!r}")
        status = invitation.status_at(self._instance.clock())
        if status != "pending":
            message = f"The invitation is {status}, and not pending any more."
            raise Refused("organization_invitation_not_pending", message)
        return invitation

    def _close_invitation(
        self, invitation: OrganizationInvitation, how: Literal["accepted", "revoked"]
    ) -> OrganizationInvitation:
        closed = replace(invitation, closed=how, updated_at=self._instance.clock())
        self._put_invitation(closed, how)
        return closed

    def _put_invitation(self, invitation: OrganizationInvitation, event: str) -> None:
        self._instance.put_invitation(invitation)
        self._instance.announce(
            f"organizationInvitation.{event}", invitation_object(self._instance, invitation)
        )


def _refused(code: str, email: str, what: str) -> Refused:
    meta = {"email_addresses": [email]}
    return Refused(code, f"{email} is {what} already.", parameter="email_address", meta=meta)

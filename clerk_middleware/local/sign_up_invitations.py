"""Invitations to sign up: https://clerk.com/docs/guides/users/inviting"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from . import rules
from .redeemable import Closed, Redeemable
from .rules import Refused

__all__ = ["SignUpInvitation", "SignUpInvitations"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SignUpInvitation(Redeemable):
    """Somebody may become a user. Times are Unix seconds."""

    id: str
    email: str
    public_metadata: Mapping[str, Any]
    created_at: float
    updated_at: float
    expires_at: float
    closed: Closed | None = None


class SignUpInvitations:
    """Those of an instance. No mail is ever sent."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._invitations: Mapping[str, SignUpInvitation] = {}

    def all(self) -> list[SignUpInvitation]:
        """Every invitation, the oldest first."""
        return list(self._invitations.values())

    def pending_for(self, email: str) -> SignUpInvitation | None:
        """The latest invitation of an e-mail address that can be accepted."""
        now, address = self._clock(), email.lower()
        pending = (each for each in self.all() if each.status_at(now) == "pending")
        return next((each for each in reversed(list(pending)) if each.email.lower() == address), None)

    def expect_room(self, number: int) -> None:
        """Whether there may be so many more: each is kept. Raises `Refused`."""
        if len(self._invitations) + number > rules.MAXIMUM_INVITATIONS:
            message = f"There are at most {rules.MAXIMUM_INVITATIONS} invitations to sign up."
            raise Refused("invitation_quota_exceeded", message)

    def get(self, id: str) -> SignUpInvitation | None:
        """The invitation of that id."""
        return self._invitations.get(id)

    def create(
        self, email: str, *, lifetime: float, public_metadata: Mapping[str, Any] | None = None
    ) -> SignUpInvitation:
        """A new invitation, good for `lifetime` seconds."""
        now = self._clock()
        return self._put(
            SignUpInvitation(
                id=f"inv_{secrets.token_hex(12)}",
                email=email,
                public_metadata=public_metadata or {},
                created_at=now,
                updated_at=now,
                expires_at=now + lifetime,
            )
        )

    def accept(self, invitation: SignUpInvitation) -> SignUpInvitation:
        """Note that who was invited is a user now."""
        return self._put(replace(invitation, closed="accepted", updated_at=self._clock()))

    def revoke(self, invitation: SignUpInvitation) -> SignUpInvitation:
        """Take an invitation back."""
        return self._put(replace(invitation, closed="revoked", updated_at=self._clock()))

    def _put(self, invitation: SignUpInvitation) -> SignUpInvitation:
        # Never changed, but replaced: another thread may be going through it.
        self._invitations = {**self._invitations, invitation.id: invitation}
        return invitation

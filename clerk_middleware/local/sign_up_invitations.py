"""Invitations to sign up: https://clerk.com/docs/guides/users/inviting"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from .invitations import InvitationStatus

__all__ = ["SignUpInvitation", "SignUpInvitations"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SignUpInvitation:
    """Somebody may become a user. Times are Unix seconds."""

    id: str
    email: str
    public_metadata: Mapping[str, Any]
    created_at: float
    updated_at: float
    expires_at: float
    closed: Literal["accepted", "revoked"] | None = None

    def status_at(self, now: float) -> InvitationStatus:
        """Whether it can be accepted (``pending``), and if not, why."""
        return self.closed or ("pending" if now < self.expires_at else "expired")


class SignUpInvitations:
    """Those of an instance. No mail is ever sent."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._invitations: Mapping[str, SignUpInvitation] = {}

    def __len__(self) -> int:
        return len(self._invitations)

    def all(self) -> list[SignUpInvitation]:
        """Every invitation, the oldest first."""
        return list(self._invitations.values())

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

    def revoke(self, invitation: SignUpInvitation) -> SignUpInvitation:
        """Take an invitation back."""
        return self._put(replace(invitation, closed="revoked", updated_at=self._clock()))

    def _put(self, invitation: SignUpInvitation) -> SignUpInvitation:
        # Never changed, but replaced: another thread may be going through it.
        self._invitations = {**self._invitations, invitation.id: invitation}
        return invitation

"""Invitations to an organization: https://clerk.com/docs/guides/organizations/add-members/invitations"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .redeemable import Closed, Redeemable

__all__ = ["OrganizationInvitation"]


@dataclass(frozen=True, kw_only=True, slots=True)
class OrganizationInvitation(Redeemable):
    """Somebody is invited by e-mail address, whether or not a user has it. Times are Unix seconds."""

    id: str
    organization_id: str
    email: str
    #: The key of the role that the member gets.
    role: str
    #: The user who invites.
    inviter: str | None = None
    public_metadata: Mapping[str, Any] = field(default_factory=dict)
    private_metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    created_at: float
    updated_at: float
    expires_at: float
    closed: Closed | None = None

"""What is good once, until it expires or is revoked: invitations and tickets."""

from __future__ import annotations

from typing import Literal

__all__ = ["Closed", "Redeemable", "RedeemableStatus"]

RedeemableStatus = Literal["pending", "accepted", "revoked", "expired"]
Closed = Literal["accepted", "revoked"]


class Redeemable:
    """Its status follows from what was done to it, and from the time (Unix seconds)."""

    __slots__ = ()

    closed: Closed | None
    expires_at: float

    def status_at(self, now: float) -> RedeemableStatus:
        """Whether it can be used (``pending``), and if not, why."""
        return self.closed or ("pending" if now < self.expires_at else "expired")

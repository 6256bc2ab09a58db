"""Tickets: sign-in tokens sign a user in without a factor, actor tokens somebody else as that user.

https://clerk.com/docs/reference/backend-api/tag/sign-in-tokens
https://clerk.com/docs/guides/users/impersonation
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .bounded import BoundedStore
from .redeemable import Closed, Redeemable

__all__ = ["Ticket", "TicketKind", "Tickets"]

TicketKind = Literal["sign_in_token", "actor_token"]
_PREFIXES: dict[TicketKind, str] = {"sign_in_token": "sit_", "actor_token": "act_"}
_MAXIMUM_TICKETS = 1000


@dataclass(kw_only=True, slots=True)
class Ticket(Redeemable):
    """A token that signs a user in once. Times are Unix seconds."""

    id: str
    kind: TicketKind
    token: str = field(repr=False)
    user_id: str
    #: Who acts as the user: that of an actor token alone.
    actor: Mapping[str, Any] | None
    created_at: float
    updated_at: float
    expires_at: float
    #: Seconds after which the session ends, where an actor token says so.
    session_lifetime: int | None = None
    closed: Closed | None = None


class Tickets:
    """Those of an instance."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # By id and by token: each lives in both for as long.
        self._by_id: BoundedStore[Ticket] = BoundedStore(_MAXIMUM_TICKETS)
        self._by_token: BoundedStore[Ticket] = BoundedStore(_MAXIMUM_TICKETS)

    def create(
        self,
        user_id: str,
        *,
        kind: TicketKind,
        lifetime: float,
        actor: Mapping[str, Any] | None = None,
        session_lifetime: int | None = None,
    ) -> Ticket:
        """A new ticket, good once within `lifetime` seconds."""
        now = self._clock()
        ticket = Ticket(
            id=f"{_PREFIXES[kind]}{secrets.token_hex(12)}",
            kind=kind,
            token=secrets.token_urlsafe(32),
            user_id=user_id,
            actor=actor,
            created_at=now,
            updated_at=now,
            expires_at=now + lifetime,
            session_lifetime=session_lifetime,
        )
        self._by_id.put(ticket.id, ticket)
        self._by_token.put(ticket.token, ticket)
        return ticket

    def get(self, id: str) -> Ticket | None:
        """The ticket of that id, whatever its status."""
        return self._by_id.get(id)

    def use(self, token: str) -> Ticket | None:
        """The ticket, if it is good; from now on it is not."""
        ticket = self._by_token.pop(token)
        if ticket is None or ticket.status_at(self._clock()) != "pending":
            return None
        ticket.closed, ticket.updated_at = "accepted", self._clock()
        return ticket

    def revoke(self, ticket: Ticket) -> bool:
        """Make a ticket worthless; `False` for one that is already."""
        if ticket.status_at(self._clock()) != "pending":
            return False
        ticket.closed, ticket.updated_at = "revoked", self._clock()
        self._by_token.pop(ticket.token)
        return True

    def revoke_those_of(self, user_id: str) -> None:
        """Make all of a user's worthless."""
        for ticket in self._by_id.values():
            if ticket.user_id == user_id:
                self.revoke(ticket)

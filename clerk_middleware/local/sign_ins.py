"""Signing in, factor by factor, or by a ticket."""

from __future__ import annotations

import secrets

from .factors import first_factors, is_right, second_factors
from .instance import Instance
from .records import Client, Session, SignInAttempt
from .rules import Refused
from .seed import User

__all__ = ["SignIns"]

#: Seconds for which a sign-in may be gone on with.
_LIFETIME = 600.0


class SignIns:
    """The sign-ins of an instance; each is in the client of its browser until it is complete."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def begin(
        self, client: Client, user: User, identifier: str = "", *, keep_token: bool = False
    ) -> SignInAttempt:
        """Begin to sign a user in, in place of any other sign-in of the browser. Raises `Refused`."""
        _expect_allowed(user)
        client.sign_in = SignInAttempt(
            id=f"sia_{secrets.token_hex(12)}",
            user_id=user.id,
            identifier=identifier or user.email,
            created_at=self._instance.clock(),
            needs_second_factor=bool(second_factors(user)),
            keep_token=keep_token,
        )
        return client.sign_in

    def under_way(self, client: Client) -> SignInAttempt | None:
        """The browser's sign-in, if it is not too old and its user is still there."""
        attempt = client.sign_in
        if attempt and (
            self._instance.clock() - attempt.created_at > _LIFETIME
            or attempt.user_id not in self._instance.users
        ):
            client.sign_in = None
        return client.sign_in

    def awaiting_second_factor(self, client: Client) -> User | None:
        """The user whose second factor is due."""
        attempt = self.under_way(client)
        if attempt is None or attempt.status != "needs_second_factor":
            return None
        return self._instance.users.get(attempt.user_id)

    def attempt_first_factor(self, client: Client, strategy: str, secret: str) -> bool:
        """Check a password or a code; where no second factor is due, the user is signed in then.

        Raises `Refused`.
        """
        attempt = self.under_way(client)
        if attempt is None or attempt.status != "needs_first_factor":
            return False
        user = self._user(attempt)
        if strategy not in first_factors(user) or not self._is_right(client, attempt, user, strategy, secret):
            return False
        attempt.strategy, attempt.first_factor_at = strategy, self._instance.clock()
        self._complete_if_done(client, attempt)
        return True

    def attempt_second_factor(self, client: Client, strategy: str, secret: str) -> bool:
        """Check the code that follows the first factor; if it is right, the user is signed in.

        Raises `Refused`.
        """
        attempt = self.under_way(client)
        if attempt is None or attempt.status != "needs_second_factor":
            return False
        user = self._user(attempt)
        if strategy not in second_factors(user) or not self._is_right(
            client, attempt, user, strategy, secret
        ):
            return False
        attempt.second_factor_at = self._instance.clock()
        self._complete_if_done(client, attempt)
        return True

    def by_ticket(self, client: Client, token: str, *, keep_token: bool = False) -> SignInAttempt | None:
        """Sign in whom a ticket is for; `None` for one that is not good. Tickets count as both factors.

        Raises `Refused`.
        """
        instance = self._instance
        ticket = instance.tickets.use(token)
        user = instance.users.get(ticket.user_id) if ticket else None
        if ticket is None or user is None:
            return None
        attempt = self.begin(client, user, keep_token=keep_token)
        attempt.needs_second_factor, attempt.first_factor_at = False, instance.clock()
        attempt.strategy = "ticket"
        session = instance.new_session(user.id, actor=ticket.actor)
        if ticket.session_lifetime is not None:
            session.expires_at = session.created_at + ticket.session_lifetime
        self._complete(client, attempt, session)
        return attempt

    def _user(self, attempt: SignInAttempt) -> User:
        """Whose sign-in it is. Raises `Refused`."""
        user = self._instance.users[attempt.user_id]
        _expect_allowed(user)
        return user

    def _is_right(
        self, client: Client, attempt: SignInAttempt, user: User, strategy: str, secret: str
    ) -> bool:
        """Whether the factor is right; some wrong ones end the sign-in."""
        if is_right(user, strategy, secret, now=self._instance.clock()):
            return True
        if self._instance.failures.note(attempt.id):
            client.sign_in = None
        return False

    def _complete_if_done(self, client: Client, attempt: SignInAttempt) -> None:
        if attempt.status == "complete":
            session = self._instance.new_session(
                attempt.user_id,
                first_factor_at=attempt.first_factor_at,
                second_factor_at=attempt.second_factor_at,
            )
            self._complete(client, attempt, session)

    def _complete(self, client: Client, attempt: SignInAttempt, session: Session) -> None:
        self._instance.begin_in_organization(session)
        attempt.session_id = session.id
        self._instance.sign_in(client, session, keep_token=attempt.keep_token)


def _expect_allowed(user: User) -> None:
    if user.banned:
        raise Refused("user_banned", "You have been banned.")
    if user.locked:
        raise Refused("user_locked", "Your account is locked.")

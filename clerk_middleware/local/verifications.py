"""Proving again who one is, in a session that goes on: reverification.

https://clerk.com/docs/guides/secure/reverification
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Literal, cast

from .bounded import BoundedStore
from .factors import first_factors, is_right, second_factors
from .instance import Instance
from .records import Session, SignInStatus
from .rules import Refused, incorrect, strategy_invalid
from .seed import User

__all__ = ["Level", "Verification", "Verifications", "expect_recent_proof"]

Level = Literal["first_factor", "second_factor", "multi_factor"]

#: Seconds for which a verification may be gone on with.
_LIFETIME = 600.0
#: Minutes for which a proof is recent enough for what is sensitive in an account.
_RECENT = 10


@dataclass(kw_only=True, slots=True)
class Verification:
    """One that is under way in a session, or complete. Times are Unix seconds."""

    id: str
    level: Level
    created_at: float
    #: What the first factor was or is prepared with.
    strategy: str | None = None
    first_factor_at: float | None = None
    second_factor_at: float | None = None

    @property
    def status(self) -> SignInStatus:
        """What is due next."""
        if self.level != "second_factor" and self.first_factor_at is None:
            return "needs_first_factor"
        if self.level != "first_factor" and self.second_factor_at is None:
            return "needs_second_factor"
        return "complete"


class Verifications:
    """The verifications of an instance, one for a session at a time."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._under_way: BoundedStore[Verification] = BoundedStore(1_000)

    def begin(self, session: Session, level: str) -> Verification:
        """Begin in place of any other; for a user without a second factor it is about the first one.

        Raises `Refused`: nobody proves to be a user as whom they only act.
        """
        _expect_no_actor(session)
        if level not in ("first_factor", "second_factor", "multi_factor"):
            message = "level must be first_factor, second_factor or multi_factor."
            raise Refused("form_param_value_invalid", message, parameter="level")
        has_second_factor = bool(second_factors(self._user(session)))
        verification = Verification(
            id=f"ver_{secrets.token_hex(12)}",
            level=cast(Level, level) if has_second_factor else "first_factor",
            created_at=self._instance.clock(),
        )
        self._under_way.put(session.id, verification)
        return verification

    def expect(self, session: Session) -> Verification:
        """The session's verification. Raises `Refused`."""
        verification = self._under_way.get(session.id)
        if verification is None or self._instance.clock() - verification.created_at > _LIFETIME:
            self._under_way.pop(session.id)
            raise Refused("verification_missing", "No verification is under way: begin one.")
        return verification

    def prepare_first_factor(self, session: Session, strategy: str) -> Verification:
        """Send a code, which is always the same: no mail ever leaves LocalClerk. Raises `Refused`."""
        verification = self._expect_due(session, "needs_first_factor")
        if strategy not in first_factors(self._user(session)):
            raise strategy_invalid()
        verification.strategy = strategy
        return verification

    def attempt_first_factor(self, session: Session, strategy: str, secret: str) -> Verification:
        """Check the password or the code. Raises `Refused`."""
        verification, user = self._expect_due(session, "needs_first_factor"), self._user(session)
        if strategy not in first_factors(user):
            raise strategy_invalid()
        self._check(session, user, strategy, secret)
        verification.strategy, verification.first_factor_at = strategy, self._instance.clock()
        self._instance.verified_again(session, first=True)
        return verification

    def attempt_second_factor(self, session: Session, strategy: str, secret: str) -> Verification:
        """Check the code of the authenticator app. Raises `Refused`."""
        verification, user = self._expect_due(session, "needs_second_factor"), self._user(session)
        if strategy not in second_factors(user):
            raise strategy_invalid()
        self._check(session, user, strategy, secret)
        verification.second_factor_at = self._instance.clock()
        self._instance.verified_again(session, second=True)
        return verification

    def _expect_due(self, session: Session, status: SignInStatus) -> Verification:
        verification = self.expect(session)
        if verification.status != status:
            message = f"The status of this verification is {verification.status}, and not {status}."
            raise Refused("client_state_invalid", message)
        return verification

    def _check(self, session: Session, user: User, strategy: str, secret: str) -> None:
        # By session, and not by verification: to begin again gives nobody more guesses.
        failures = self._instance.failures
        if failures.are_too_many(session.id):
            message = "Too many wrong answers: wait for ten minutes, or sign out and in again."
            raise Refused("user_locked", message)
        if not is_right(user, strategy, secret, now=self._instance.clock()):
            failures.note(session.id)
            raise incorrect(strategy)
        failures.forget(session.id)

    def _user(self, session: Session) -> User:
        return self._instance.users[session.user_id]


def expect_recent_proof(instance: Instance, session: Session) -> None:
    """Let only who proved lately who they are do what is sensitive, by the strongest factor they have.

    Raises `Refused` with the code on which the components ask for it, and go on.
    """
    _expect_no_actor(session)
    first, second = session.factor_verification_age(instance.clock())
    age = second if second_factors(instance.users[session.user_id]) else first
    if not 0 <= age < _RECENT:
        message = "Prove again who you are: this takes a verification of the last ten minutes."
        raise Refused("session_reverification_required", message)


def _expect_no_actor(session: Session) -> None:
    if session.actor is not None:
        message = "Somebody acts as the user in this session. Only the user may do this."
        raise Refused("authorization_invalid", message)

"""What `LocalClerk` does with sessions and tokens: signing in without a browser, and revoking."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .instance import Instance
from .records import Session
from .tickets import Ticket
from .tokens import TokenIssuer

__all__ = ["SessionAccess"]

#: Seconds for which a ticket is good: Clerk's defaults.
_SIGN_IN_TOKEN_LIFETIME = 30 * 24 * 60 * 60
_ACTOR_TOKEN_LIFETIME = 60 * 60


class SessionAccess:
    """Signs users in and makes their tokens."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._issuer = TokenIssuer(instance)

    def sign_in(
        self,
        user_id: str,
        organization: str | None = None,
        *,
        actor: Mapping[str, Any] | None = None,
        first_factor_at: float | None = None,
        second_factor_at: float | None = None,
    ) -> Session:
        """Sign a user in without a browser; `organization` (id or slug) becomes the active one.

        `first_factor_at` and `second_factor_at` are when the user proved who they are (Unix seconds): just
        now, and never, unless they are given. In the past they make reverification due.

        `actor` is who acts as the user, such as ``{"sub": "user_support"}``: the ``act`` of the tokens.
        The session is held by a client of its own: `session.client.token` is, in development, the
        ``__clerk_db_jwt`` with which a browser is signed in to it. Raises `LookupError`.
        """
        session = self._new_session(user_id, organization)
        session.actor, session.second_factor_at = actor, second_factor_at
        if first_factor_at is not None:
            session.first_factor_at = first_factor_at
        self._instance.sign_in(self._instance.new_client(), session)
        return session

    def sessions(self, user_id: str) -> list[Session]:
        """The sessions that a user is signed in to, in every browser, the oldest first."""
        now = self._instance.clock()
        found = (each for each in self._instance.all_sessions() if each.user_id == user_id)
        return sorted((each for each in found if each.is_open_at(now)), key=lambda each: each.created_at)

    def prove_earlier(self, session: Session, *, minutes: float) -> None:
        """Have the user proved so much longer ago who they are, so that reverification is due.

        The next token says so (``fva``). For tests, which can't wait.
        """
        session.first_factor_at -= minutes * 60
        if session.second_factor_at is not None:
            session.second_factor_at -= minutes * 60

    def session_token(
        self,
        session: Session,
        *,
        azp: str | None = None,
        issued_at: float | None = None,
        lifetime: float | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """A signed session token of `session`; the options are those of `issue_session_token`."""
        return self._issuer.session_token(
            session,
            authorized_party=azp or session.authorized_party,
            issued_at=issued_at,
            lifetime=lifetime,
            claims=claims,
        )

    def issue_session_token(
        self,
        user_id: str,
        *,
        organization: str | None = None,
        session_id: str | None = None,
        issued_at: float | None = None,
        lifetime: float | None = None,
        claims: Mapping[str, Any] | None = None,
        azp: str | None = None,
        fva: tuple[int, int] | None = (0, -1),
    ) -> str:
        """A signed session token for a user, of a session that LocalClerk does not keep.

        For tests: `issued_at` (Unix seconds) and `lifetime` (seconds) in the past make an expired one;
        `claims` win over every other claim; `azp` is the origin of the application; `fva` is minutes
        since the first and the second factor, -1 for never, `None` for a token that doesn't say.
        Raises `LookupError` for a user, or a membership in `organization` (id or slug), that is not.
        """
        session = self._new_session(user_id, organization)
        session.id = session_id or session.id
        verified = {} if fva is None else {"fva": list(fva)}
        return self._issuer.session_token(
            session,
            authorized_party=azp,
            issued_at=issued_at,
            lifetime=lifetime,
            claims={**verified, **(claims or {})},
            omit=("fva",) if fva is None else (),
        )

    def revoke_session(self, session_id: str) -> None:
        """End a session from outside: no refresh and no handshake gives tokens for it any more."""
        session = self._instance.session(session_id)
        if session is None:
            raise LookupError(f"no session {session_id!r}")
        self._instance.end_session(session, "revoked")

    def create_sign_in_token(self, user_id: str, *, lifetime: float = _SIGN_IN_TOKEN_LIFETIME) -> Ticket:
        """A ticket that signs a user in without a password, once: its `token` is the ``__clerk_ticket``.

        `lifetime` is in seconds. Raises `LookupError`.
        https://clerk.com/docs/guides/development/custom-flows/authentication/embedded-email-links
        """
        self._expect_user(user_id)
        return self._instance.tickets.create(user_id, kind="sign_in_token", lifetime=lifetime)

    def create_actor_token(
        self, user_id: str, actor: Mapping[str, Any], *, lifetime: float = _ACTOR_TOKEN_LIFETIME
    ) -> Ticket:
        """A ticket with which somebody else acts as a user: `actor` has at least ``sub``, who that is.

        `lifetime` is in seconds. Raises `LookupError`, and `ValueError` for an actor without ``sub``.
        https://clerk.com/docs/guides/users/impersonation
        """
        self._expect_user(user_id)
        if not isinstance(actor.get("sub"), str):
            raise ValueError("the actor must have sub, the id of the user who acts")
        return self._instance.tickets.create(user_id, kind="actor_token", lifetime=lifetime, actor=actor)

    def _new_session(self, user_id: str, organization: str | None) -> Session:
        self._expect_user(user_id)
        session = self._instance.new_session(user_id)
        if self._instance.seed.force_organization_selection:
            session.tasks = ("choose-organization",)
        if organization and not self._instance.activate(session, organization):
            raise LookupError(f"{user_id!r} is no member of an organization {organization!r}")
        return session

    def _expect_user(self, user_id: str) -> None:
        if user_id not in self._instance.users:
            raise LookupError(
                f"no user {user_id!r} in the seed; there are: {', '.join(self._instance.users)}"
            )

"""What LocalClerk remembers of browsers: clients, their sessions, and what is under way in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = [
    "Client",
    "Session",
    "SessionEnd",
    "SessionStatus",
    "SessionTask",
    "SignInAttempt",
    "SignInStatus",
    "SignUpAttempt",
]

SessionStatus = Literal["active", "ended", "expired", "pending", "removed", "revoked"]
#: By the user, with the user, or from outside.
SessionEnd = Literal["ended", "removed", "revoked"]
#: What a user has to do before a session is active: https://clerk.com/docs/guides/configure/session-tasks
SessionTask = Literal["choose-organization"]
SignInStatus = Literal["needs_first_factor", "needs_second_factor", "complete"]


@dataclass(kw_only=True, slots=True)
class Session:
    """A user's session. Times are Unix seconds."""

    id: str
    user_id: str
    created_at: float
    expires_at: float
    last_active_at: float
    #: When the user last proved who they are, by the first and by the second factor.
    first_factor_at: float
    second_factor_at: float | None = None
    organization_id: str | None = None
    #: What is left to do, without which the session is pending.
    tasks: tuple[SessionTask, ...] = ()
    #: Who acts as the user (``act``), where somebody else does: at least ``sub``.
    actor: Mapping[str, Any] | None = None
    #: The origin that last asked for a token, hence the ``azp`` of the tokens that the Backend API makes.
    authorized_party: str | None = None
    #: What was done to it; `status_at` also knows of time.
    closed: SessionEnd | None = None
    refresh_token: str = field(repr=False)
    #: The browser that is signed in to it; a session that only a test holds has none.
    client: Client | None = field(default=None, repr=False)

    def status_at(self, now: float) -> SessionStatus:
        """Whether the session may still get tokens (``active`` and ``pending``), and if not, why."""
        if self.closed:
            return self.closed
        if now >= self.expires_at:
            return "expired"
        return "pending" if self.tasks else "active"

    def is_open_at(self, now: float) -> bool:
        """Whether the user is signed in to it, even if a task is left."""
        return self.status_at(now) in ("active", "pending")

    def factor_verification_age(self, now: float) -> list[int]:
        """Whole minutes since the first and the second factor, -1 for a factor that never was (``fva``)."""
        times = (self.first_factor_at, self.second_factor_at)
        return [-1 if at is None else max(0, int(now - at) // 60) for at in times]


@dataclass(kw_only=True, slots=True)
class SignInAttempt:
    """A sign-in of a user who is known and has yet to be proved. Times are Unix seconds."""

    id: str
    user_id: str
    #: What was typed: the e-mail address or the username.
    identifier: str
    created_at: float
    #: How the first factor was proved, or is about to be.
    strategy: str | None = None
    first_factor_at: float | None = None
    #: Whether a second factor is due, too.
    needs_second_factor: bool
    second_factor_at: float | None = None
    #: The session that came of it.
    session_id: str | None = None
    #: Whether the browser goes on with the token that it has, once it is signed in.
    keep_token: bool = False

    @property
    def status(self) -> SignInStatus:
        """What is due next."""
        if self.first_factor_at is None:
            return "needs_first_factor"
        if self.needs_second_factor and self.second_factor_at is None:
            return "needs_second_factor"
        return "complete"


@dataclass(kw_only=True, slots=True)
class SignUpAttempt:
    """A sign-up under way, or one that is complete. Times are Unix seconds."""

    id: str
    created_at: float
    email: str | None = None
    #: Whether a code was sent to the address, as it were, and whether it came back.
    is_code_sent: bool = False
    email_verified: bool = False
    password: str | None = field(default=None, repr=False)
    first_name: str | None = None
    last_name: str | None = None
    username: str | None = None
    unsafe_metadata: Mapping[str, Any] = field(default_factory=dict)
    user_id: str | None = None
    session_id: str | None = None


@dataclass(kw_only=True, slots=True)
class Client:
    """A browser. Its token is what a browser proves itself with, so no repr shows it."""

    id: str
    #: The dev browser token in development, the value of the ``__client`` cookie in production.
    token: str = field(repr=False)
    created_at: float
    updated_at: float
    #: Those that the browser was signed in to, ended ones too until it is told so.
    session_ids: list[str] = field(default_factory=list)
    #: The one that was last active.
    session_id: str | None = None
    sign_in: SignInAttempt | None = None
    sign_up: SignUpAttempt | None = None

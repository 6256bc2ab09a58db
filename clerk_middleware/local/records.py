"""What LocalClerk remembers of browsers: clients, their sessions, and sign-ins under way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Client", "Session", "SessionEnd", "SessionStatus", "SignInAttempt"]

SessionStatus = Literal["active", "ended", "expired", "removed", "revoked"]
#: By the user, with the user, or from outside.
SessionEnd = Literal["ended", "removed", "revoked"]


@dataclass(kw_only=True, slots=True)
class Session:
    """A user's session. Times are Unix seconds."""

    id: str
    user_id: str
    created_at: float
    expires_at: float
    #: When the user last proved who they are, by the first and by the second factor.
    first_factor_at: float
    second_factor_at: float | None = None
    organization_id: str | None = None
    #: The origin that last asked for a token, hence the ``azp`` of the tokens that the Backend API makes.
    authorized_party: str | None = None
    #: What was done to it; `status_at` also knows of time.
    closed: SessionEnd | None = None
    refresh_token: str = field(repr=False)
    #: The browser that is signed in to it; a session that only a test holds has none.
    client: Client | None = field(default=None, repr=False)

    def status_at(self, now: float) -> SessionStatus:
        """Whether the session may still get tokens, and if not, why."""
        if self.closed:
            return self.closed
        return "active" if now < self.expires_at else "expired"

    def factor_verification_age(self, now: float) -> list[int]:
        """Whole minutes since the first and the second factor, -1 for a factor that never was (``fva``)."""
        times = (self.first_factor_at, self.second_factor_at)
        return [-1 if at is None else max(0, int(now - at) // 60) for at in times]


@dataclass(kw_only=True, slots=True)
class SignInAttempt:
    """A sign-in whose password was right and whose second factor is awaited."""

    user_id: str
    first_factor_at: float
    failures: int = 0


@dataclass(kw_only=True, slots=True)
class Client:
    """A browser. Its token is what a browser proves itself with, so no repr shows it."""

    id: str
    #: The dev browser token in development, the value of the ``__client`` cookie in production.
    token: str = field(repr=False)
    updated_at: float
    session_id: str | None = None
    sign_in: SignInAttempt | None = None

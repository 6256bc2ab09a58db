"""One Clerk instance in memory: its keys, users and organizations, and the browsers that are signed in."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from .bounded import BoundedStore, HandshakeNonces
from .claims import Subject
from .credentials import APIKey, M2MToken
from .issued_tokens import IssuedTokens
from .keys import SigningKeys, cookie_suffix, new_secret_key, publishable_key
from .machines import Machines
from .oauth.applications import OAuthApplications
from .oauth.grants import Grants, OAuthAccessToken
from .records import Client, Session, SessionEnd, SignInAttempt
from .seed import Organization, Seed, User
from .session_object import session_object

__all__ = ["Instance"]

#: After so many wrong codes a sign-in has to be begun again.
_MAXIMUM_FAILURES = 5
#: Seconds for which the second factor may be given.
_SIGN_IN_LIFETIME = 600.0


class Instance:
    """The state behind every endpoint and page. It knows nothing of HTTP."""

    def __init__(self, seed: Seed, *, clock: Callable[[], float], session_token_lifetime: int) -> None:
        self.seed = seed
        self.clock = clock
        self.created_at = clock()
        #: What is told of events: their type and what they are about.
        self.announce: Callable[[str, Mapping[str, Any]], object] = lambda type, data: None
        self.session_token_lifetime = session_token_lifetime
        self.keys = SigningKeys()
        self.publishable_key = publishable_key(seed.instance_type, seed.host)
        self.secret_key = seed.secret_key or new_secret_key(seed.instance_type)
        self.cookie_suffix = cookie_suffix(self.publishable_key)
        # Never changed, but replaced: another thread may be going through them.
        self.users: Mapping[str, User] = dict(seed.users)
        self.organizations: Mapping[str, Organization] = dict(seed.organizations)
        self._times = dict.fromkeys(seed.users, (self.created_at, self.created_at))
        self.nonces = HandshakeNonces(clock)
        self.machines = Machines(seed.machines.values(), clock)
        self.api_keys: IssuedTokens[APIKey] = IssuedTokens()
        self.m2m_tokens: IssuedTokens[M2MToken] = IssuedTokens()
        self.oauth_applications = OAuthApplications(seed.oauth_applications, clock)
        self.grants = Grants(clock)
        self.oauth_tokens: IssuedTokens[OAuthAccessToken] = IssuedTokens()
        self._sessions: BoundedStore[Session] = BoundedStore(10_000)
        # A page on any site can send browsers here that nobody knows; who is signed in stays.
        self._clients: BoundedStore[Client] = BoundedStore(
            10_000, goes_first=lambda client: client.session_id is None
        )

    def __repr__(self) -> str:
        return f"Instance({self.seed.name!r}, {self.publishable_key!r})"

    @property
    def is_development(self) -> bool:
        """Whether the instance identifies browsers by dev browser tokens, not by its own cookie."""
        return self.seed.instance_type == "development"

    @property
    def id(self) -> str:
        """The ``instance_id`` of events: the same one at each start."""
        return f"ins_{hashlib.sha256(self.publishable_key.encode()).hexdigest()[:27]}"

    @property
    def issuer(self) -> str:
        """The ``iss`` of tokens for which nobody asked by a URL."""
        return f"https://{self.seed.host}"

    # Users and organizations

    def put_user(self, user: User) -> None:
        """Add a user, or put a changed one in the place of the former."""
        now = self.clock()
        self._times[user.id] = (self._times[user.id][0] if user.id in self.users else now, now)
        self.users = {**self.users, user.id: user}

    def remove_user(self, user_id: str) -> None:
        """Forget a user, and all with which someone could go on as that user."""
        self.users = {id: user for id, user in self.users.items() if id != user_id}
        for session in self._sessions.values():
            if session.user_id == user_id:
                self.end_session(session, "removed")
        for token in (*self.api_keys.all(), *self.oauth_tokens.all()):
            if token.subject == user_id:
                token.revoke(self.clock(), "The user was deleted.")
        self.grants.revoke_those_of(user_id)

    def times_of(self, user_id: str) -> tuple[float, float]:
        """When the user was made and last changed, in Unix seconds."""
        return self._times[user_id]

    def put_organization(self, organization: Organization) -> None:
        """Put a changed organization in the place of the former."""
        self.organizations = {**self.organizations, organization.id: organization}

    def organization_named(self, id_or_slug: str) -> Organization | None:
        """The organization of that id or slug."""
        return self.organizations.get(id_or_slug) or next(
            (organization for organization in self.organizations.values() if organization.slug == id_or_slug),
            None,
        )

    def organizations_of(self, user_id: str) -> tuple[Organization, ...]:
        """The organizations that the user is a member of."""
        return tuple(o for o in self.organizations.values() if user_id in o.members)

    def subject_of(self, session: Session) -> Subject:
        """Whom the tokens of `session` are about."""
        user = self.users[session.user_id]
        memberships = self.organizations_of(user.id)
        organization = next((o for o in memberships if o.id == session.organization_id), None)
        return Subject(
            seed=self.seed,
            user=user,
            organization=organization,
            role=self.seed.roles[organization.members[user.id]] if organization else None,
            organizations=memberships,
        )

    # Clients: the browsers

    def new_client(self) -> Client:
        """A browser that is seen for the first time."""
        client = Client(
            id=f"client_{secrets.token_hex(12)}", token=self._client_token(), updated_at=self.clock()
        )
        self._clients.put(client.token, client)
        return client

    def client_of(self, token: str | None) -> Client | None:
        """The browser that proves itself with `token`."""
        return self._clients.get(token) if token else None

    def session_of(self, client: Client) -> Session | None:
        """The session that the browser is signed in to, if it still is."""
        session = self.session(client.session_id) if client.session_id else None
        return session if session and session.status_at(self.clock()) == "active" else None

    # Signing in and out

    def begin_sign_in(self, client: Client, user_id: str, password: str) -> bool:
        """Check the password. Where a second factor is due, `client.sign_in` then awaits it."""
        user = self.users.get(user_id)
        if not _equal(password, user.password if user else "") or user is None:
            return False
        client.sign_in = SignInAttempt(user_id=user.id, first_factor_at=self.clock())
        if user.second_factor_code is None:
            self._complete_sign_in(client, client.sign_in, second_factor_at=None)
        return True

    def pending_sign_in(self, client: Client) -> User | None:
        """The user whose second factor is awaited, if the password is not too long ago."""
        attempt = client.sign_in
        if attempt is None or self.clock() - attempt.first_factor_at > _SIGN_IN_LIFETIME:
            client.sign_in = None
            return None
        return self.users.get(attempt.user_id)

    def attempt_second_factor(self, client: Client, code: str) -> bool:
        """Check the second factor of the sign-in that awaits it; some wrong codes end the sign-in."""
        user, attempt = self.pending_sign_in(client), client.sign_in
        if user is None or attempt is None:
            return False
        if not _equal(code, user.second_factor_code or ""):
            attempt.failures += 1
            if attempt.failures >= _MAXIMUM_FAILURES:
                client.sign_in = None
            return False
        self._complete_sign_in(client, attempt, second_factor_at=self.clock())
        return True

    def sign_in(self, client: Client, session: Session) -> None:
        """Make `session` that of the browser, in place of any other.

        The browser gets a new token: whoever knew the one from before the sign-in is not signed in by it.
        """
        self.sign_out(client)
        self._clients.pop(client.token)
        client.token, client.session_id, client.sign_in = self._client_token(), session.id, None
        session.client = client
        self._sessions.put(session.id, session)
        self._clients.put(client.token, client)
        self.announce("session.created", session_object(session, self.clock()))
        if session.user_id not in self.users:  # deleted while the password was checked
            self.end_session(session, "removed")

    def sign_out(self, client: Client) -> None:
        """End the browser's session, if it has one."""
        if session := self.session_of(client):
            self.end_session(session, "ended")
        client.session_id, client.updated_at = None, self.clock()

    # Sessions

    def new_session(
        self, user_id: str, *, first_factor_at: float | None = None, second_factor_at: float | None = None
    ) -> Session:
        """A session that no store holds yet, with no active organization."""
        now = self.clock()
        return Session(
            id=f"sess_{secrets.token_hex(12)}",
            user_id=user_id,
            created_at=now,
            expires_at=now + self.seed.session_maximum_lifetime,
            first_factor_at=now if first_factor_at is None else first_factor_at,
            second_factor_at=second_factor_at,
            refresh_token=f"rt_{secrets.token_urlsafe(24)}",
        )

    def session(self, session_id: str) -> Session | None:
        """The session of that id, whatever its status."""
        return self._sessions.get(session_id)

    def end_session(self, session: Session, how: SessionEnd) -> None:
        """End a session, unless it is ended: no refresh and no handshake gives tokens for it any more."""
        if session.closed is None:
            session.closed = how
            self.announce(f"session.{how}", session_object(session, self.clock()))

    def activate(self, session: Session, organization: str) -> bool:
        """Make the organization (id or slug, empty: none) the active one, if the user is a member."""
        found = self.organization_named(organization) if organization else None
        if organization and (found is None or session.user_id not in found.members):
            return False
        session.organization_id = found.id if found else None
        self._changed(session)
        return True

    def verify_again(self, session: Session, *, password: str | None, code: str | None) -> bool:
        """Check the factors that are given, all or none: those that are right were verified just now."""
        user, now = self.users[session.user_id], self.clock()
        if password is None and code is None:
            return False
        if password is not None and not _equal(password, user.password):
            return False
        if code is not None and (
            user.second_factor_code is None or not _equal(code, user.second_factor_code)
        ):
            return False
        session.first_factor_at = session.first_factor_at if password is None else now
        session.second_factor_at = session.second_factor_at if code is None else now
        self._changed(session)
        return True

    def _changed(self, session: Session) -> None:
        """Make tokens from before now count as older than the browser's client."""
        if session.client:
            session.client.updated_at = self.clock()

    def _complete_sign_in(
        self, client: Client, attempt: SignInAttempt, *, second_factor_at: float | None
    ) -> None:
        session = self.new_session(
            attempt.user_id, first_factor_at=attempt.first_factor_at, second_factor_at=second_factor_at
        )
        memberships = self.organizations_of(attempt.user_id)
        session.organization_id = memberships[0].id if memberships else None
        self.sign_in(client, session)

    def _client_token(self) -> str:
        return ("dvb_" if self.is_development else "clt_") + secrets.token_urlsafe(24)


def _equal(given: str, expected: str) -> bool:
    """Whether a secret is the expected one, in a time that does not tell how much of it is right."""
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())

"""One Clerk instance in memory: its keys, users and organizations, and the browsers that are signed in."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from .bounded import BoundedStore, HandshakeNonces
from .claims import Subject
from .credentials import APIKey, M2MToken
from .directory import Directory
from .failures import Failures
from .issued_tokens import IssuedTokens
from .jwt_templates import JWTTemplates
from .keys import SigningKeys, cookie_suffix, new_secret_key, publishable_key
from .machines import Machines
from .oauth.applications import OAuthApplications
from .oauth.grants import Grants, OAuthAccessToken
from .records import Client, Session, SessionEnd
from .seed import Seed
from .session_object import session_object
from .sign_up_invitations import SignUpInvitations
from .tickets import Tickets

__all__ = ["Instance"]

#: Of one browser at a time.
_MAXIMUM_SESSIONS = 20


class Instance(Directory):
    """The state behind every endpoint and page. It knows nothing of HTTP."""

    def __init__(self, seed: Seed, *, clock: Callable[[], float], session_token_lifetime: int) -> None:
        super().__init__(seed, clock)
        #: What is told of events: their type and what they are about.
        self.announce: Callable[[str, Mapping[str, Any]], object] = lambda type, data: None
        self.session_token_lifetime = session_token_lifetime
        self.keys = SigningKeys()
        self.publishable_key = publishable_key(seed.instance_type, seed.host)
        self.secret_key = seed.secret_key or new_secret_key(seed.instance_type)
        self.cookie_suffix = cookie_suffix(self.publishable_key)
        self.nonces = HandshakeNonces(clock)
        self.failures = Failures(clock)
        self.tickets = Tickets(clock)
        self.sign_up_invitations = SignUpInvitations(clock)
        self.jwt_templates = JWTTemplates(seed.jwt_templates.values(), clock)
        self.machines = Machines(seed.machines.values(), clock)
        self.api_keys: IssuedTokens[APIKey] = IssuedTokens()
        self.m2m_tokens: IssuedTokens[M2MToken] = IssuedTokens()
        self.oauth_applications = OAuthApplications(seed.oauth_applications, clock)
        self.grants = Grants(clock)
        self.oauth_tokens: IssuedTokens[OAuthAccessToken] = IssuedTokens()
        self._sessions: BoundedStore[Session] = BoundedStore(10_000)
        # A page on any site can send browsers here that nobody knows; who is signed in stays.
        self._clients: BoundedStore[Client] = BoundedStore(
            10_000, goes_first=lambda client: not client.session_ids
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

    # Users

    def remove_user(self, user_id: str) -> None:
        """Forget a user, and all with which someone could go on as that user."""
        super().remove_user(user_id)
        self.end_sessions_of(user_id, "removed")
        for token in (*self.api_keys.all(), *self.oauth_tokens.all()):
            if token.subject == user_id:
                token.revoke(self.clock(), "The user was deleted.")
        self.grants.revoke_those_of(user_id)
        self.tickets.revoke_those_of(user_id)

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
        now = self.clock()
        client = Client(
            id=f"client_{secrets.token_hex(12)}", token=self._client_token(), created_at=now, updated_at=now
        )
        self._clients.put(client.token, client)
        return client

    def client_of(self, token: str | None) -> Client | None:
        """The browser that proves itself with `token`."""
        return self._clients.get(token) if token else None

    def sessions_of(self, client: Client) -> list[Session]:
        """The sessions that the browser is signed in to, those with a task left as well."""
        found = (self.session(session_id) for session_id in client.session_ids)
        return [session for session in found if session and session.is_open_at(self.clock())]

    def session_of(self, client: Client) -> Session | None:
        """The session of `sessions_of` that was last active."""
        session = self.session(client.session_id) if client.session_id else None
        return session if session and session.is_open_at(self.clock()) else None

    def client_with_id(self, client_id: str) -> Client | None:
        """The browser of that id, which anybody may know."""
        return next((client for client in self._clients.values() if client.id == client_id), None)

    # Signing in and out

    def sign_in(self, client: Client, session: Session, *, keep_token: bool = False) -> None:
        """Make `session` that of the browser: one more where the seed allows several, else the only one.

        The browser gets a new token, unless it is to keep its own: whoever knew the one from before the
        sign-in is not signed in by it.
        """
        if not self.seed.multi_session:
            self.sign_out(client)
        if not keep_token:
            self._clients.pop(client.token)
            client.token = self._client_token()
        ids = [*client.session_ids, session.id]
        for former in filter(None, map(self.session, ids[:-_MAXIMUM_SESSIONS])):
            self.end_session(former, "ended")
        client.session_ids = ids[-_MAXIMUM_SESSIONS:]
        client.session_id, client.sign_in, client.updated_at = session.id, None, self.clock()
        session.client = client
        self._sessions.put(session.id, session)
        self._clients.put(client.token, client)
        self.announce("session.created", session_object(session, self.clock()))
        if session.user_id not in self.users:  # deleted while the password was checked
            self.end_session(session, "removed")

    def sign_out(self, client: Client, session: Session | None = None) -> None:
        """End a session of the browser, or all that it has."""
        for ended in [session] if session else self.sessions_of(client):
            self.end_session(ended, "ended")
        kept = self.sessions_of(client)
        client.session_ids = [session.id for session in kept]
        if client.session_id not in client.session_ids:
            client.session_id = client.session_ids[-1] if kept else None
        client.updated_at = self.clock()

    def set_active(self, client: Client, session: Session) -> None:
        """Make one of the browser's sessions the one that its tokens are of."""
        now = self.clock()
        session.last_active_at = now
        if client.session_id != session.id:
            client.session_id, client.updated_at = session.id, now

    # Sessions

    def new_session(
        self,
        user_id: str,
        *,
        first_factor_at: float | None = None,
        second_factor_at: float | None = None,
        actor: Mapping[str, Any] | None = None,
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
            last_active_at=now,
            actor=actor,
            refresh_token=f"rt_{secrets.token_urlsafe(24)}",
        )

    def session(self, session_id: str) -> Session | None:
        """The session of that id, whatever its status."""
        return self._sessions.get(session_id)

    def all_sessions(self) -> list[Session]:
        """Every session that is kept, whatever its status."""
        return self._sessions.values()

    def end_session(self, session: Session, how: SessionEnd) -> None:
        """End a session, unless it is ended: no refresh and no handshake gives tokens for it any more."""
        if session.closed is None:
            session.closed = how
            self.announce(f"session.{how}", session_object(session, self.clock()))

    def end_sessions_of(self, user_id: str, how: SessionEnd) -> None:
        """End all sessions of a user."""
        for session in self._sessions.values():
            if session.user_id == user_id:
                self.end_session(session, how)

    def activate(self, session: Session, organization: str) -> bool:
        """Make the organization (id or slug, empty: none) the active one, if the user is a member.

        Where one has to be active, none is refused, too. What is active already makes no token old.
        """
        found = self.organization_named(organization) if organization else None
        if organization and (found is None or session.user_id not in found.members):
            return False
        if found is None and self.seed.force_organization_selection:
            return False
        organization_id = found.id if found else None
        if session.tasks or session.organization_id != organization_id:
            session.tasks, session.organization_id = (), organization_id
            self._changed(session)
        return True

    def begin_in_organization(self, session: Session) -> None:
        """Make the first organization of the user the active one; where one has to be chosen, let it be."""
        memberships = self.organizations_of(session.user_id)
        if self.seed.force_organization_selection:
            session.tasks = ("choose-organization",)
        elif memberships:
            session.organization_id = memberships[0].id

    def leave_organization(self, user_id: str, organization_id: str) -> None:
        """Have no session of the user go on in an organization; a session that needs one is pending again."""
        for session in self.all_sessions():
            if (session.user_id, session.organization_id) == (user_id, organization_id):
                session.organization_id = None
                if self.seed.force_organization_selection:
                    session.tasks = ("choose-organization",)
                self._changed(session)

    def verified_again(self, session: Session, *, first: bool = False, second: bool = False) -> None:
        """Note that the user proved just now who they are, by the first or the second factor or both."""
        now = self.clock()
        session.first_factor_at = now if first else session.first_factor_at
        session.second_factor_at = now if second else session.second_factor_at
        self._changed(session)

    def _changed(self, session: Session) -> None:
        """Make tokens from before now count as older than the browser's client."""
        if session.client:
            session.client.updated_at = self.clock()

    def _client_token(self) -> str:
        return ("dvb_" if self.is_development else "clt_") + secrets.token_urlsafe(24)

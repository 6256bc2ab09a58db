"""A request of a page that may ask: its fields, its browser, and the sessions that it may be about."""

from __future__ import annotations

from starlette.requests import Request

from ..browser import Browsers
from ..errors import not_found
from ..instance import Instance
from ..records import Client, Session
from ..seed import User
from .form import Form
from .refusals import dev_browser_unauthenticated, session_not_active, signed_out

__all__ = ["FrontendRequest"]


class FrontendRequest:
    """What an endpoint of the Frontend API is asked.

    `origin` is the application's, the ``azp`` of the tokens that it gets; `None` where nobody says it.
    """

    def __init__(self, request: Request, instance: Instance, browsers: Browsers, origin: str | None) -> None:
        self.request = request
        self.origin = origin
        self.form = Form([])
        #: The browser's client, once an endpoint has asked for it.
        self.known_client: Client | None = None
        self._instance = instance
        self._browsers = browsers

    def path(self, name: str) -> str:
        """A part of the path."""
        value: str = self.request.path_params[name]
        return value

    def query(self, name: str) -> str | None:
        """A parameter of the query."""
        return self.request.query_params.get(name)

    def find_client(self) -> Client | None:
        """The browser's client, if LocalClerk knows it."""
        self.known_client = self.known_client or self._browsers.find(self.request)
        return self.known_client

    @property
    def client(self) -> Client:
        """The browser's client. Raises `APIError` for a browser that is not known."""
        client = self.find_client()
        if client is None:
            raise dev_browser_unauthenticated() if self._instance.is_development else signed_out()
        return client

    def client_or_new(self) -> Client:
        """The browser's client, for beginning something.

        In production an unknown browser gets a new one, and so its cookie. In development it has to
        ask for a dev browser first, which alone can tell it its token.
        """
        if not self._instance.is_development and self.find_client() is None:
            self.known_client = self._instance.new_client()
        return self.client

    @property
    def keeps_token(self) -> bool:
        """Whether the browser goes on with its token when it is signed in.

        In development, as with Clerk: the page has made its links with it before, such as the one back to
        a satellite. Else who is signed out gets a new one: whoever knew the old is not signed in by it.
        """
        return self._instance.is_development or bool(self._instance.sessions_of(self.client))

    @property
    def session(self) -> Session:
        """The session in the path, which is open and the browser's. Raises `APIError`."""
        return self._session(self.path("session_id"))

    @property
    def acting_session(self) -> Session:
        """The session as which a page asks for anything else; the last active one unless it says which.

        Raises `APIError`.
        """
        chosen = self.query("_clerk_session_id") or self.client.session_id
        if chosen is None:
            raise signed_out()
        return self._session(chosen)

    @property
    def user(self) -> User:
        """The user of `acting_session`. Raises `APIError`."""
        return self._instance.users[self.acting_session.user_id]

    def _session(self, session_id: str) -> Session:
        session = self._instance.session(session_id)
        # Whose it is tells the session itself: in the client's list there are only those that are open.
        if session is None or session.client is not self.client:
            raise not_found("session")
        now = self._instance.clock()
        if not session.is_open_at(now):
            raise session_not_active(session.status_at(now))
        return session

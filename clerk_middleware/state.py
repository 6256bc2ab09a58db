"""`RequestState`: what authenticating a request decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from .auth import SessionAuth, SignedOut
from .csp import ResponsePolicy
from .errors import ClerkError
from .reasons import EXPLANATIONS, SESSION_TOKEN_EXPIRED_REFRESH

if TYPE_CHECKING:
    from .auth import Auth
    from .claims import SessionClaims
    from .clerk_access import RequestAccess
    from .config import ClerkConfig
    from .engine.context import Context
    from .machine_auth import MachineAuth
    from .request import ClerkRequest
    from .tokens.classes import TokenType

Status = Literal["signed-in", "signed-out", "handshake"]
Carrier = Literal["header", "cookie"]
Headers = list[tuple[str, str]]


class RequestState:
    """Who a request is, or the redirect that finds it out.

    A middleware answers ``handshake`` with a 307 and `headers`; it adds `headers` to the
    application's response otherwise, and answers with a 307 too where they hold a ``location``.
    """

    __slots__ = (
        "_clerk",
        "_context",
        "_machine",
        "_policy",
        "_session",
        "headers",
        "message",
        "reason",
        "retry_after",
        "status",
        "token",
        "token_carrier",
        "token_type",
    )

    def __init__(
        self,
        status: Status,
        *,
        token_type: TokenType | None,
        reason: str | None = None,
        message: str = "",
        headers: Headers | None = None,
        token: str | None = None,
        token_carrier: Carrier = "header",
        session: SessionClaims | None = None,
        machine: MachineAuth | None = None,
        retry_after: int | None = None,
    ) -> None:
        self.status: Status = status
        #: Why it is not signed in (`clerk_middleware.reasons`); `None` where it is.
        self.reason = reason
        #: The reason in words, for a developer.
        self.message = message or (EXPLANATIONS.get(reason, "") if reason is not None else "")
        #: Seconds after which to ask again, where Clerk could not tell whether a machine's token is good.
        self.retry_after = retry_after
        #: `None` where no accepted type was presented.
        self.token_type: TokenType | None = token_type
        #: The verified token itself: a secret.
        self.token = token
        #: Where it came from. A browser sends cookies on its own, so they call for a check of origin.
        self.token_carrier: Carrier = token_carrier
        #: Pairs to add to the response, names in lower case.
        self.headers: Headers = headers if headers is not None else []
        self._session = session
        self._context: Context | None = None
        self._clerk: RequestAccess | None = None
        self._machine = machine
        self._policy: ResponsePolicy | None = None

    def __repr__(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        return f"<RequestState {self.status}{reason}, token_type={self.token_type!r}>"

    @property
    def is_authenticated(self) -> bool:
        return self.status == "signed-in"

    @property
    def location(self) -> str | None:
        """Where the response must redirect to, if anywhere."""
        return next((value for name, value in self.headers if name == "location"), None)

    def bind(self, context: Context, clerk: RequestAccess) -> None:
        """Keep what the answer to this very request needs later on."""
        self._context = context
        self._clerk = clerk
        if self._machine is not None:
            self._machine = self._machine.of_request(clerk)

    @property
    def _bound(self) -> Context:
        if self._context is None:
            raise ClerkError("this state was not made by an authenticator, and knows no request")
        return self._context

    @property
    def config(self) -> ClerkConfig:
        """The configuration that the request was authenticated with."""
        return self._bound.config

    @property
    def request(self) -> ClerkRequest:
        """The request, its URL as the client sees it."""
        return self._bound.request

    @property
    def policy(self) -> ResponsePolicy | None:
        """What the response says of Content Security Policy; `None` where the configuration has none."""
        context = self._context
        if context is None:
            return None
        if self._policy is None and context.config.content_security_policy is not None:
            self._policy = ResponsePolicy.of(context.config, context.request.url.origin)
        return self._policy

    @property
    def dev_browser_token(self) -> str | None:
        """In a development instance what identifies the browser, for a redirect to carry along."""
        context = self._bound
        return context.browser.dev_browser_token if context.config.parsed_publishable_key else None

    @property
    def refused_cookie(self) -> bool:
        """Whether the browser has a session token, and is signed out all the same."""
        context = self._bound
        if self.is_authenticated or context.config.parsed_publishable_key is None:
            return False
        return context.browser.cookies.session_token is not None

    @property
    def expired_session_id(self) -> str | None:
        """The session whose token is genuine and this application's, but expired, and was not refreshed.

        It is signed out: of use to end it at Clerk, and for nothing else.
        """
        context = self._bound
        # The reason is found out last, of a token that is genuine: a header's, if there is one, and only
        # otherwise that of the cookie.
        is_genuine = (self.reason or "").startswith(SESSION_TOKEN_EXPIRED_REFRESH)
        if not is_genuine or context.request.authorization is not None:
            return None
        session_id = context.tokens.unverified_claims(context.browser.cookies.session_token).get("sid")
        return session_id if isinstance(session_id, str) else None

    @property
    def is_beyond_forgery(self) -> bool:
        """Whether no page of another site can have had a browser send the request (CSRF).

        Browsers send cookies on their own, and never a bearer token. One that is refused counts, too: the
        identity is the token's or nobody's then, and its client has to learn that, by a 401.
        """
        if self.is_authenticated:
            return self.token_carrier == "header"
        return (self._bound.request.authorization or "")[:7].lower() == "bearer "

    def to_auth(self, treat_pending_as_signed_out: bool = True) -> Auth:
        """The Auth object of this request.

        :param treat_pending_as_signed_out: a session with unfinished tasks (``sts: pending``) is
            signed out, as Clerk's SDKs have it, unless this is `False`.
        """
        if self._machine is not None:
            return self._machine
        session, token, context = self._session, self.token, self._context
        accepted = context.accepts if context is not None else None
        if session is None or token is None:
            return SignedOut(
                token_type=self.token_type,
                reason=self.reason,
                retry_after=self.retry_after,
                accepted=accepted,
            )
        if treat_pending_as_signed_out and session.session_status == "pending":
            return SignedOut(token_type=self.token_type, session_status="pending", accepted=accepted)
        return SessionAuth(session, token, self._clerk)

    def to_request_auth(self) -> Auth:
        """The same as applications find it at their request: its `scopes` are never `None`."""
        auth = self.to_auth()
        return auth.with_scopes(()) if isinstance(auth, SignedOut) else auth

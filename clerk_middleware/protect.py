"""``protect()``: a requirement with the answers of Clerk's own SDKs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Required, Unpack

from .answers import NOT_FOUND, Answer, redirect_to_sign_in
from .authorization import Asked
from .conditions import Condition
from .errors import ConfigurationError
from .machine_auth import MachineAuth
from .protection import NotAuthenticated, NotAuthorized, Requirement
from .tokens.classes import AcceptsToken, types_of
from .validation import url_or_path

if TYPE_CHECKING:
    from .protection import AuthorizationError
    from .state import RequestState


class SessionProtectionOptions(Asked, total=False):
    """The parameters of ``protect()`` where sessions alone are accepted."""

    #: Where to send who is signed in, but not allowed.
    unauthorized_url: str | None
    #: Where to send who is not signed in.
    unauthenticated_url: str | None


class ProtectionOptions(SessionProtectionOptions, total=False):
    """The parameters of ``protect()``."""

    #: Which types of token are accepted: ``session_token`` unless given.
    token: AcceptsToken
    #: What a machine's token must be good for: a scope, or several.
    scope: str | Sequence[str]


class TokenProtectionOptions(ProtectionOptions):
    """The same where it is said which tokens are accepted: a condition is of their Auth objects, then."""

    token: Required[AcceptsToken]  # type: ignore[misc]  # it is there, in this case


class Protection(Requirement):
    """A requirement with the answers of ``auth.protect()`` in Clerk's own SDKs.

    Who may not see a page is told that there is none: 404, or *unauthorized_url*. Who is signed
    out is sent to *unauthenticated_url* or to sign in; an API request gets 404.

    https://clerk.com/docs/reference/nextjs/app-router/auth#auth-protect
    """

    __slots__ = ("unauthenticated_url", "unauthorized_url")

    def __init__(
        self,
        condition: Condition | None = None,
        **options: Unpack[ProtectionOptions],
    ) -> None:
        for name in ("unauthorized_url", "unauthenticated_url"):
            url_or_path(name, options.get(name))
        self.unauthorized_url = options.pop("unauthorized_url", None)
        self.unauthenticated_url = options.pop("unauthenticated_url", None)
        if "scope" in options and not options["scope"]:
            raise ConfigurationError(
                f"scope is {options['scope']!r}, so that none would be required: check where the value comes "
                "from"
            )
        for name, ours in (("accepts_token", "token"), ("scopes", "scope")):
            if name in options:
                raise ConfigurationError(f"protect calls it {ours}: write protect({ours}=...), not {name}=")
        accepts_token, scopes = options.pop("token", "session_token"), options.pop("scope", None)
        super().__init__(condition, accepts_token=accepts_token, scopes=scopes, **options)  # type: ignore[misc]

    def status_code(self, error: AuthorizationError) -> int:
        if isinstance(error.auth, MachineAuth) or types_of(self.accepts_token) != ("session_token",):
            return super().status_code(error)  # there is no page to hide from a machine
        if isinstance(error, NotAuthorized):
            return 404
        if isinstance(error, NotAuthenticated) and error.auth.token_type in ("session_token", None):
            return 404
        return super().status_code(error)

    def answer(
        self, error: AuthorizationError, state: RequestState | None, *, may_redirect: bool = True
    ) -> Answer:
        if self.status_code(error) != 404:
            return super().answer(error, state, may_redirect=may_redirect)
        if not may_redirect:
            return NOT_FOUND
        if isinstance(error, NotAuthorized):
            return Answer.redirect(self.unauthorized_url) if self.unauthorized_url else NOT_FOUND
        if self.unauthenticated_url:
            return Answer.redirect(self.unauthenticated_url)
        return redirect_to_sign_in(error.auth, state) or NOT_FOUND

"""What a route requires, and the exceptions that say that a request does not meet it."""

from __future__ import annotations

from collections.abc import Coroutine
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Unpack

from . import authorization
from .answers import (
    NOT_FOUND,
    Answer,
    forbidden,
    not_signed_in,
    redirect_to_sign_in,
    reverification_error,
    unauthorized,
)
from .auth import SessionAuth, SignedOut
from .authorization import Asked
from .errors import ClerkError, ConfigurationError
from .validation import url_or_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from .auth import Auth
    from .state import RequestState

_EXAMPLES = {"role": "org:admin", "permission": "org:teams:manage", "feature": "export", "plan": "pro"}


class Requirement:
    """A session, and what it must be allowed to do. Nothing given: to be signed in is enough.

    :param condition: a function of the Auth object that must return true.
    :param asked: the parameters of `SessionAuth.has`.

    :raises ConfigurationError: where the requirement is written, if it is malformed.
    """

    __slots__ = ("asked", "condition", "reverification")

    def __init__(
        self, condition: Callable[[SessionAuth], bool] | None = None, **asked: Unpack[Asked]
    ) -> None:
        if asked and all(value is None for value in asked.values()):
            raise ConfigurationError(
                f"{' and '.join(asked)} is None, so that nothing but a session would be required: check "
                "where the value comes from"
            )
        reverification = asked.pop("reverification", None)
        #: Everything that is asked but reverification, by its name.
        self.asked: dict[str, str] = {}
        for name, value in asked.items():
            if name not in _EXAMPLES:
                raise TypeError(f"{name!r} is nothing that can be required")
            if value is None:
                continue
            if not isinstance(value, str) or not value.strip():
                raise ConfigurationError(
                    f"a required {name} must be a text such as {_EXAMPLES[name]!r}, not {value!r}"
                )
            self.asked[name] = value
        self.reverification = None
        if reverification is not None:
            self.reverification = authorization.reverification_of(reverification)
            if self.reverification is None:
                presets = ", ".join(map(repr, authorization.PRESETS))
                raise ConfigurationError(
                    f"reverification must be one of {presets}, or a level and an age such as "
                    f"{{'level': 'first_factor', 'after_minutes': 10}}, not {reverification!r}"
                )
        if condition is not None and (not callable(condition) or iscoroutinefunction(condition)):
            raise ConfigurationError(
                "a condition must be a function of the Auth object that returns true or false, not async; "
                f"this is {condition!r}"
            )
        self.condition = condition

    def __repr__(self) -> str:
        wanted = [f"{name}={value!r}" for name, value in self.asked.items()]
        if self.reverification is not None:
            wanted.append(f"reverification={self.reverification!r}")
        return f"{type(self).__name__}({', '.join(wanted)})"

    def check(self, auth: Auth) -> SessionAuth:
        """Return *auth*, as the session that it is.

        :raises AuthorizationError: one of its subclasses, if the requirement is not met.
        """
        if not isinstance(auth, SessionAuth) or not auth.is_authenticated:
            raise NotAuthenticated(not_signed_in(auth), auth=auth, requirement=self)
        for name, value in self.asked.items():
            if not auth.has(**{name: value}):  # type: ignore[arg-type]
                raise NotAuthorized(f"{auth.user_id} lacks the {name} {value!r}", auth=auth, requirement=self)
        if self.condition is not None and not _holds(self.condition, auth):
            raise NotAuthorized("You are not allowed to do this.", auth=auth, requirement=self)
        if self.reverification is not None and not auth.has(reverification=self.reverification):
            raise ReverificationRequired("credentials must be verified again", auth=auth, requirement=self)
        return auth

    def status_code(self, error: AuthorizationError) -> int:
        """The status of `answer`, where it is no redirect."""
        return 401 if isinstance(error, NotAuthenticated) else 403

    def answer(
        self, error: AuthorizationError, state: RequestState | None, *, may_redirect: bool = True
    ) -> Answer:
        """The answer to a request that does not meet it.

        :param state: the request's, if a middleware of this library saw it.
        :param may_redirect: not where nobody would follow, as of a WebSocket.
        """
        if isinstance(error, ReverificationRequired):
            return Answer.json(403, reverification_error(self.reverification))
        if isinstance(error, NotAuthenticated):
            to_sign_in = redirect_to_sign_in(error.auth, state) if may_redirect else None
            return to_sign_in or unauthorized(error.auth, state)
        return Answer.json(403, forbidden(self.asked, str(error)))


#: Nothing but a session.
SIGNED_IN = Requirement()


class ProtectionOptions(Asked, total=False):
    """The parameters of ``protect()``."""

    #: Where to send who is signed in, but not allowed.
    unauthorized_url: str | None
    #: Where to send who is not signed in.
    unauthenticated_url: str | None


class Protection(Requirement):
    """A requirement with the answers of ``auth.protect()`` in Clerk's own SDKs.

    Who may not see a page is told that there is none: 404, or *unauthorized_url*. Who is signed
    out is sent to *unauthenticated_url* or to sign in; an API request gets 404.

    https://clerk.com/docs/reference/nextjs/app-router/auth#auth-protect
    """

    __slots__ = ("unauthenticated_url", "unauthorized_url")

    def __init__(
        self,
        condition: Callable[[SessionAuth], bool] | None = None,
        **options: Unpack[ProtectionOptions],
    ) -> None:
        for name in ("unauthorized_url", "unauthenticated_url"):
            url_or_path(name, options.get(name))
        self.unauthorized_url = options.pop("unauthorized_url", None)
        self.unauthenticated_url = options.pop("unauthenticated_url", None)
        super().__init__(condition, **options)  # type: ignore[misc]

    def status_code(self, error: AuthorizationError) -> int:
        if isinstance(error, NotAuthorized):
            return 404
        if isinstance(error, NotAuthenticated) and error.auth.token_type in ("session_token", None):
            return 404
        return super().status_code(error)  # a machine's token: there is no page to hide from it

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


class AuthorizationError(ClerkError):
    """The request may not have what it asks for.

    Raise one of its subclasses anywhere below a middleware of this library (in Django: in a view), as in
    ``raise NotAuthorized("This load is another driver's.")``, and the client gets the answer that
    `clerk_middleware.protection` defines for it, with this message.
    """

    #: Who asked.
    auth: Auth
    #: What was required.
    requirement: Requirement

    def __init__(
        self, message: str, *, auth: Auth | None = None, requirement: Requirement | None = None
    ) -> None:
        self.auth = auth if auth is not None else SignedOut()
        self.requirement = requirement if requirement is not None else Requirement()
        super().__init__(message)

    @property
    def status_code(self) -> int:
        """The HTTP status of the answer, where it is no redirect: for an error page of your own."""
        return self.requirement.status_code(self)


class NotAuthenticated(AuthorizationError):
    """Nobody is signed in, or not with a token type that is accepted here."""


class NotAuthorized(AuthorizationError):
    """Signed in, but without what was required."""


class ReverificationRequired(AuthorizationError):
    """Signed in and allowed, but the credentials were last verified too long ago."""


def _holds(condition: Callable[[SessionAuth], bool], auth: SessionAuth) -> bool:
    """Whether a condition is met. What is merely true is no answer: a coroutine is, and so is ``auth.has``.

    :raises ConfigurationError: if it returns anything but true or false.
    """
    outcome: object = condition(auth)
    if isinstance(outcome, bool):
        return outcome
    if isinstance(outcome, Coroutine):
        outcome.close()
    raise ConfigurationError(
        f"a condition must return True or False, but {condition!r} returned a {type(outcome).__name__}"
    )

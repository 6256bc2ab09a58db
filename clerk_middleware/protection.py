"""What a route requires, and the exceptions that say that a request does not meet it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING, Unpack

from . import authorization
from .answers import (
    Answer,
    forbidden,
    insufficient_scope,
    not_signed_in,
    redirect_to_sign_in,
    reverification_error,
    unauthorized,
    unavailable,
)
from .auth import SessionAuth, SignedOut
from .authorization import Asked
from .conditions import Condition, expect_function, holds
from .errors import ClerkError, ConfigurationError
from .machine_auth import MachineAuth
from .refused_deliveries import explain_refused_delivery
from .scopes import required_scopes
from .tokens.classes import (
    MACHINE_TOKEN_TYPES,
    TOKEN_TYPES,
    AcceptsToken,
    a_token,
    is_accepted,
    types_of,
)
from .validation import token_types

if TYPE_CHECKING:
    from typing import Self

    from .auth import Auth
    from .state import RequestState

_EXAMPLES = {"role": "org:admin", "permission": "org:teams:manage", "feature": "export", "plan": "pro"}


class Requirement:
    """Who may come in, and what they must be allowed to do. Nothing given: a session is enough.

    What is *asked* is asked of sessions, *scopes* of machines: their tokens have no permissions.

    :param condition: a function of the Auth object that must return true.
    :param accepts_token: ``session_token``, ``api_key``, ``m2m_token``, ``oauth_token``, a list of these, or
        ``any`` of those that the application accepts.
    :param scopes: what a machine's token must be good for: all of it.
    :param asked: the parameters of `SessionAuth.has`.

    :raises ConfigurationError: where the requirement is written, if it is malformed.
    """

    __slots__ = ("accepts_token", "asked", "condition", "reverification", "scopes")

    def __init__(
        self,
        condition: Condition | None = None,
        *,
        accepts_token: AcceptsToken = "session_token",
        scopes: str | Sequence[str] | None = None,
        **asked: Unpack[Asked],
    ) -> None:
        if asked and all(value is None for value in asked.values()):
            raise ConfigurationError(
                f"{' and '.join(asked)} is None, so that nothing but a session would be required: check "
                "where the value comes from"
            )
        self.accepts_token: AcceptsToken = token_types(accepts_token)
        self.scopes = required_scopes(scopes) if scopes is not None else ()
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
        types = types_of(self.accepts_token)
        accepts_machines = types != ("session_token",)
        asked_of_sessions = [*self.asked, *(["reverification"] if self.reverification is not None else [])]
        if self.scopes and not accepts_machines:
            raise ConfigurationError(
                f"the scope {self.scopes[0]!r} is of a machine's token, and only sessions are accepted: say "
                "which other tokens are, as in accepts_token='oauth_token', or require a permission"
            )
        if asked_of_sessions and "session_token" not in types:
            raise ConfigurationError(
                f"{' and '.join(asked_of_sessions)} can be asked of sessions alone, and none are accepted: "
                "require a scope, or accept 'session_token', too"
            )
        if asked_of_sessions and accepts_machines and not self.scopes:
            raise ConfigurationError(
                f"{' and '.join(asked_of_sessions)} can be asked of sessions alone, and other tokens are "
                "accepted, too: say by a scope what these must be good for"
            )
        expect_function(condition)
        self.condition = condition

    @classmethod
    def of_scopes(cls, scopes: Sequence[str], accepts_token: AcceptsToken) -> Requirement:
        """What ``require_scope`` requires, in each framework.

        :raises ConfigurationError: also where it names no scope.
        """
        if not scopes or callable(scopes[0]):
            raise ConfigurationError(
                "require_scope names no scope: write which, as in require_scope('read:loads'), or "
                "require_auth(accepts_token='api_key') where any will do"
            )
        if any(isinstance(scope, (list, tuple, set, frozenset)) for scope in scopes):
            raise ConfigurationError(
                "require_scope takes each scope on its own: write require_scope('read:loads', 'write:loads')"
            )
        return cls(accepts_token=accepts_token, scopes=scopes)

    def with_scopes(self, scopes: Sequence[str]) -> Self:
        """The same with *scopes* besides its own, for the route that names them: a permission's name, too."""
        other = copy(self)
        other.scopes = (*self.scopes, *scopes)
        return other

    def __repr__(self) -> str:
        wanted = [f"{name}={value!r}" for name, value in self.asked.items()]
        if self.accepts_token != "session_token":
            wanted.append(f"accepts_token={self.accepts_token!r}")
        if self.scopes:
            wanted.append(f"scopes={self.scopes!r}")
        if self.reverification is not None:
            wanted.append(f"reverification={self.reverification!r}")
        return f"{type(self).__name__}({', '.join(wanted)})"

    def check(self, auth: Auth) -> SessionAuth | MachineAuth:
        """Return *auth*, as what it is.

        :raises AuthorizationError: one of its subclasses, if the requirement is not met.
        :raises ConfigurationError: if the application does not accept the tokens that are required.
        """
        if (
            not isinstance(auth, (SessionAuth, MachineAuth))
            or not auth.is_authenticated
            or not is_accepted(auth.token_type, self.accepts_token)
        ):
            _expect_accepted(self.accepts_token, auth)
            raise NotAuthenticated(not_signed_in(auth, self.accepts_token), auth=auth, requirement=self)
        if isinstance(auth, MachineAuth):
            self._check_machine(auth)
        else:
            self._check_session(auth)
        return auth

    def _check_session(self, auth: SessionAuth) -> None:
        for name, value in self.asked.items():
            if not auth.has(**{name: value}):  # type: ignore[arg-type]
                raise NotAuthorized(f"{auth.user_id} lacks the {name} {value!r}", auth=auth, requirement=self)
        self._check_condition(auth)
        if self.reverification is not None and not auth.has(reverification=self.reverification):
            raise ReverificationRequired("credentials must be verified again", auth=auth, requirement=self)

    def _check_machine(self, auth: MachineAuth) -> None:
        missing = [scope for scope in self.scopes if scope not in auth.scopes]
        if missing:
            problem = f"the token lacks the scope {' and '.join(map(repr, missing))}"
            if auth.token_type == "m2m_token":
                problem += " (of an M2M token, scopes are the machines that it may call)"
            raise InsufficientScope(problem, auth=auth, requirement=self)
        self._check_condition(auth)

    def _check_condition(self, auth: SessionAuth | MachineAuth) -> None:
        if self.condition is not None and not holds(self.condition, auth):
            raise NotAuthorized("You are not allowed to do this.", auth=auth, requirement=self)

    def status_code(self, error: AuthorizationError) -> int:
        """The status of `answer`, where it is no redirect."""
        if isinstance(error, NotAuthenticated):
            return 503 if self._is_undecided(error.auth) else 401
        return 403

    def _is_undecided(self, auth: Auth) -> bool:
        """Whether the token may be good, and of a type that is accepted, but Clerk could not say so."""
        return auth.retry_after is not None and is_accepted(auth.token_type, self.accepts_token)

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
            if error.auth.retry_after is not None and self._is_undecided(error.auth):
                return unavailable(error.auth.retry_after, state)
            if state is not None:
                explain_refused_delivery(state)
            is_for_browsers = may_redirect and is_accepted("session_token", self.accepts_token)
            to_sign_in = redirect_to_sign_in(error.auth, state) if is_for_browsers else None
            return to_sign_in or unauthorized(error.auth, state, self.accepts_token, self.scopes)
        if isinstance(error, InsufficientScope):
            return insufficient_scope(str(error), state, self.accepts_token, self.scopes)
        return Answer.json(403, forbidden(self.asked, str(error)))


#: Nothing but a session.
SIGNED_IN = Requirement()


def signed_in(auth: Auth) -> SessionAuth:
    """*auth*, as the session that it is.

    :raises NotAuthenticated: if nobody is signed in, or a machine calls.
    """
    return SIGNED_IN.check(auth)  # type: ignore[return-value]  # nothing else is accepted


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


class InsufficientScope(NotAuthorized):
    """A machine's token, good, but not for this."""


class ReverificationRequired(AuthorizationError):
    """Signed in and allowed, but the credentials were last verified too long ago."""


def _expect_accepted(required: AcceptsToken, auth: Auth) -> None:
    """Find out that a route requires what never comes, as the application does not look at such tokens.

    :raises ConfigurationError: naming the types.
    """
    accepted = auth.accepted if isinstance(auth, SignedOut) else None
    if accepted is None or required == "any":
        return
    types = types_of(required)
    missing = [name for name in types if not is_accepted(name, accepted)]
    if not missing or (types == MACHINE_TOKEN_TYPES and len(missing) < len(types)):  # any machine will do
        return
    if types == MACHINE_TOKEN_TYPES:
        raise ConfigurationError(
            f"this route requires {' or '.join(map(a_token, types))}, and the application accepts none of "
            "them: name those that you want in accepts_token, such as accepts_token=['session_token', "
            "'api_key'], in the environment CLERK_ACCEPTS_TOKEN=session_token,api_key",
            option="accepts_token",
        )
    wanted = [name for name in TOKEN_TYPES if name in missing or is_accepted(name, accepted)]
    raise ConfigurationError(
        f"this route requires a token of type {' or '.join(missing)}, which the application does not accept: "
        f"set accepts_token={wanted!r}, in the environment CLERK_ACCEPTS_TOKEN={','.join(wanted)}",
        option="accepts_token",
    )

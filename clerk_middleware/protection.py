"""What a route requires, and the answer that failing it gets: in every framework the same."""

from __future__ import annotations

import json
from collections.abc import Coroutine
from inspect import isawaitable, iscoroutinefunction
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from . import authorization, reasons
from .auth import SessionAuth
from .authorization import Asked
from .errors import (
    AuthorizationError,
    ConfigurationError,
    NotAuthenticated,
    NotAuthorized,
    ReverificationRequired,
)
from .redirects import AuthRedirects

if TYPE_CHECKING:
    from collections.abc import Callable

    from .auth import Auth
    from .authorization import Reverification
    from .state import Headers, RequestState


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
        if not isinstance(auth, SessionAuth):
            raise NotAuthenticated(_not_signed_in(auth), auth=auth, requirement=self)
        for name, value in self.asked.items():
            if not auth.has(**{name: value}):  # type: ignore[arg-type]
                raise NotAuthorized(f"{auth.user_id} lacks the {name} {value!r}", auth=auth, requirement=self)
        if self.condition is not None and not _holds(self.condition(auth)):
            raise NotAuthorized(f"{auth.user_id} does not meet the condition", auth=auth, requirement=self)
        if self.reverification is not None and not auth.has(reverification=self.reverification):
            raise ReverificationRequired("credentials must be verified again", auth=auth, requirement=self)
        return auth

    def status_code(self, error: AuthorizationError) -> int:
        """The status of `answer`, where it is no redirect."""
        return 401 if isinstance(error, NotAuthenticated) else 403

    def answer(self, error: AuthorizationError, state: RequestState | None) -> Answer:
        """The answer to a request that does not meet it.

        :param state: the request's, if a middleware of this library saw it.
        """
        if isinstance(error, ReverificationRequired):
            return Answer.json(403, reverification_error(self.reverification))
        if isinstance(error, NotAuthenticated):
            return _redirect_to_sign_in(error.auth, state) or _unauthorized(error.auth, state)
        return Answer.json(403, _forbidden(self))


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
        self.unauthorized_url = options.pop("unauthorized_url", None)
        self.unauthenticated_url = options.pop("unauthenticated_url", None)
        super().__init__(condition, **options)  # type: ignore[misc]

    def status_code(self, error: AuthorizationError) -> int:
        if isinstance(error, NotAuthorized):
            return 404
        if isinstance(error, NotAuthenticated) and not error.auth.is_authenticated:
            return 404
        return super().status_code(error)  # a machine's token: there is no page to hide from it

    def answer(self, error: AuthorizationError, state: RequestState | None) -> Answer:
        if self.status_code(error) != 404:
            return super().answer(error, state)
        if isinstance(error, NotAuthorized):
            return Answer.redirect(self.unauthorized_url) if self.unauthorized_url else _NOT_FOUND
        if self.unauthenticated_url:
            return Answer.redirect(self.unauthenticated_url)
        return _redirect_to_sign_in(error.auth, state) or _NOT_FOUND


class Answer(NamedTuple):
    """An HTTP response, for any framework to send."""

    status: int
    headers: Headers
    body: bytes

    @classmethod
    def json(cls, status: int, content: object, headers: Headers | None = None) -> Answer:
        fixed = [("content-type", "application/json"), ("cache-control", "no-store")]
        return cls(status, fixed + (headers or []), json.dumps(content).encode())

    @classmethod
    def redirect(cls, url: str) -> Answer:
        return cls(307, [("location", url), ("cache-control", "no-store")], b"")


def reverification_error(wanted: Reverification | None) -> dict[str, Any]:
    """The body that Clerk's frontend reads, to have the user verify and then to try again.

    https://clerk.com/docs/guides/secure/reverification
    """
    metadata = {"reverification": wanted} if wanted is not None else {}
    return {"clerk_error": {"type": "forbidden", "reason": "reverification-error", "metadata": metadata}}


_EXAMPLES = {"role": "org:admin", "permission": "org:teams:manage", "feature": "export", "plan": "pro"}
# Not to be carried through the sign-in page: they are secrets, and of use only once.
_CLERK_PARAMS = ("__clerk_db_jwt", "__clerk_handshake", "__clerk_handshake_nonce")
# Word for word what a web framework says of a path that does not exist.
_NOT_FOUND = Answer.json(404, {"detail": "Not Found"})


def _holds(outcome: object) -> bool:
    """Whether a condition is met; a coroutine, which nobody awaits, is no answer."""
    if isinstance(outcome, Coroutine):
        outcome.close()
        return False
    return bool(outcome) and not isawaitable(outcome)


def _forbidden(requirement: Requirement) -> dict[str, Any]:
    wanted = " and ".join(f"the {name} {value!r}" for name, value in requirement.asked.items())
    return {
        "clerk_error": {
            "type": "forbidden",
            "reason": "not-authorized",
            "message": f"This needs {wanted}." if wanted else "You are not allowed to do this.",
            "metadata": {"required": requirement.asked},
        }
    }


def _not_signed_in(auth: Auth) -> str:
    if auth.is_authenticated:
        return f"this needs a session token, and the request has a token of type {auth.token_type}"
    return "nobody is signed in"


def _unauthorized(auth: Auth, state: RequestState | None) -> Answer:
    error = {"type": "unauthorized", "reason": "not-signed-in", "message": "Sign in to do this."}
    if auth.is_authenticated:
        error["reason"] = reasons.TOKEN_TYPE_MISMATCH
        error["message"] = f"{_not_signed_in(auth).capitalize()}."
    elif state is not None and state.reason is not None:
        error["reason"] = state.reason
        if state.config.is_development and state.message:
            error["message"] = f"Sign in to do this: {state.message}."
    return Answer.json(401, {"clerk_error": error}, [("www-authenticate", "Bearer")])


def _redirect_to_sign_in(auth: Auth, state: RequestState | None) -> Answer | None:
    """Only a navigation can be sent to sign in, and only if it is known where that is."""
    if auth.is_authenticated or state is None or not state.request.is_navigation:
        return None
    config = state.config
    if config.sign_in_url is None and config.parsed_publishable_key is None:
        return None
    url = str(state.request.url.without_params(_CLERK_PARAMS))
    redirects = AuthRedirects(
        config,
        base_url=url,
        dev_browser_token=state.dev_browser_token,
        session_status=auth.session_status,
    )
    return Answer.redirect(redirects.to_sign_in(return_back_url=url))

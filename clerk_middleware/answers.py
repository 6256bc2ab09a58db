"""The HTTP answers to a request that may not have what it asks for: in every framework the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from . import reasons
from .challenges import bearer_challenge
from .redirects import AuthRedirects
from .sign_in_loops import explain_sign_in_loop, sign_in_count
from .tokens.classes import a_token, types_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .auth import Auth
    from .authorization import Reverification
    from .errors import HandshakeError
    from .state import Headers, RequestState
    from .tokens.classes import AcceptsToken, TokenType

# WSGI wants a type for any body, also for an empty one.
_TEXT = ("content-type", "text/plain; charset=utf-8")


class Answer(NamedTuple):
    """An HTTP response, for any framework to send."""

    status: int
    headers: Headers
    body: bytes

    @classmethod
    def json(cls, status: int, content: object, headers: Headers | None = None) -> Answer:
        fixed = [("content-type", "application/json"), ("cache-control", "no-store")]
        from json import dumps

        body = dumps(content, separators=(",", ":"))
        return cls(status, fixed + (headers or []), body.encode())

    @classmethod
    def redirect(cls, url: str) -> Answer:
        location = quote(url, safe="/:?#[]@!$&'()*+,;=%~-._")
        return cls(307, [("location", location), ("cache-control", "no-store"), _TEXT], b"")


def redirect_of(state: RequestState) -> Answer | None:
    """The redirect that finds out who a request is, or takes its tokens out of the URL."""
    return Answer(307, [*state.headers, _TEXT], b"") if state.location is not None else None


def reverification_error(wanted: Reverification | None) -> dict[str, Any]:
    """The body that Clerk's frontend reads, to have the user verify and then to try again.

    https://clerk.com/docs/guides/secure/reverification
    """
    metadata: dict[str, Any] = {}
    if wanted is not None:  # written as in JavaScript: what else the frontend reads is no age to it
        metadata = {"reverification": {"level": wanted["level"], "afterMinutes": wanted["after_minutes"]}}
    return {"clerk_error": {"type": "forbidden", "reason": "reverification-error", "metadata": metadata}}


#: Not to be carried through the sign-in page: they are secrets, and of use only once.
CLERK_PARAMS = ("__clerk_db_jwt", "__clerk_handshake", "__clerk_handshake_nonce")
# The body that FastAPI gives a path that does not exist.
NOT_FOUND = Answer(
    404, [("content-type", "application/json"), ("cache-control", "no-store")], b'{"detail":"Not Found"}'
)


def forbidden(required: Mapping[str, str], problem: str) -> dict[str, Any]:
    wanted = " and ".join(f"the {name} {value!r}" for name, value in required.items())
    return {
        "clerk_error": {
            "type": "forbidden",
            "reason": "not-authorized",
            "message": f"This needs {wanted}." if wanted else problem,
            "metadata": {"required": dict(required)},
        }
    }


def not_signed_in(auth: Auth, accepts_token: AcceptsToken = "session_token") -> str:
    if auth.is_authenticated:
        wanted = _named(types_of(accepts_token))
        return f"this needs {wanted}, and the request has a token of type {auth.token_type}"
    return "nobody is signed in"


def unauthorized(
    auth: Auth,
    state: RequestState | None,
    accepts_token: AcceptsToken = "session_token",
    scopes: Sequence[str] = (),
) -> Answer:
    """401, with a challenge that says how to do better (RFC 6750, 3)."""
    types = types_of(accepts_token)
    todo = _todo(types)
    error = {"type": "unauthorized", "reason": "not-signed-in", "message": f"{todo}."}
    has_token = state is not None and state.request.authorization is not None
    if auth.is_authenticated:
        error["reason"] = reasons.TOKEN_TYPE_MISMATCH
        error["message"] = _sentence(not_signed_in(auth, accepts_token))
    elif state is not None and state.reason is not None:
        error["reason"] = state.reason
        if types == ("session_token",):
            if state.config.is_development and state.message:
                error["message"] = f"{todo}: {state.message}."
        elif not has_token and "session_token" not in types:
            error["reason"] = reasons.NO_TOKEN_IN_HEADER  # whatever it is that a browser lacks
        elif has_token and state.config.is_development and state.message:
            error["message"] = f"{_sentence(state.message)} {todo}."
    is_refused = (
        auth.token_type not in ("session_token", None) and error["reason"] != reasons.NO_TOKEN_IN_HEADER
    )
    if state is not None and types != ("session_token",):
        is_refused = has_token
    challenge = bearer_challenge(state, accepts_token, "invalid_token" if is_refused else None, scopes)
    return Answer.json(401, {"clerk_error": error}, [("www-authenticate", challenge)])


def _todo(types: Sequence[TokenType]) -> str:
    machines: list[TokenType] = [name for name in types if name != "session_token"]
    if not machines:
        return "Sign in to do this"
    send = f'end {_named(machines)} in the header "Authorization: Bearer ..."'
    return f"Sign in, or s{send}" if len(machines) < len(types) else f"S{send}"


def _named(types: Sequence[TokenType]) -> str:
    return " or ".join(map(a_token, types))


def _sentence(problem: str) -> str:
    return f"{problem[:1].upper()}{problem[1:]}."


def insufficient_scope(
    problem: str, state: RequestState | None, accepts_token: AcceptsToken, scopes: Sequence[str]
) -> Answer:
    """403 to a machine, which may ask its user for more."""
    error = {
        "type": "forbidden",
        "reason": "insufficient-scope",
        "message": _sentence(problem),
        "metadata": {"required": {"scopes": list(scopes)}},
    }
    challenge = bearer_challenge(state, accepts_token, "insufficient_scope", scopes)
    return Answer.json(403, {"clerk_error": error}, [("www-authenticate", challenge)])


def unavailable(retry_after: int, state: RequestState | None) -> Answer:
    """503: the token may be good, but Clerk could not say so. A 401 would have its client throw it away."""
    error = {
        "type": "unavailable",
        "reason": reasons.UNEXPECTED_ERROR,
        "message": "It could not be found out whether the token is good: try again.",
    }
    if state is not None and state.config.is_development and state.message:
        error["message"] += f" {_sentence(state.message)}"
    return Answer.json(503, {"clerk_error": error}, [("retry-after", str(retry_after))])


def handshake_failed(error: HandshakeError) -> Answer:
    content = {"type": "handshake-failed", "reason": error.reason, "message": f"{error}."}
    return Answer.json(400, {"clerk_error": content})


def redirect_to_sign_in(auth: Auth, state: RequestState | None) -> Answer | None:
    """Only a navigation can be sent to sign in, and only if it is known where that is."""
    if auth.is_authenticated or state is None or not state.request.is_navigation:
        return None
    config = state.config
    if config.sign_in_url is None and config.parsed_publishable_key is None:
        return None
    if (problem := sign_in_loop(state)) is not None:
        return problem
    url = str(state.request.url.without_params(CLERK_PARAMS))
    redirects = AuthRedirects(
        config,
        base_url=url,
        dev_browser_token=state.dev_browser_token,
        session_status=auth.session_status,
    )
    answer = Answer.redirect(redirects.to_sign_in(return_back_url=url))
    if (count := sign_in_count(state)) is not None:
        answer.headers.append(("set-cookie", count))
    return answer


def sign_in_loop(state: RequestState) -> Answer | None:
    """401 that says why, where signing in would not help: `None` unless it was tried over and over."""
    text = explain_sign_in_loop(state)
    if text is None:
        return None
    challenge = bearer_challenge(state, "session_token", None)
    headers = [("www-authenticate", challenge), ("cache-control", "no-store"), _TEXT]
    return Answer(401, headers, text.encode())

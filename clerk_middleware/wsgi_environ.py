"""What the middleware leaves in a WSGI environment, and how it answers there (PEP 3333)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from .auth import Auth
from .errors import ConfigurationError
from .protection import signed_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import StartResponse, WSGIEnvironment

    from .answers import Answer
    from .auth import SessionAuth
    from .machine_auth import MachineAuth
    from .protection import Requirement
    from .state import RequestState

#: The key of the request's Auth object.
AUTH = "clerk.auth"
#: The key of the request's `RequestState`.
STATE = "clerk.state"
#: The key of the nonce of the response's policy; ``x-nonce`` among the headers is the same.
CSP_NONCE = "clerk.csp_nonce"


def get_auth(environ: WSGIEnvironment) -> Auth:
    """``environ["clerk.auth"]``, typed.

    :raises ConfigurationError: if no `ClerkMiddleware` saw the request.
    """
    auth = environ.get(AUTH)
    if isinstance(auth, Auth):
        return auth
    raise ConfigurationError(_NOT_SEEN)


def get_session(environ: WSGIEnvironment) -> SessionAuth:
    """The same where somebody has to be signed in, so that `user_id` is a `str`.

    :raises NotAuthenticated: if nobody is.
    """
    return signed_in(get_auth(environ))


def get_state(environ: WSGIEnvironment) -> RequestState:
    """What authenticating the request decided; `RequestState.is_beyond_forgery` and the like.

    :raises ConfigurationError: if no `ClerkMiddleware` saw the request.
    """
    state: RequestState | None = environ.get(STATE)
    if state is None:
        raise ConfigurationError(_NOT_SEEN)
    return state


_NOT_SEEN = (
    "ClerkMiddleware did not see this request: wrap the application in it, application = "
    "ClerkMiddleware(application, config=...), and have the server run that"
)


def require(environ: WSGIEnvironment, requirement: Requirement) -> SessionAuth | MachineAuth:
    """Check *requirement* on the request's Auth object.

    :raises AuthorizationError: if it is not met.
    """
    return requirement.check(get_auth(environ))


def paths_of(environ: WSGIEnvironment) -> Iterator[tuple[str, str]]:
    """The path and, within it, the mount's, in each way in which an application may read them."""
    root, sent = environ.get("SCRIPT_NAME", "").rstrip("/"), environ.get("PATH_INFO", "")
    # What lacks its slash is taken for one that has it; a whole URL, perhaps, for its path.
    for path in (sent, f"/{sent}") if sent and not sent.startswith("/") else (sent,):
        if root.isascii() and path.isascii():
            yield root + path, root
            continue
        # Werkzeug and Django put a mark in the place of what is no UTF-8; Bottle leaves it out.
        for errors in ("replace", "ignore"):
            yield _decoded(root + path, errors), _decoded(root, errors)


def _decoded(text: str, errors: str) -> str:
    return text.encode("latin-1", "replace").decode("utf-8", errors)


def headers_of(environ: WSGIEnvironment) -> list[tuple[str, str]]:
    """A request's headers, with names in lower case. What had underscores has hyphens (PEP 3333)."""
    return [
        (name.removeprefix("HTTP_").replace("_", "-").lower(), str(value))
        for name, value in environ.items()
        if name.startswith("HTTP_") or (name in ("CONTENT_TYPE", "CONTENT_LENGTH") and value)
    ]


def send_answer(environ: WSGIEnvironment, start_response: StartResponse, answer: Answer) -> list[bytes]:
    """Start a whole response, and return its body."""
    headers = [*answer.headers, ("content-length", str(len(answer.body)))]
    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
    return [answer.body] if environ.get("REQUEST_METHOD") != "HEAD" else []

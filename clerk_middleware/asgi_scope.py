"""What the middleware leaves in a scope, for the adapters that run inside of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from .auth import Auth, SignedOut
from .errors import ClerkError, ConfigurationError
from .logging import logger
from .protection import AuthorizationError, signed_in

if TYPE_CHECKING:
    from .answers import Answer
    from .auth import SessionAuth
    from .machine_auth import MachineAuth
    from .protection import Requirement
    from .state import RequestState

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

#: The key of the request's `RequestState`.
STATE = "clerk_middleware.state"


def get_auth(scope: Scope) -> Auth:
    """``scope["auth"]``, typed.

    :raises ConfigurationError: if no `ClerkMiddleware` saw the request.
    """
    auth = scope.get("auth")
    if isinstance(auth, Auth):
        return auth
    if STATE in scope:
        raise ConfigurationError(
            "another authentication middleware replaced the Auth object of ClerkMiddleware: remove it, or "
            "add ClerkMiddleware before it, so that it runs inside of the other"
        )
    raise ConfigurationError(_NOT_SEEN)


def get_session(scope: Scope) -> SessionAuth:
    """The same where somebody has to be signed in, so that `user_id` is a `str`.

    :raises NotAuthenticated: if nobody is.
    """
    _prepare(scope)
    return signed_in(get_auth(scope))


def get_state(scope: Scope) -> RequestState:
    """What authenticating the request decided; `RequestState.is_beyond_forgery` and the like.

    :raises ConfigurationError: if no `ClerkMiddleware` saw the request.
    """
    state: RequestState | None = scope.get(STATE)
    if state is None:
        raise ConfigurationError(_NOT_SEEN)
    return state


def csp_nonce(scope: Scope) -> str | None:
    """The nonce that the response's scripts need, `None` unless its policy is strict.

    :raises ConfigurationError: if no `ClerkMiddleware` saw the request.
    """
    policy = get_state(scope).policy
    return policy.nonce if policy is not None else None


def template_context(scope: Scope) -> dict[str, Any]:
    """What templates are told, also on a page for a request that did not get as far as the middleware."""
    if STATE not in scope:
        return {"clerk_auth": SignedOut(), "csp_nonce": ""}
    return {"clerk_auth": get_auth(scope), "csp_nonce": csp_nonce(scope) or ""}


def put_nonce(scope: Scope, nonce: str) -> None:
    """Have the application find the nonce of its policy: in ``request.state``, and in a header."""
    scope.setdefault("state", {})["csp_nonce"] = nonce
    headers = [pair for pair in scope["headers"] if pair[0].lower() != b"x-nonce"]
    scope["headers"] = [*headers, (b"x-nonce", nonce.encode("ascii"))]


_NOT_SEEN = (
    "ClerkMiddleware did not see this request: add it with app.add_middleware(ClerkMiddleware, config=...)"
)


def require(scope: Scope, requirement: Requirement, auth: Auth | None = None) -> SessionAuth | MachineAuth:
    """Check *requirement* on the request's Auth object, or on *auth* in its place.

    :raises AuthorizationError: if it is not met.
    """
    _prepare(scope)
    return requirement.check(auth if auth is not None else get_auth(scope))


def _prepare(scope: Scope) -> None:
    """Have refusals answered."""
    # Starlette's applications answer an exception that has no handler with 500 before the middleware
    # sees it, where they are mounted in another. A handler of the application's own goes first.
    handlers = scope.get("starlette.exception_handlers")
    if handlers and scope["type"] == "http" and ClerkError not in handlers[0]:
        handlers[0].setdefault(AuthorizationError, _answer_refusal)


async def _answer_refusal(connection: Any, error: AuthorizationError) -> ASGIApp:
    if connection.scope["type"] != "http":
        raise error  # a socket is the middleware's to refuse
    logger.debug("Clerk: refused, %s", error)
    answer = error.requirement.answer(error, connection.scope.get(STATE))

    async def response(scope: Scope, receive: Receive, send: Send) -> None:
        await send_answer(send, answer)

    return response


async def send_answer(send: Send, answer: Answer, prefix: str = "http") -> None:
    """Send a whole response; *prefix* ``websocket.http`` is for one that denies a WebSocket."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": f"{prefix}.response.start", "status": answer.status, "headers": headers})
    await send({"type": f"{prefix}.response.body", "body": answer.body, "more_body": False})

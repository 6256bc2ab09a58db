"""Who the current request is: found out when first asked for, and kept on Flask's request object.

Not in the WSGI environment, which an application may pass on to another: what is there is a copy, for what
knows of WSGI alone, and is never read back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app, request
from werkzeug.local import LocalProxy

from clerk_middleware import Auth, ClerkRequest, SignedOut
from clerk_middleware.protection import signed_in
from clerk_middleware.wsgi_environ import AUTH, CSP_NONCE, STATE

from .runtime import Runtime, runtime_of

if TYPE_CHECKING:
    from clerk_middleware import RequestState, SessionAuth
    from clerk_middleware.csp import ResponsePolicy

#: The key in the environment under which a test client passes an application and its own `Runtime` for it.
RUNTIME = "clerk_middleware_flask.runtime"
_CONFIG_FOUND = "_clerk_config_found"


#: Stands for a request whose ``Host`` is not this application's.
UNKNOWN = ClerkRequest("GET", "http://localhost/")


@dataclass(slots=True)
class Identity:
    """Who a request is to one application."""

    runtime: Runtime
    #: Nobody, should authenticating fail: its error page asks as well.
    auth: Auth
    state: RequestState | None = None
    #: Whether the redirect of `state` is the answer, which has its headers then.
    is_redirected: bool = False
    #: That of its error page, should authenticating fail; see content_security.py.
    error_policy: ResponsePolicy | None = None

    @classmethod
    def of_request(cls) -> Identity:
        """That of the current request, found out if need be.

        :raises ConfigurationError: if its application has no `Clerk`.
        :raises HandshakeError: in development, if a handshake token does not verify; once.
        :raises SecurityError: for a host that ``TRUSTED_HOSTS`` does not name; once.
        """
        runtime, identities = _of_request()
        identity = identities.get(runtime)
        if identity is None:
            identity = identities[runtime] = cls(runtime, SignedOut())
            identity.authenticate()
        return identity

    @classmethod
    def found(cls) -> Identity | None:
        """That of the current request, if anything asked for it."""
        runtime, identities = _of_request()
        return identities.get(runtime)

    def require_state(self) -> RequestState:
        """What authenticating decided; if it failed, it fails again."""
        return self.state if self.state is not None else self.authenticate()

    def authenticate(self) -> RequestState:
        self.state = state = self.runtime.authenticator.authenticate_request(clerk_request())
        self.auth = state.to_request_auth()
        environ = request.environ
        environ[AUTH], environ[STATE] = self.auth, state
        if state.policy is not None and state.policy.nonce is not None:
            environ[CSP_NONCE] = environ["HTTP_X_NONCE"] = state.policy.nonce
        return state


def runtime_in_use() -> Runtime:
    """What serves the current request: the application's own, or the test client's."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    of_app, runtime = request.environ.get(RUNTIME, (None, None))
    return runtime if of_app is app else runtime_of(app)


def _of_request() -> tuple[Runtime, dict[Runtime, Identity]]:
    """What serves the request, and who the request is to each application."""
    given = request._get_current_object()  # type: ignore[attr-defined]
    return runtime_in_use(), given.__dict__.setdefault("_clerk_identities", {})


def clerk_request() -> ClerkRequest:
    """The request as the engine sees it.

    :raises SecurityError: Werkzeug's 400, for a host that ``TRUSTED_HOSTS`` does not name.
    """
    given = request._get_current_object()  # type: ignore[attr-defined]
    _ = given.host
    # A copy without what will refer to it: each would wait for a collection.
    seen = ClerkRequest.from_wsgi({**given.environ, "werkzeug.request": None})
    seen.config_found = given.__dict__.get(_CONFIG_FOUND)
    return seen


def remember_config(seen: ClerkRequest) -> None:
    """Keep the configuration that serves the current request, so that a function of it is asked once."""
    request.__dict__[_CONFIG_FOUND] = seen.config_found


def get_state() -> RequestState:
    """What authenticating the request decided.

    :raises ConfigurationError: if the application has no `Clerk`.
    :raises HandshakeError: in development, if a handshake token does not verify.
    """
    return Identity.of_request().require_state()


def get_auth() -> Auth:
    """`current_auth` itself, and not a proxy: to keep, to pass on to a thread, or to pickle.

    :raises ConfigurationError: if the application has no `Clerk`.
    """
    return Identity.of_request().auth


def get_session() -> SessionAuth:
    """The same where somebody has to be signed in, so that `user_id` is a `str`.

    :raises NotAuthenticated: if nobody is.
    """
    return signed_in(get_auth())


#: The Auth object of the current request, in views, templates, and whatever they call.
current_auth: Auth = cast("Auth", LocalProxy(get_auth))

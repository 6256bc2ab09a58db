"""A request's identity: what the middleware leaves on it, and what views read."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.utils.encoding import escape_uri_path, iri_to_uri

from clerk_middleware import Auth, ClerkRequest, ConfigurationError, SignedOut
from clerk_middleware.protection import signed_in

if TYPE_CHECKING:
    from clerk_middleware import RequestState, SessionAuth


class ClerkHttpRequest(HttpRequest):
    """``HttpRequest`` as `ClerkMiddleware` passes it on: an annotation for the parameter of a view."""

    auth: Auth
    #: The nonce of the response's policy, where ``CONTENT_SECURITY_POLICY`` is ``CSP(strict=True)``.
    csp_nonce: str


def clerk_request(request: HttpRequest) -> ClerkRequest:
    """The request as the engine sees it: scheme, host and path as Django has them.

    :raises DisallowedHost: Django's 400, for a host that ``ALLOWED_HOSTS`` does not name.
    """
    return _request_for(request, request.path)


def metadata_request(request: HttpRequest) -> ClerkRequest:
    """The same to look for an OAuth document, which is at the root of the host, and in no mount.

    With ``FORCE_SCRIPT_NAME`` each path of Django's begins with that, also where it was not sent.
    """
    return _request_for(request, request.path_info)


def _request_for(request: HttpRequest, path: str) -> ClerkRequest:
    # No part of it may refer to the request, which will refer to it: each would wait for a collection.
    origin = f"{request.scheme}://{request.get_host()}"
    query = request.META.get("QUERY_STRING", "")
    if isinstance(request, WSGIRequest):  # WSGI's texts hold bytes, read as Latin-1
        query = query.encode("latin-1", "replace").decode("utf-8", "replace")
    return ClerkRequest.from_wsgi(
        request.META, url=lambda: f"{origin}{escape_uri_path(path)}?{iri_to_uri(query)}"
    )


def get_auth(request: HttpRequest) -> Auth:
    """``request.auth``, typed.

    :raises ConfigurationError: if no `ClerkMiddleware` saw the request.
    """
    auth = getattr(request, "auth", None)
    if isinstance(auth, Auth):
        return auth
    require_state(request)
    # REST framework and Ninja put there what another way of theirs to authenticate found out.
    return SignedOut()


def get_session(request: HttpRequest) -> SessionAuth:
    """The same for a view that needs somebody to be signed in, so that `user_id` is a `str`.

    :raises NotAuthenticated: if nobody is.
    """
    return signed_in(get_auth(request))


def state_of(request: HttpRequest) -> RequestState | None:
    """What authenticating the request decided; `None` where no `ClerkMiddleware` saw it."""
    return cast("RequestState | None", getattr(request, "_clerk_state", None))


def require_state(request: HttpRequest) -> RequestState:
    """The same, where it has to be there.

    :raises ConfigurationError: if no `ClerkMiddleware` saw the request.
    """
    state = state_of(request)
    if state is None:
        raise ConfigurationError(
            "ClerkMiddleware did not see this request: add 'clerk_middleware_django.middleware."
            "ClerkMiddleware' to MIDDLEWARE"
        )
    return state


def maps_users(request: HttpRequest) -> bool:
    """Whether ``request.user`` is `ClerkUserMiddleware`'s."""
    return getattr(request, "_clerk_maps_users", False)

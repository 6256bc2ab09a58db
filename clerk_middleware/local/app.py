"""Everything that LocalClerk serves, put together as one ASGI application."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .backend.api import UNVERSIONED_PATHS, BackendAPI
from .browser import Browsers
from .errors import APIError, error_response
from .faults import Faults, FaultsMiddleware
from .frontend.api import FrontendAPI
from .instance import Instance
from .issuing import CredentialIssuer
from .oauth.authorization_endpoint import AuthorizationEndpoint
from .oauth.issuing import OAuthTokenIssuer
from .oauth.metadata import Metadata
from .oauth.registration import Registration
from .oauth.token_endpoint import TokenEndpoint
from .origins import OriginPolicy, own_url
from .pages import Pages
from .proxied_requests import ProxiedRequests, ProxiedRequestsMiddleware, is_proxied
from .rendering import PageRenderer
from .requested_paths import RequestCounts, RequestCountsMiddleware
from .tokens import TokenIssuer
from .user_access import UserAccess
from .webhooks.http_request import HTTPRequestMiddleware

__all__ = ["create_app"]

#: Bytes of a request's body: ten times what any endpoint takes.
_MAXIMUM_BODY = 256 * 1024
#: Beginnings of the paths that programs ask for; on all others there are pages.
_ANSWERED_AS_JSON = ("/v1/", "/.well-known/", *UNVERSIONED_PATHS)
_CODES = {404: "resource_not_found", 405: "method_not_allowed"}


def create_app(
    *,
    instance: Instance,
    issuer: TokenIssuer,
    credentials: CredentialIssuer,
    oauth: OAuthTokenIssuer,
    origins: OriginPolicy,
    faults: Faults,
    counts: RequestCounts,
    proxied: ProxiedRequests,
    access: UserAccess,
    node_modules: Path | None,
) -> Starlette:
    """The ASGI application of an instance: Backend API, Frontend API and pages."""
    browsers = Browsers(instance)
    renderer = PageRenderer(instance, origins)

    async def refused(request: Request, error: Exception) -> Response:
        error = cast(HTTPException, error)  # the class it is registered for
        if isinstance(error, APIError):
            return error.response
        if request.url.path.removeprefix(request.scope.get("root_path", "")).startswith(_ANSWERED_AS_JSON):
            code = _CODES.get(error.status_code, "request_invalid")
            message = _unserved(request) if error.status_code == 404 else error.detail
            return error_response(error.status_code, code, message, headers=error.headers)
        title = "There is no such page" if error.status_code == 404 else "This did not work"
        text = "LocalClerk has no page at this address." if error.status_code == 404 else error.detail
        return renderer.message(request, error.status_code, title, text)

    async def hung_up(request: Request, error: Exception) -> Response:
        return Response(status_code=400)  # which nobody reads: clients may give up, and that is no error here

    return Starlette(
        routes=[
            # Before the Backend API, of which it has some paths: it leaves requests with a bearer key alone.
            *FrontendAPI(instance, issuer, browsers, origins, access, node_modules).routes,
            *BackendAPI(instance, issuer, credentials, access).routes,
            *Metadata(instance).routes,
            *Registration(instance).routes,
            *TokenEndpoint(instance, oauth).routes,
            *AuthorizationEndpoint(instance, browsers, renderer).routes,
            *Pages(instance, browsers, origins, renderer).routes,
        ],
        middleware=[
            Middleware(ProxiedRequestsMiddleware, secret_key=instance.secret_key, requests=proxied),
            Middleware(HostMiddleware, origins=origins),
            Middleware(HTTPRequestMiddleware),
            Middleware(RequestCountsMiddleware, counts=counts),
            Middleware(FaultsMiddleware, faults=faults),
            Middleware(BodyLimitMiddleware),
        ],
        exception_handlers={HTTPException: refused, ClientDisconnect: hung_up},
    )


def _unserved(request: Request) -> str:
    path = request.url.path.removeprefix(request.scope.get("root_path", ""))
    return f"LocalClerk does not serve {request.method} {path[:100]}. It is not that an id is wrong."


class HostMiddleware:
    """Answers only requests that name a host of LocalClerk's, or come by a proxy at such a host or origin.

    A page elsewhere whose DNS name turns to 127.0.0.1 could otherwise read what LocalClerk answers.
    """

    def __init__(self, app: ASGIApp, origins: OriginPolicy) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        app = self._app
        if scope["type"] == "http" and not self._serves(scope):
            app = PlainTextResponse(
                "LocalClerk answers loopback hosts alone, such as localhost.\n"
                "To reach it by another name, or an application that proxies it, add the name to hosts "
                "in [instance] of the seed.\n",
                status_code=421,
            )
        await app(scope, receive, send)

    def _serves(self, scope: Scope) -> bool:
        request = Request(scope)
        if is_proxied(scope):
            return self._origins.serves_proxy(own_url(request))
        return self._origins.serves(request.headers.get("host", ""))


class BodyLimitMiddleware:
    """Refuses bodies larger than anything that LocalClerk is meant to be sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting its body."""
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > _MAXIMUM_BODY:
                raise HTTPException(413, "The body is too large.")
            return message

        await self._app(scope, counted, send)

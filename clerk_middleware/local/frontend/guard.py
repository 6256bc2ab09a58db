"""What every endpoint of the Frontend API has in common: who may ask, and how it is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..browser import Browsers
from ..errors import APIError
from ..instance import Instance
from ..origins import OriginPolicy, origin_of, own_url
from ..proxied_requests import is_proxied
from ..records import Client
from ..rules import Refused
from .form import Form
from .frontend_request import FrontendRequest
from .refusals import answer_to
from .resources import Resources
from .routing import FrontendRoute

__all__ = ["Endpoint", "FrontendGuard"]

Endpoint = Callable[[FrontendRequest], Awaitable[Response]]

#: Verbs that come as ``POST ?_method=``: https://clerk.com/docs/reference/frontend-api
_OVERRIDES = frozenset({"DELETE", "PATCH", "PUT"})
#: Paths that the Backend API has, too.
_SHARED = "/v1/organizations"
#: By which a browser is told its new token in development.
_DEV_BROWSER_HEADER = "clerk-db-jwt"


class FrontendGuard:
    """Lets the application's pages ask, and nobody else's.

    Browsers say in ``Origin`` which page asks. Loopback's may, and those of the application that
    proxies the Frontend API or that the seed lists; any other is refused before anything is looked at.
    """

    def __init__(
        self, instance: Instance, browsers: Browsers, origins: OriginPolicy, resources: Resources
    ) -> None:
        self._instance = instance
        self._browsers = browsers
        self._origins = origins
        self._resources = resources

    def route(self, path: str, **endpoints: Endpoint) -> Route:
        """The route of `path`, with an answer for each verb, also for those that come as ``_method``."""

        async def endpoint(request: Request) -> Response:
            try:
                origin = self._origin(request)
            except APIError as refusal:
                return _private(refusal.response)
            if request.method == "OPTIONS":
                response: Response = Response(status_code=204)
                response.headers["access-control-allow-methods"] = "GET, POST"
                response.headers["access-control-allow-headers"] = "content-type"
            else:
                response = await self._answered(request, origin, endpoints)
            if "origin" in request.headers:
                response.headers["access-control-allow-origin"] = request.headers["origin"]
                response.headers["access-control-allow-credentials"] = "true"
                response.headers["access-control-expose-headers"] = f"{_DEV_BROWSER_HEADER}, retry-after"
            return _private(response)

        kind = FrontendRoute if path.startswith(_SHARED) else Route
        return kind(path, endpoint, methods=["GET", "OPTIONS", "POST"])

    async def _answered(
        self, request: Request, origin: str | None, endpoints: Mapping[str, Endpoint]
    ) -> Response:
        method = _method_of(request)
        asked = FrontendRequest(request, self._instance, self._browsers, origin)
        try:
            answer = endpoints.get(method)
            if answer is None:
                raise HTTPException(405, f"This is no endpoint for {method}.")
            if method != "GET":
                asked.form = await Form.of(request)
            response = await answer(asked)
        except (HTTPException, Refused) as error:
            # An error tells of the client, too: a page whose browser signed in elsewhere learns of it so.
            client = asked.known_client
            response = answer_to(error, self._resources.client(asked, client) if client else None)
        if asked.known_client is not None:
            self._remember(asked, asked.known_client, response)
        return response

    def _remember(self, asked: FrontendRequest, client: Client, response: Response) -> None:
        if self._instance.is_development and asked.query("__clerk_db_jwt") != client.token:
            response.headers[_DEV_BROWSER_HEADER] = client.token
        # A link may name a client by its token, but not make the browser keep it.
        may_be_a_link = self._instance.is_development and asked.request.method == "GET"
        if not may_be_a_link and not self._browsers.remembers(asked.request, client):
            self._browsers.remember(asked.request, response, client)

    def _origin(self, request: Request) -> str | None:
        """The application's origin, if it is known. Raises `APIError` for a page that must not ask."""
        given, own = request.headers.getlist("origin"), origin_of(own_url(request))
        if not given:
            site = request.headers.get("sec-fetch-site", "same-origin")
            if request.method != "GET" and site not in ("same-origin", "none"):
                raise _other_origin()
            # Without an Origin a page asks its own; which is the application's, if it proxies LocalClerk.
            return own if is_proxied(request.scope) else None
        origin = given[0].lower()
        if len(given) > 1 or (origin != own and not self._allows(origin)):
            raise _other_origin()
        return origin

    def _allows(self, origin: str) -> bool:
        return self._origins.allows(origin) and origin_of(origin) == origin


def _method_of(request: Request) -> str:
    override = request.query_params.get("_method", "").upper()
    return override if request.method == "POST" and override in _OVERRIDES else request.method


def _other_origin() -> APIError:
    message = (
        "LocalClerk endpoints pages on loopback and those of its own origin. To let others ask, add their "
        "origin to allowed_origins in [instance] of the seed."
    )
    return APIError(400, "origin_invalid", message)


def _private(response: Response) -> Response:
    response.headers["cache-control"] = "no-store"
    response.headers["vary"] = "origin"
    response.headers["x-content-type-options"] = "nosniff"
    return response

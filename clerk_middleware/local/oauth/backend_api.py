"""The Backend API's endpoints about OAuth applications and their access tokens."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..backend_guard import BackendGuard
from ..credential_objects import listed, oauth_access_token_object, oauth_application_object
from ..errors import APIError
from ..instance import Instance
from ..json_body import JSONBody
from ..origins import own_url
from .applications import OAuthApplication
from .redirect_uris import RedirectURIRefused
from .scopes import scopes_in

__all__ = ["OAuthBackendAPI"]


class OAuthBackendAPI:
    """The endpoints, each behind the secret key."""

    def __init__(self, instance: Instance, guard: BackendGuard) -> None:
        self._instance = instance
        guarded = guard.guarded
        path = "/v1/oauth_applications"
        self.routes = [
            Route(path, guarded(self.applications), methods=["GET"]),
            Route(path, guarded(self.create), methods=["POST"]),
            Route(f"{path}/access_tokens/verify", guarded(self.verify), methods=["POST"]),
            Route(f"{path}/{{application_id}}", guarded(self.application), methods=["GET"]),
            Route(f"{path}/{{application_id}}", guarded(self.delete), methods=["DELETE"]),
        ]

    async def applications(self, request: Request) -> Response:
        """``GET /oauth_applications``"""
        url = own_url(request)
        applications = self._instance.oauth_applications.all()
        return JSONResponse(listed([oauth_application_object(each, url) for each in applications]))

    async def create(self, request: Request) -> Response:
        """``POST /oauth_applications``: the only answer that holds the client secret."""
        body = await JSONBody.of(request)
        name, redirect_uris = body.text("name"), body.texts("redirect_uris")
        # Clerk takes them in one string; a list says the same.
        given = body.get("scopes")
        scopes = scopes_in(given) if isinstance(given, str) else body.texts("scopes")
        supported = self._instance.seed.oauth.supported_scopes
        if unknown := [scope for scope in scopes if scope not in supported]:
            raise body.invalid("scopes", f"must be of {' '.join(supported)}: {unknown[0]!r} is not.")
        if not redirect_uris:
            raise body.invalid("redirect_uris", "must hold one at least.")
        try:
            application = self._instance.oauth_applications.create(
                name=name,
                redirect_uris=redirect_uris,
                scopes=scopes or ("profile", "email"),
                public=body.flag("public", False),
                consent_screen=body.flag("consent_screen_enabled", True),
            )
        except RedirectURIRefused as refused:
            raise body.invalid("redirect_uris", f"holds one that is refused: {refused}.") from refused
        answer = oauth_application_object(application, own_url(request))
        return JSONResponse(answer | {"client_secret": application.client_secret})

    async def application(self, request: Request) -> Response:
        """``GET /oauth_applications/ID``"""
        return JSONResponse(oauth_application_object(self._application(request), own_url(request)))

    async def delete(self, request: Request) -> Response:
        """``DELETE /oauth_applications/ID``: with it, all its tokens are revoked."""
        application = self._application(request)
        self._instance.oauth_applications.delete(application)
        return JSONResponse({"object": "oauth_application", "id": application.id, "deleted": True})

    async def verify(self, request: Request) -> Response:
        """``POST /oauth_applications/access_tokens/verify``: those that are revoked or expired say so."""
        text = (await JSONBody.of(request)).secret("access_token")
        token = self._instance.oauth_tokens.presented(text)
        if token is None:
            raise APIError(404, "resource_not_found", "There is no such OAuth access token.")
        return JSONResponse(oauth_access_token_object(token, self._instance.clock()))

    def _application(self, request: Request) -> OAuthApplication:
        application = self._instance.oauth_applications.with_id(request.path_params["application_id"])
        if application is None:
            raise APIError(404, "resource_not_found", "There is no OAuth application of that id.")
        return application

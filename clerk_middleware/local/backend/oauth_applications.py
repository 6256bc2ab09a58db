"""The Backend API's endpoints about OAuth applications and their access tokens."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..directory_objects import deleted_object
from ..errors import APIError, not_found
from ..instance import Instance
from ..listing import Paging, in_order
from ..oauth.applications import OAuthApplication
from ..oauth.redirect_uris import RedirectURIRefused
from ..origins import own_url
from .credential_objects import oauth_access_token_object, oauth_application_object
from .good_token import good_token
from .guard import BackendGuard
from .json_body import JSONBody

__all__ = ["OAuthApplicationAPI"]


class OAuthApplicationAPI:
    """The endpoints, each behind the secret key."""

    def __init__(self, instance: Instance, guard: BackendGuard) -> None:
        self._instance = instance
        path = "/v1/oauth_applications"
        self.routes = [
            guard.route(path, GET=self.applications),
            guard.route(path, POST=self.create),
            guard.route(f"{path}/access_tokens/verify", POST=self.verify),
            guard.route(f"{path}/{{application_id}}", GET=self.application),
            guard.route(f"{path}/{{application_id}}", PATCH=self.update),
            guard.route(f"{path}/{{application_id}}", DELETE=self.delete),
            guard.route(f"{path}/{{application_id}}/rotate_secret", POST=self.rotate_secret),
            guard.route(f"{path}/{{application_id}}/revoke_token", POST=self.revoke_token),
        ]

    async def applications(self, request: Request) -> Response:
        """``GET /oauth_applications``, the newest first unless ``order_by`` says otherwise."""
        query = request.query_params.get("name_query", "").lower()
        found = [each for each in self._instance.oauth_applications.all() if query in each.name.lower()]
        orders = {"created_at": lambda each: each.created_at, "name": lambda each: each.name}
        return Paging(request).counted(
            in_order(request, found, orders), lambda each: self._object(request, each)
        )

    async def create(self, request: Request) -> Response:
        """``POST /oauth_applications``: the only answer that holds the client secret."""
        body = await JSONBody.of(request)
        name, redirect_uris = body.text("name"), body.texts("redirect_uris")
        scopes = self._scopes(body)
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
        return self._with_secret(request, application)

    async def application(self, request: Request) -> Response:
        """``GET /oauth_applications/ID``"""
        return JSONResponse(self._object(request, self._application(request)))

    async def update(self, request: Request) -> Response:
        """``PATCH /oauth_applications/ID``: what is not in the body stays as it is."""
        application, body = self._application(request), await JSONBody.of(request)
        name, redirect_uris, scopes = (
            body.optional_text("name"),
            body.texts("redirect_uris"),
            self._scopes(body),
        )
        consent_screen = body.flag("consent_screen_enabled", application.consent_screen)
        if body.flag("public", application.public) != application.public:
            raise body.invalid("public", "cannot change: make another application.")
        if application.is_dynamic and not consent_screen:
            raise body.invalid("consent_screen_enabled", "must be true for one that registered itself.")
        try:
            self._instance.oauth_applications.update(
                application,
                name=name or application.name,
                redirect_uris=redirect_uris or application.redirect_uris,
                scopes=scopes or application.scopes,
                consent_screen=consent_screen,
            )
        except RedirectURIRefused as refused:
            raise body.invalid("redirect_uris", f"holds one that is refused: {refused}.") from refused
        return JSONResponse(self._object(request, application))

    async def rotate_secret(self, request: Request) -> Response:
        """``POST /oauth_applications/ID/rotate_secret``: the previous one is worthless at once."""
        application = self._application(request)
        if application.public:
            raise APIError(403, "resource_forbidden", "A public application has no secret.")
        self._instance.oauth_applications.rotate_secret(application)
        return self._with_secret(request, application)

    async def revoke_token(self, request: Request) -> Response:
        """``POST /oauth_applications/ID/revoke_token``: with it, all that the user granted."""
        application, body = self._application(request), await JSONBody.of(request)
        text = body.secret("token")
        token, grant = self._instance.oauth_tokens.presented(text), self._instance.grants.grant_of(text)
        if token is not None and token.client_id == application.client_id:
            token.revoke(self._instance.clock())
            grant = token.grant
        elif grant is None or grant.application is not application:
            raise APIError(404, "resource_not_found", "The application has no such token.")
        if grant is not None:
            grant.revoked = True
        return Response(status_code=204)

    async def delete(self, request: Request) -> Response:
        """``DELETE /oauth_applications/ID``: with it, all its tokens are revoked."""
        application = self._application(request)
        self._instance.oauth_applications.delete(application)
        return JSONResponse(deleted_object("oauth_application", application.id))

    async def verify(self, request: Request) -> Response:
        """``POST /oauth_applications/access_tokens/verify``"""
        text, now = (await JSONBody.of(request)).secret("access_token", "secret"), self._instance.clock()
        token = good_token(self._instance.oauth_tokens.presented(text), now)
        return JSONResponse(oauth_access_token_object(token, now))

    def _application(self, request: Request) -> OAuthApplication:
        application = self._instance.oauth_applications.with_id(request.path_params["application_id"])
        if application is None:
            raise not_found("OAuth application")
        return application

    def _scopes(self, body: JSONBody) -> tuple[str, ...]:
        """The scopes in the body, which Clerk takes in one string; a list says the same."""
        scopes = body.words("scopes")
        supported = self._instance.seed.oauth.supported_scopes
        if unknown := [scope for scope in scopes if scope not in supported]:
            raise body.invalid("scopes", f"must be of {' '.join(supported)}: {unknown[0]!r} is not.")
        return scopes

    def _object(self, request: Request, application: OAuthApplication) -> dict[str, Any]:
        return oauth_application_object(application, own_url(request), self._instance.id)

    def _with_secret(self, request: Request, application: OAuthApplication) -> Response:
        return JSONResponse(self._object(request, application) | {"client_secret": application.client_secret})

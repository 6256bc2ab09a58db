"""The handshake, to which an application's server sends a browser, and the public keys.

https://clerk.com/docs/guides/how-clerk-works/overview
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ..browser import Browsers
from ..cookies import ResultFormat, handshake_directives, set_cookie
from ..errors import APIError
from ..instance import Instance
from ..origins import OriginPolicy, RedirectRefused, origin_of, own_url, with_query
from ..tokens import TokenIssuer

__all__ = ["HandshakeAPI"]


class HandshakeAPI:
    """How an application's server learns who is signed in."""

    def __init__(
        self, instance: Instance, issuer: TokenIssuer, browsers: Browsers, origins: OriginPolicy
    ) -> None:
        self._instance = instance
        self._issuer = issuer
        self._browsers = browsers
        self._origins = origins
        self.routes = [
            Route("/v1/client/handshake", self.handshake, methods=["GET"]),
            Route("/.well-known/jwks.json", self.jwks, methods=["GET"]),
        ]

    async def jwks(self, request: Request) -> Response:
        """``GET /.well-known/jwks.json``"""
        # Pages read it, too: OAuth clients that verify an ID token.
        return JSONResponse(self._instance.keys.jwks(), headers={"access-control-allow-origin": "*"})

    async def handshake(self, request: Request) -> Response:
        """``GET /v1/client/handshake``: tell the application, by way of the browser, who is signed in.

        The result is a nonce or a token, in the URL in development and in a cookie in production.
        With ``organization_id`` that organization becomes the active one, if the user is a member.
        """
        redirect_url = self._redirect_url(request)
        result: ResultFormat = "nonce" if request.query_params.get("format") == "nonce" else "token"
        client = self._browsers.find_or_create(request)
        origin = origin_of(redirect_url)
        if session := self._instance.session_of(client):
            session.authorized_party = origin
            if "organization_id" in request.query_params:
                self._instance.activate(session, request.query_params["organization_id"])
        directives = handshake_directives(self._instance, self._issuer, client, origin=origin, result=result)
        name, value = self._result(directives, result)
        if self._instance.is_development:
            parameters = {name: value}
            if request.query_params.get("__clerk_db_jwt") != client.token:
                parameters["__clerk_db_jwt"] = client.token
            response: Response = RedirectResponse(with_query(redirect_url, **parameters), 307)
        else:
            response = RedirectResponse(redirect_url, 307)
            cookie = set_cookie(name, value, max_age=60, http_only=True, secure=origin.startswith("https:"))
            response.headers.append("set-cookie", cookie)
        self._browsers.remember(request, response, client)
        response.headers["cache-control"] = "no-store"
        return response

    def _result(self, directives: list[str], result: ResultFormat) -> tuple[str, str]:
        if result == "nonce":
            return "__clerk_handshake_nonce", self._instance.nonces.put(directives)
        return "__clerk_handshake", self._issuer.handshake_token(directives)

    def _redirect_url(self, request: Request) -> str:
        redirect_url = request.query_params.get("redirect_url")
        if not redirect_url:
            raise APIError(400, "form_param_missing", "redirect_url is missing.", parameter="redirect_url")
        try:
            return self._origins.redirect_url(redirect_url, own=own_url(request))
        except RedirectRefused as refused:
            message = f"redirect_url is refused: {refused}."
            raise APIError(400, "form_param_value_invalid", message, parameter="redirect_url") from refused

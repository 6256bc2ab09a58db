"""The endpoints with which a client gets its tokens, gives them back, and reads who the user is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..backend.guard import bearer_of
from ..instance import Instance
from ..origins import own_url
from ..seed import User
from .applications import OAuthApplication
from .client_authentication import authenticated_client
from .endpoint import OAuthError, OAuthForm, endpoint
from .grants import Grant, GrantRefused
from .issuing import OAuthTokenIssuer
from .scopes import scopes_in

__all__ = ["TokenEndpoint"]


class TokenEndpoint:
    """``/oauth/token`` (RFC 6749), ``/oauth/revoke`` (RFC 7009) and ``/oauth/userinfo`` (OpenID Connect)."""

    def __init__(self, instance: Instance, issuer: OAuthTokenIssuer) -> None:
        self._instance = instance
        self._issuer = issuer
        self.routes = [
            endpoint("/oauth/token", self.token, "POST"),
            endpoint("/oauth/revoke", self.revoke, "POST"),
            endpoint("/oauth/userinfo", self.userinfo, "GET", "POST"),
        ]

    async def token(self, request: Request) -> Response:
        """An access token for an authorization code, or for a refresh token."""
        form = await OAuthForm.of(request)
        application = authenticated_client(request, form, self._instance.oauth_applications)
        grant_type = form.text("grant_type")
        try:
            if grant_type == "authorization_code":
                return self._for_code(request, form, application)
            if grant_type == "refresh_token":
                return self._for_refresh_token(request, form, application)
        except GrantRefused as refused:
            raise OAuthError("invalid_grant", str(refused)) from refused
        message = "grant_type must be authorization_code or refresh_token."
        raise OAuthError("unsupported_grant_type", message)

    async def revoke(self, request: Request) -> Response:
        """Revoke a token of the client's: an access token alone, or with a refresh token the whole grant."""
        form = await OAuthForm.of(request)
        application = authenticated_client(request, form, self._instance.oauth_applications)
        text = form.text("token")
        # What the client does not have is as good as revoked.
        grant, token = self._instance.grants.grant_of(text), self._instance.oauth_tokens.presented(text)
        if grant is not None and grant.application is application:
            grant.revoked = True
        if token is not None and token.client_id == application.client_id:
            token.revoke(self._instance.clock())
        return Response()

    async def userinfo(self, request: Request) -> Response:
        """Who the user is, as far as the scopes of the access token go."""
        token = self._instance.oauth_tokens.presented(bearer_of(request))
        if token is None or token.is_revoked or token.is_expired(self._instance.clock()):
            raise OAuthError(
                "invalid_token",
                "The access token is unknown, expired or revoked.",
                status=401,
                headers={"www-authenticate": 'Bearer error="invalid_token"'},
            )
        user = self._instance.users[token.subject]
        claims = _user_claims(user, token.scopes)
        return JSONResponse({"object": "oauth_user_info", "sub": user.id, "user_id": user.id, **claims})

    def _for_code(self, request: Request, form: OAuthForm, application: OAuthApplication) -> Response:
        grant = self._instance.grants.redeem(
            form.text("code"),
            application,
            redirect_uri=form.text("redirect_uri"),
            code_verifier=form.get("code_verifier"),
        )
        resources = _resources(form, grant)
        refresh_token = self._instance.grants.new_refresh_token(grant)
        return self._answer(request, grant, grant.scopes, resources, refresh_token)

    def _for_refresh_token(
        self, request: Request, form: OAuthForm, application: OAuthApplication
    ) -> Response:
        token = self._instance.grants.refreshed(form.text("refresh_token"), application)
        scopes = scopes_in(form.get("scope") or "") or token.grant.scopes
        if not set(scopes).issubset(token.grant.scopes):
            raise OAuthError("invalid_scope", "scope holds what the user did not grant.")
        resources = _resources(form, token.grant)
        refresh_token = self._instance.grants.rotate(token)
        return self._answer(request, token.grant, scopes, resources, refresh_token)

    def _answer(
        self,
        request: Request,
        grant: Grant,
        scopes: tuple[str, ...],
        resources: tuple[str, ...],
        refresh_token: str,
    ) -> Response:
        application, issuer = grant.application, own_url(request)
        token = self._issuer.access_token(
            grant.user_id,
            client_id=application.client_id,
            name=application.name,
            scopes=scopes,
            resources=resources,
            issuer=issuer,
            grant=grant,
        )
        answer = {
            "access_token": token.token,
            "token_type": "Bearer",
            "expires_in": self._instance.seed.oauth.access_token_lifetime,
            "refresh_token": refresh_token,
            "scope": " ".join(scopes),
        }
        if "openid" in scopes:
            claims = _user_claims(self._instance.users[grant.user_id], scopes)
            answer["id_token"] = self._issuer.id_token(grant, claims, issuer=issuer)
        return JSONResponse(answer, headers={"pragma": "no-cache"})


def _resources(form: OAuthForm, grant: Grant) -> tuple[str, ...]:
    """The resource servers that the access token is for: some of those that the user was asked about."""
    if not set(form.resources).issubset(grant.resources):
        raise OAuthError("invalid_target", "resource is none of those in the authorization request.")
    return form.resources or grant.resources


def _user_claims(user: User, scopes: Iterable[str]) -> dict[str, Any]:
    """What an application learns of a user by its scopes: OpenID Connect's claims, and Clerk's own."""
    scopes, claims = set(scopes), dict[str, Any]()
    if "profile" in scopes:
        claims |= {
            "name": user.full_name,
            "given_name": user.first_name,
            "family_name": user.last_name,
            "preferred_username": user.username,
        }
    if "email" in scopes:
        claims |= {"email": user.email, "email_verified": user.email_verified}
    if "public_metadata" in scopes:
        claims |= {"public_metadata": user.public_metadata, "unsafe_metadata": user.unsafe_metadata}
    if "private_metadata" in scopes:
        claims |= {"private_metadata": user.private_metadata}
    return {name: value for name, value in claims.items() if value is not None}

"""Dynamic client registration (RFC 7591): a client introduces itself, and nobody vouches for it."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..instance import Instance
from .client_authentication import CLIENT_AUTHENTICATION_METHODS
from .endpoint import OAuthError, endpoint
from .redirect_uris import RedirectURIRefused, check_redirect_uri
from .scopes import scopes_in

__all__ = ["Registration"]

_MAXIMUM_NAME = 100
_MAXIMUM_REDIRECT_URIS = 10
_GRANT_TYPES = ("authorization_code", "refresh_token")


class Registration:
    """``POST /oauth/register``"""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self.routes = [endpoint("/oauth/register", self.register, "POST")]

    async def register(self, request: Request) -> Response:
        """A new application, which always has the consent screen. Raises `OAuthError`."""
        if not self._instance.seed.oauth.dynamic_client_registration:
            message = (
                "Dynamic client registration is off: see dynamic_client_registration in [oauth] of the seed."
            )
            raise OAuthError("access_denied", message, status=403)
        metadata = await _metadata(request)
        redirect_uris = _redirect_uris(metadata)
        method = metadata.get("token_endpoint_auth_method", "client_secret_basic")
        if method not in CLIENT_AUTHENTICATION_METHODS:
            raise _invalid(
                f"token_endpoint_auth_method must be of {', '.join(CLIENT_AUTHENTICATION_METHODS)}."
            )
        for name, needed in (("grant_types", "authorization_code"), ("response_types", "code")):
            given = metadata.get(name, [needed])
            if not isinstance(given, list) or needed not in given:
                raise _invalid(f"{name} must be a list that holds {needed}.")
        application = self._instance.oauth_applications.create(
            name=_name(metadata),
            redirect_uris=redirect_uris,
            scopes=self._scopes(metadata),
            public=method == "none",
            dynamic=True,
        )
        secret = {"client_secret": application.client_secret, "client_secret_expires_at": 0}
        answer = {
            "client_id": application.client_id,
            **({} if application.public else secret),
            "client_id_issued_at": int(application.created_at),
            "client_name": application.name,
            "redirect_uris": application.redirect_uris,
            "token_endpoint_auth_method": method,
            "grant_types": _GRANT_TYPES,
            "response_types": ["code"],
            "scope": " ".join(application.scopes),
        }
        return JSONResponse(answer, 201)

    def _scopes(self, metadata: dict[str, Any]) -> tuple[str, ...]:
        """What the client may ask for: without a word, all but what is private."""
        supported, given = self._instance.seed.oauth.supported_scopes, metadata.get("scope", "")
        if not isinstance(given, str) or not set(scopes_in(given)).issubset(supported):
            raise _invalid(f"scope must be of {' '.join(supported)}, separated by spaces.")
        return scopes_in(given) or tuple(scope for scope in supported if scope != "private_metadata")


async def _metadata(request: Request) -> dict[str, Any]:
    try:
        metadata = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise _invalid("The body is not JSON.") from error
    if not isinstance(metadata, dict):
        raise _invalid("The body must be a JSON object.")
    return metadata


def _name(metadata: dict[str, Any]) -> str:
    """The name, which users read: nothing in it may turn what is around it."""
    name = metadata.get("client_name", "An application without a name")
    if not isinstance(name, str) or not 0 < len(name) <= _MAXIMUM_NAME or not name.isprintable():
        raise _invalid(f"client_name must be printable text of at most {_MAXIMUM_NAME} characters.")
    return name


def _redirect_uris(metadata: dict[str, Any]) -> tuple[str, ...]:
    uris = metadata.get("redirect_uris")
    if not isinstance(uris, list) or not 0 < len(uris) <= _MAXIMUM_REDIRECT_URIS:
        message = f"redirect_uris must be a list of 1 to {_MAXIMUM_REDIRECT_URIS} URIs."
        raise OAuthError("invalid_redirect_uri", message)
    for uri in uris:
        if not isinstance(uri, str):
            raise OAuthError("invalid_redirect_uri", "redirect_uris must hold strings.")
        try:
            check_redirect_uri(uri)
        except RedirectURIRefused as refused:
            raise OAuthError("invalid_redirect_uri", f"A redirect URI is refused: {refused}.") from refused
    return tuple(uris)


def _invalid(description: str) -> OAuthError:
    return OAuthError("invalid_client_metadata", description)

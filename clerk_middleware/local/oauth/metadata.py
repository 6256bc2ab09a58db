"""What a client needs to know of the authorization server (RFC 8414, and OpenID Connect's alike)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..instance import Instance
from ..origins import own_url
from .authorization_request import AUTHORIZE_PATH
from .client_authentication import CLIENT_AUTHENTICATION_METHODS
from .endpoint import endpoint

__all__ = ["Metadata"]


class Metadata:
    """The documents under ``/.well-known/``."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self.routes = [
            endpoint(f"/.well-known/{name}", self.document, "GET")
            for name in ("oauth-authorization-server", "openid-configuration")
        ]

    async def document(self, request: Request) -> Response:
        """``GET /.well-known/oauth-authorization-server``"""
        settings, issuer = self._instance.seed.oauth, own_url(request)
        registration = {"registration_endpoint": f"{issuer}/oauth/register"}
        return JSONResponse(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}{AUTHORIZE_PATH}",
                "token_endpoint": f"{issuer}/oauth/token",
                **(registration if settings.dynamic_client_registration else {}),
                "revocation_endpoint": f"{issuer}/oauth/revoke",
                "userinfo_endpoint": f"{issuer}/oauth/userinfo",
                "jwks_uri": f"{issuer}/.well-known/jwks.json",
                "scopes_supported": settings.supported_scopes,
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION_METHODS,
                "revocation_endpoint_auth_methods_supported": CLIENT_AUTHENTICATION_METHODS,
                "authorization_response_iss_parameter_supported": True,
                "prompt_values_supported": ["none", "consent"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "claims_supported": ["sub", "iss", "aud", "exp", "iat", "email", "name"],
            }
        )

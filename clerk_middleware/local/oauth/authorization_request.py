"""What an application asks a user for, read from the URL that it sends the browser to.

RFC 6749, section 4.1, with PKCE (RFC 7636), resource indicators (RFC 8707), ``iss`` in the answer
(RFC 9207), and ``nonce`` and ``prompt`` of OpenID Connect.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request

from ..instance import Instance
from ..origins import own_url
from .applications import OAuthApplication, OAuthApplications
from .endpoint import OAuthError
from .scopes import scopes_in

__all__ = [
    "AUTHORIZE_PATH",
    "AuthorizationRequest",
    "AuthorizationWay",
    "authorization_at",
    "is_authorization",
    "read_request",
    "read_way",
]

AUTHORIZE_PATH = "/oauth/authorize"

_S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_MAXIMUM_RESOURCES = 10
_MAXIMUM_TEXT = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorizationWay:
    """Who asks, and where the answer goes: what has to be right before a browser is sent anywhere."""

    application: OAuthApplication
    redirect_uri: str
    state: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthorizationRequest:
    """What is asked for."""

    scopes: tuple[str, ...]
    code_challenge: str | None
    resources: tuple[str, ...]
    nonce: str | None
    #: ``none``: the user is not to be asked anything; ``consent``: the user is to be asked in any case.
    prompts: frozenset[str]


def read_way(instance: Instance, parameters: QueryParams) -> AuthorizationWay:
    """Raises `HTTPException`, for the user to read: nobody is told by a redirect where this is wrong."""
    application = instance.oauth_applications.get(_once(parameters, "client_id"))
    if application is None:
        raise HTTPException(
            400,
            "No application has this client_id. Those that registered themselves are forgotten when "
            "LocalClerk stops: have the application register again.",
        )
    redirect_uri = _once(parameters, "redirect_uri")
    if not application.leads_to(redirect_uri):
        raise HTTPException(
            400,
            f"{application.name} did not register this redirect_uri. It has to be written exactly as it was "
            "registered; only the port after http://127.0.0.1 and http://[::1] may be another.",
        )
    states = parameters.getlist("state")
    return AuthorizationWay(
        application=application, redirect_uri=redirect_uri, state=states[0] if len(states) == 1 else None
    )


def read_request(application: OAuthApplication, parameters: QueryParams) -> AuthorizationRequest:
    """Raises `OAuthError`."""
    names = [name for name, _ in parameters.multi_items() if name != "resource"]
    if len(names) > len(set(names)):
        raise OAuthError("invalid_request", "A parameter is there more than once.")
    if parameters.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "response_type must be code.")
    if parameters.get("response_mode", "query") != "query":
        raise OAuthError("invalid_request", "response_mode must be query.")
    prompts = frozenset(scopes_in(parameters.get("prompt", "")))
    if "none" in prompts and len(prompts) > 1:
        raise OAuthError("invalid_request", "prompt=none goes with no other prompt.")
    nonce = parameters.get("nonce")
    if nonce is not None and len(nonce) > _MAXIMUM_TEXT:
        raise OAuthError("invalid_request", f"nonce is longer than {_MAXIMUM_TEXT} characters.")
    return AuthorizationRequest(
        scopes=_scopes(application, parameters),
        code_challenge=_code_challenge(application, parameters),
        resources=_resources(parameters),
        nonce=nonce,
        prompts=prompts,
    )


def is_authorization(request: Request, url: str) -> bool:
    """Whether `url` is an authorization request to this LocalClerk."""
    return url.startswith(f"{own_url(request)}{AUTHORIZE_PATH}?")


def authorization_at(
    request: Request, url: str, applications: OAuthApplications
) -> tuple[OAuthApplication, str] | None:
    """The application that the authorization request at `url` is of, and where it will lead."""
    if not is_authorization(request, url):
        return None
    parameters = dict(parse_qsl(url.partition("?")[2]))
    application = applications.get(parameters.get("client_id", ""))
    redirect_uri = parameters.get("redirect_uri", "")
    if application is None or not application.leads_to(redirect_uri):
        return None
    return application, redirect_uri


def _once(parameters: QueryParams, name: str) -> str:
    values = parameters.getlist(name)
    if len(values) != 1:
        raise HTTPException(400, f"{name} has to be there, and once.")
    return values[0]


def _scopes(application: OAuthApplication, parameters: QueryParams) -> tuple[str, ...]:
    scopes = scopes_in(parameters.get("scope", ""))
    if not set(scopes).issubset(application.scopes):
        allowed = " ".join(application.scopes)
        raise OAuthError("invalid_scope", f"The application may ask for: {allowed}.")
    return scopes or application.scopes


def _code_challenge(application: OAuthApplication, parameters: QueryParams) -> str | None:
    challenge = parameters.get("code_challenge")
    if challenge is None:
        if application.public:
            message = "code_challenge is missing: a public application has to use PKCE."
            raise OAuthError("invalid_request", message)
        return None
    if parameters.get("code_challenge_method") != "S256":
        raise OAuthError("invalid_request", "code_challenge_method must be S256.")
    if not _S256_CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "code_challenge is no S256 of anything.")
    return challenge


def _resources(parameters: QueryParams) -> tuple[str, ...]:
    resources = tuple(dict.fromkeys(parameters.getlist("resource")))
    if len(resources) > _MAXIMUM_RESOURCES or not all(map(_is_resource, resources)):
        message = f"resource must be an absolute URI without a fragment, at most {_MAXIMUM_RESOURCES} times."
        raise OAuthError("invalid_target", message)
    return resources


def _is_resource(text: str) -> bool:
    if len(text) > _MAXIMUM_TEXT or not text.isascii() or not text.isprintable() or "#" in text:
        return False
    try:
        return bool(urlsplit(text).scheme)
    except ValueError:
        return False

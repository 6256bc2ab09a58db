"""Which application asks: HTTP Basic, its secret in the form, or for a public one its client id alone."""

from __future__ import annotations

import base64
import hmac
from urllib.parse import unquote_plus

from starlette.requests import Request

from .applications import OAuthApplication, OAuthApplications
from .endpoint import OAuthError, OAuthForm

__all__ = ["CLIENT_AUTHENTICATION_METHODS", "authenticated_client"]

CLIENT_AUTHENTICATION_METHODS = ("client_secret_basic", "client_secret_post", "none")


def authenticated_client(
    request: Request, form: OAuthForm, applications: OAuthApplications
) -> OAuthApplication:
    """The application that sent `request` (RFC 6749, section 2.3). Raises `OAuthError`."""
    client_id, secret = form.get("client_id"), form.get("client_secret")
    header = request.headers.get("authorization")
    if header is not None:
        named, secret_in_form = client_id, secret
        client_id, secret = _basic(header)
        if secret_in_form is not None or named not in (None, client_id):
            raise OAuthError("invalid_request", "The client authenticates in more than one way.")
    application = applications.get(client_id or "")
    if application is None or not _is_right(secret, application.client_secret):
        # One answer for all: nobody is told which part of it was right.
        raise OAuthError(
            "invalid_client",
            "The client is unknown, or its secret is wrong or missing; a public client sends none.",
            status=401,
            headers=None if header is None else {"www-authenticate": 'Basic realm="LocalClerk"'},
        )
    return application


def _basic(header: str) -> tuple[str, str | None]:
    scheme, _, encoded = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError("another scheme")
        pair = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError as error:
        raise OAuthError("invalid_request", "The Authorization header is no HTTP Basic.") from error
    client_id, _, secret = pair.partition(":")
    return unquote_plus(client_id), unquote_plus(secret) or None


def _is_right(given: str | None, expected: str | None) -> bool:
    if given is None or expected is None:
        return given is expected
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())

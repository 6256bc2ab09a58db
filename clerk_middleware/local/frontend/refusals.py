"""The errors by which clerk-js and its components know what to do next.

https://clerk.com/docs/guides/development/errors/frontend-api
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from ..errors import APIError, error_of, error_response
from ..rules import Refused

__all__ = [
    "answer_to",
    "dev_browser_unauthenticated",
    "identifier_not_found",
    "session_exists",
    "session_not_active",
    "signed_in_already",
    "signed_out",
]

_CODES = {404: "resource_not_found", 405: "method_not_allowed"}


def answer_to(error: HTTPException | Refused, client: Mapping[str, Any] | None) -> JSONResponse:
    """The answer to a request that is refused by `error`, in Clerk's shape, and what the client is by now."""
    if isinstance(error, Refused):
        error = error_of(error)
    if isinstance(error, APIError):
        response = error.response
    else:
        code = _CODES.get(error.status_code, "request_invalid")
        response = error_response(error.status_code, code, error.detail, headers=error.headers)
    if client is None:
        return response
    body = {**json.loads(bytes(response.body)), "meta": {"client": client}}
    return JSONResponse(body, response.status_code, error.headers)


def dev_browser_unauthenticated() -> APIError:
    """clerk-js asks for a new dev browser then."""
    message = "LocalClerk does not know this browser: __clerk_db_jwt is missing or from before a restart."
    return APIError(401, "dev_browser_unauthenticated", message)


def signed_out() -> APIError:
    """clerk-js asks for its client then, and finds out that it has no session."""
    return APIError(401, "signed_out", "You are signed out.")


def session_not_active(status: str) -> APIError:
    """A 401, by which clerk-js signs out at once; after a 404 it would do so with its next refresh."""
    return APIError(401, "authentication_invalid", f"The session is {status}: sign in again.")


def session_exists() -> APIError:
    """For one more sign-in where there may be one session only."""
    return APIError(400, "session_exists", "You're already signed in.")


def signed_in_already(session_id: str) -> APIError:
    """For one more sign-in of the same user: the components go on with that session."""
    meta = {"session_id": session_id}
    return APIError(400, "identifier_already_signed_in", "You're already signed in.", meta=meta)


def identifier_not_found() -> APIError:
    """For an e-mail address or a username that is nobody's."""
    message = "No user of the seed has this e-mail address or username."
    return APIError(422, "form_identifier_not_found", message, parameter="identifier")

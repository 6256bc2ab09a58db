"""Clerk's shape of an error answer: ``{"errors": [{"code", "message", "long_message", "meta"}]}``."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from .rules import Refused

__all__ = ["APIError", "error_of", "error_response", "not_found"]

#: Of refusals whose status is not 422.
_STATUSES = {
    "already_a_member_in_organization": 400,
    "client_state_invalid": 400,
    "duplicate_record": 400,
    "invitation_quota_exceeded": 403,
    "organization_creator_not_found": 403,
    "organization_invitation_not_pending": 400,
    "organization_invitation_quota_exceeded": 403,
    "organization_membership_quota_exceeded": 403,
    "organization_quota_exceeded": 403,
    "resource_not_found": 404,
    "session_reverification_required": 403,
    "authorization_invalid": 403,
    "user_banned": 403,
    "user_locked": 403,
    "user_quota_exceeded": 403,
    "verification_failed": 400,
    "verification_missing": 400,
}


class APIError(HTTPException):
    """A request that is answered with an error of Clerk's shape. `code` is what Clerk's clients read."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        parameter: str | None = None,
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(status, message)
        self.code = code
        self.meta = {**({"param_name": parameter} if parameter else {}), **(meta or {})}

    @property
    def response(self) -> JSONResponse:
        """The error as an answer."""
        return error_response(self.status_code, self.code, self.detail, meta=self.meta)


def error_of(refused: Refused) -> APIError:
    """The error answer for what the rules do not allow."""
    status = _STATUSES.get(refused.code, 422)
    return APIError(status, refused.code, str(refused), parameter=refused.parameter, meta=refused.meta)


def not_found(what: str) -> APIError:
    """The error for an id that no `what`, a user say, has."""
    return APIError(404, "resource_not_found", f"There is no {what} of that id.")


def error_response(
    status: int,
    code: str,
    message: str,
    *,
    meta: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """An error answer, with a trace id as Clerk's have one."""
    error = {"code": code, "message": message, "long_message": message, "meta": dict(meta or {})}
    body = {"errors": [error], "clerk_trace_id": secrets.token_hex(16)}
    return JSONResponse(body, status_code=status, headers=dict(headers or {}))

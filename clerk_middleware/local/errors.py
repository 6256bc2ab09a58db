"""Clerk's shape of an error answer: ``{"errors": [{"code", "message", "long_message", "meta"}]}``."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

__all__ = ["APIError", "error_response", "not_found"]


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
        self.meta = {"param_name": parameter} if parameter else dict(meta or {})

    @property
    def response(self) -> JSONResponse:
        """The error as an answer."""
        return error_response(self.status_code, self.code, self.detail, meta=self.meta)


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

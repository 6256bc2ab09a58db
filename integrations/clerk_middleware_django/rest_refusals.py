"""An answer of the library's, as an exception that Django REST framework knows how to answer."""

from __future__ import annotations

from json import loads
from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import APIException

if TYPE_CHECKING:
    from clerk_middleware import AuthorizationError
    from clerk_middleware.answers import Answer


class ClerkRefused(APIException):
    """The request may not have what it asks for: for an ``EXCEPTION_HANDLER`` of the project's to see."""

    #: What was wrong, such as a `NotAuthorized`.
    error: AuthorizationError

    def __init__(self, answer: Answer, error: AuthorizationError) -> None:
        super().__init__()
        self.error = error
        self.status_code = answer.status
        # As it is: of a number REST framework would make a text, which Clerk's frontend does not read.
        self.detail: Any = loads(answer.body)
        self.auth_header = dict(answer.headers).get("www-authenticate")

    def get_codes(self) -> str:
        reason = self.detail.get("clerk_error", {}).get("reason")
        return reason if isinstance(reason, str) else "not_found"

    def get_full_details(self) -> Any:
        known = self.detail.get("clerk_error", {})
        message = known.get("message") or self.detail.get("detail") or str(self.error)
        return {"message": message, "code": self.get_codes()}

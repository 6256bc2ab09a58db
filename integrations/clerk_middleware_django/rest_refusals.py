"""How permission classes of Django REST framework refuse, alone and composed by ``&``, ``|`` and ``~``.

https://www.django-rest-framework.org/api-guide/permissions/
"""

from __future__ import annotations

from json import loads
from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import APIException
from rest_framework.permissions import (
    AND,
    NOT,
    OR,
    BasePermissionMetaclass,
    OperandHolder,
    OperationHolderMixin,
    SingleOperandHolder,
)

from clerk_middleware import MachineAuth, NotAuthorized
from clerk_middleware.logging import logger

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.views import APIView

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
        headers = dict(answer.headers)
        # Which REST framework's own handler makes headers of.
        self.auth_header = headers.get("www-authenticate")
        if "retry-after" in headers:
            self.wait = int(headers["retry-after"])

    def get_codes(self) -> str:
        reason = self.detail.get("clerk_error", {}).get("reason")
        return reason if isinstance(reason, str) else "not_found"

    def get_full_details(self) -> Any:
        known = self.detail.get("clerk_error", {})
        message = known.get("message") or self.detail.get("detail") or str(self.error)
        return {"message": message, "code": self.get_codes()}


class Refusing:
    """Raises why it refused, but only where no other permission can still let the request in.

    A permission that says no is asked for its message, if it is one of the view's own. Within ``|`` or
    ``~`` it is not, and the answer is REST framework's.
    """

    refused: ClerkRefused | None = None

    @property
    def message(self) -> None:
        if self.refused is not None:
            logger.debug("Clerk: refused, %s", self.refused.error)
            raise self.refused


class _Composite(Refusing):
    """Of two sides, which may refuse."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return self._settled(super().has_permission(request, view))  # type: ignore[misc]

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        return self._settled(super().has_object_permission(request, view, obj))  # type: ignore[misc]

    def _settled(self, granted: bool) -> bool:
        composed: Any = self
        sides = [side.refused for side in (composed.op1, composed.op2) if isinstance(side, Refusing)]
        refused = [refused for refused in sides if refused is not None and self._counts(refused)]
        self.refused = refused[0] if refused and not granted else None
        return granted

    def _counts(self, refused: ClerkRefused) -> bool:
        """Whether a refusal is the answer, where both together refuse."""
        return True


class _And(_Composite, AND):
    """Where either refuses, the answer is its own."""


class _Or(_Composite, OR):
    """Where both refuse, the answer is REST framework's, except to a machine whose token is not at fault.

    It would be 401, at which clients throw a token away.
    """

    def _counts(self, refused: ClerkRefused) -> bool:
        error = refused.error
        return error.status_code == 503 or (
            isinstance(error, NotAuthorized) and isinstance(error.auth, MachineAuth)
        )


class Composed(OperationHolderMixin):
    """``&``, ``|`` and ``~``, so that an ``&`` anywhere around refuses as its sides do."""

    def __and__(self, other: Any) -> _Holder:
        return _Holder(_And, self, other)

    def __rand__(self, other: Any) -> _Holder:
        return _Holder(_And, other, self)

    def __or__(self, other: Any) -> _Holder:
        return _Holder(_Or, self, other)

    def __ror__(self, other: Any) -> _Holder:
        return _Holder(_Or, other, self)

    def __invert__(self) -> _Inverted:
        return _Inverted(NOT, self)


class _Holder(Composed, OperandHolder):
    def __init__(self, operator: Any, one: Any, other: Any) -> None:
        super().__init__(operator, one, other)


class _Inverted(Composed, SingleOperandHolder):
    def __init__(self, operator: Any, one: Any) -> None:
        super().__init__(operator, one)


class Meta(Composed, BasePermissionMetaclass):  # type: ignore[misc]  # as in REST framework's own
    pass

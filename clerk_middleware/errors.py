"""The exceptions of this library, under one base class; refusals are in `clerk_middleware.protection`.

A message names what is wrong, where it was set and what to do. No message, attribute or repr
ever holds a token, a cookie or a key.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "BackendAPIError",
    "ClerkError",
    "ConfigurationError",
    "HandshakeError",
    "TokenVerificationError",
    "WebhookVerificationError",
]


class ClerkError(Exception):
    """Base of every exception of this library."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Subclasses are constructed from more than their message, which is all that is pickled else.
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[ClerkError], args: tuple[Any, ...], attributes: dict[str, Any]) -> ClerkError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


class ConfigurationError(ClerkError):
    """The application is set up wrongly; raised when a `ClerkConfig` is constructed, if at all possible."""

    #: The `ClerkConfig` option at fault, `None` where no single one is.
    option: str | None
    #: Where the option was set, such as ``the environment variable CLERK_SECRET_KEY``.
    source: str | None

    def __init__(self, problem: str, *, option: str | None = None, source: str | None = None) -> None:
        self.problem = problem
        self.option = option
        self.source = source
        super().__init__(problem if source is None else f"{source}: {problem}")


class TokenVerificationError(ClerkError):
    """A token was refused. `reason` says why, in Clerk's words (`clerk_middleware.reasons`)."""

    #: One of the ``token-…`` and ``jwk-…`` reasons, such as ``token-expired``.
    reason: str

    def __init__(self, reason: str, message: str = "") -> None:
        self.reason = reason
        self.message = message
        super().__init__(f"{message} (reason: {reason})" if message else reason)


class HandshakeError(ClerkError):
    """A development handshake token was refused, which a correct set-up does not see."""

    #: Why, one of the ``token-…`` and ``jwk-…`` reasons.
    reason: str

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class BackendAPIError(ClerkError):
    """Clerk's Backend API refused a call, or did not answer it."""

    #: HTTP status of the answer, `None` where there was none.
    status: int | None
    #: Clerk's error code, such as ``resource_not_found``, where the answer had one.
    code: str | None

    def __init__(self, message: str, *, status: int | None = None, code: str | None = None) -> None:
        self.status = status
        self.code = code
        super().__init__(message)


class WebhookVerificationError(ClerkError):
    """A webhook was refused: it is not, or not any more, what Clerk sent."""

    #: ``missing-headers``, ``invalid-headers``, ``invalid-signature``, ``stale-timestamp``,
    #: ``future-timestamp`` or ``invalid-payload``.
    reason: str

    def __init__(self, reason: str, message: str = "") -> None:
        self.reason = reason
        self.message = message
        super().__init__(f"{message} (reason: {reason})" if message else reason)

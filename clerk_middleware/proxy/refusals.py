"""Why a request is not passed on, in the form in which Clerk's own SDKs answer it."""

from __future__ import annotations

from typing import Final, Literal

from ..answers import Answer
from ..logging import OccasionalWarnings, logger

Code = Literal[
    "proxy_configuration_error", "proxy_path_mismatch", "proxy_request_failed", "proxy_request_refused"
]

#: Seconds after which somebody who was too much may ask again.
_RETRY_AFTER: Final = 5
#: Those that the Frontend API knows. ``TRACE`` would have it tell the client the secret key.
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Refused(Exception):
    """Ends a request to the proxy.

    :param cause: what it came from, for the log alone.
    """

    def __init__(self, status: int, code: Code, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.cause = cause
        #: Whether it is unclear where the request ends.
        self.is_ambiguous = False


class Refusals:
    """Answers what is not passed on, and tells the log of what is not the client's fault."""

    def __init__(self) -> None:
        self._warnings = OccasionalWarnings()

    def answer(self, refused: Refused) -> Answer:
        status, message = refused.status, refused.message
        if status < 500:
            logger.debug("Clerk: the Frontend API proxy refused a request (%d): %s", status, message)
        else:
            why = f"{message} ({refused.cause})" if refused.cause else message
            kind = f"{status} {refused.code}"
            self._warnings.log(kind, "Clerk: the Frontend API proxy answered %d: %s", status, why)
        headers = [("allow", ", ".join(METHODS))] if status == 405 else []
        if status == 503:
            headers = [("retry-after", str(_RETRY_AFTER))]
        return Answer.json(status, {"errors": [{"code": refused.code, "message": message}]}, headers)


class ClientGone(Exception):
    """The client stopped sending its request; nobody waits for an answer."""


def path_mismatch(message: str) -> Refused:
    return Refused(400, "proxy_path_mismatch", message)


def malformed(message: str) -> Refused:
    """A request that two servers might read differently, so that it could smuggle in another."""
    refused = Refused(400, "proxy_request_refused", message)
    refused.is_ambiguous = True
    return refused


def too_slow() -> Refused:
    refused = Refused(408, "proxy_request_refused", "The request's body did not arrive in time.")
    refused.is_ambiguous = True
    return refused


def busy(cause: str) -> Refused:
    return Refused(503, "proxy_request_failed", "Too many requests to Clerk's Frontend API at once.", cause)


def timed_out(cause: str) -> Refused:
    return Refused(504, "proxy_request_failed", "Clerk's Frontend API did not answer in time.", cause)


def failed(cause: str) -> Refused:
    return Refused(502, "proxy_request_failed", "Clerk's Frontend API gave no valid answer.", cause)

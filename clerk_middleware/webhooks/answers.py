"""The HTTP answers to a delivery. Clerk delivers again what was not answered with a status of 200 to 299."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..answers import Answer

if TYPE_CHECKING:
    from ..errors import WebhookVerificationError

#: Its handlers ran, or it has none.
HANDLED: Final = Answer(204, [("cache-control", "no-store")], b"")
#: An earlier delivery was handled.
HANDLED_BEFORE: Final = Answer(
    200, [("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store")], b""
)

_TYPES: Final = {500: "webhook-failed", 503: "unavailable"}


def _refusal(status: int, reason: str, message: str, *headers: tuple[str, str]) -> Answer:
    error = {"type": _TYPES.get(status, "webhook-refused"), "reason": reason, "message": message}
    return Answer.json(status, {"clerk_error": error}, [*headers])


# Clerk's dashboard shows these. What it was that failed is for the log alone.
HANDLER_FAILED: Final = _refusal(500, "handler-failed", "A handler failed: the application's log says how.")
STORE_FAILED: Final = _refusal(
    500, "store-failed", "The record of messages failed: the application's log says how."
)
NOT_CONFIGURED: Final = _refusal(
    500, "not-configured", "The application has no signing secret: its log says what to do."
)


METHOD_NOT_ALLOWED: Final = _refusal(
    405, "method-not-allowed", "Webhooks are delivered with POST.", ("allow", "POST")
)
TOO_LARGE: Final = _refusal(413, "payload-too-large", "The body is too large.")
TOO_SLOW: Final = _refusal(408, "body-too-slow", "The body took too long to arrive.")
INCOMPLETE: Final = _refusal(400, "incomplete-body", "The body broke off.")
#: Another delivery of the message is being handled for longer than one waits for it.
STILL_RUNNING: Final = _refusal(
    503, "still-running", "Another delivery of this message is being handled.", ("retry-after", "5")
)

_PROBLEMS: Final = {
    METHOD_NOT_ALLOWED.status: "it was no POST (method-not-allowed).",
    TOO_LARGE.status: "its body is larger than max_body_size (payload-too-large).",
    TOO_SLOW.status: "its body did not arrive in time (body-too-slow). Has middleware read it before?",
    INCOMPLETE.status: "its body was not there in full (incomplete-body). Has middleware read it before?",
}


def problem_of(answer: Answer) -> str:
    """What the log says of a request that was refused without a look at its signature."""
    return _PROBLEMS.get(answer.status, "see its answer.")


def separate(answer: Answer) -> Answer:
    """*answer* as one request's own: what is added to its headers is on no other."""
    return answer._replace(headers=[*answer.headers])


_REASONS: Final = {
    "missing-headers": "The request does not have the headers of a signed message.",
    "invalid-headers": "A header of the signed message is malformed, or there twice.",
    "invalid-signature": "The signature is not that of this endpoint's secret for this body.",
    "stale-timestamp": "The message was sent too long ago.",
    "future-timestamp": "The message was sent in the future.",
    "invalid-payload": "The body is no event.",
}


def refused(error: WebhookVerificationError) -> Answer:
    """400: says what anybody may know who sends such a message."""
    return _refusal(400, error.reason, _REASONS[error.reason])

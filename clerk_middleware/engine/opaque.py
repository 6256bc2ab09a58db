"""Opaque machine tokens, which only the Backend API can tell anything about: API keys and their like.

https://clerk.com/docs/guides/development/machine-auth/overview
"""

from __future__ import annotations

import re
from math import inf
from typing import TYPE_CHECKING, Any, Final

from .. import reasons
from ..backend.calls import SETTLED, unix_time, verify_opaque_token
from ..machine_auth import APIKeyAuth, M2MAuth, OAuthAuth
from ..state import RequestState
from ..tokens.classes import TOKEN_NAMES, a_token
from ..tokens.opaque import RefusedOpaqueToken, VerifiedOpaqueToken, caller_of, key_of
from .machine import RETRY_AFTER, machine_signed_in, machine_signed_out

if TYPE_CHECKING:
    from ..backend.calls import BackendAnswer, Flow
    from ..machine_auth import MachineAuth
    from ..tokens.classes import MachineTokenType
    from .context import Context

# RFC 6750, 2.1: what else a header may hold is no token, and Clerk is not asked about it.
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]{1,1024}={0,8}")


def authenticate_opaque(
    context: Context, token: str, token_type: MachineTokenType, now: float | None = None
) -> Flow[RequestState]:
    """Find out what Clerk says of *token*, or said a moment ago.

    :param now: in place of the moment at which the request came.
    """
    if not _TOKEN.fullmatch(token):
        return _refused(token_type, "it is spelled as no token is")
    config, memory = context.config, context.memory.opaque_tokens
    key, caller = key_of(config, token_type, token), caller_of(config, token_type)
    now = now if now is not None else context.now
    remembered = _remembered(context, key, token_type, token, now)
    if remembered is not None:
        return remembered
    wait = memory.wait(caller, now)
    if wait is not None:
        return _unknown(token_type, "Clerk's Backend API asked not to be called for a while (429)", wait)
    if caller[-1] is None:
        return _refused(token_type, "only Clerk can tell whether it is good, and secret_key is not set")
    answer = yield verify_opaque_token(
        config,
        token_type,
        token,
        share=("verify", key),
        # What was good a while ago does not wait behind what anybody makes up.
        queue="tokens" if memory.verified(key) is None else None,
        is_settled=lambda: _remembered(context, key, token_type, token, context.clock()) is not None,
    )
    if answer is SETTLED:
        return (yield from authenticate_opaque(context, token, token_type, context.clock()))
    now = context.clock()
    if answer.is_success:
        return _judged(context, answer, key, token, token_type, now)
    if answer.status == 404 and answer.error_code is not None:  # Clerk's own, and not of a proxy before it
        return _remember_refusal(context, key, token_type, "Clerk does not know it", now)
    if answer.status == 429 and answer.retry_after is not None:
        memory.store_wait(caller, now + answer.retry_after)
    return _not_verified(context, answer, token_type)


def _remembered(
    context: Context, key: bytes, token_type: MachineTokenType, token: str, now: float
) -> RequestState | None:
    """What was found out a moment ago."""
    memory = context.memory.opaque_tokens
    known = memory.verified(key)
    if known is not None and known.is_fresh(now, context.config.opaque_token_ttl):
        return machine_signed_in(context, known.machine, token_type, token)
    refused = memory.refused(key, now)
    return _refused(token_type, refused.message) if refused is not None else None


def _judged(
    context: Context, answer: BackendAnswer, key: bytes, token: str, token_type: MachineTokenType, now: float
) -> RequestState:
    """What an answer of 200 says, which may still be that the token is good no longer."""
    try:
        expires_at = _expiry(answer.json)
        machine = _machine(answer.json, token, token_type)
    except (TypeError, KeyError):
        problem = f"Clerk's Backend API, {context.config.api_url}, gave an answer that can't be read"
        return _unknown(token_type, f"{problem} when asked about {a_token(token_type)}")
    if answer.json["revoked"] or answer.json["expired"] or expires_at <= now:
        problem = "it was revoked" if answer.json["revoked"] else "it has expired"
        return _remember_refusal(context, key, token_type, problem, now)
    context.memory.opaque_tokens.store(key, VerifiedOpaqueToken(machine, now, expires_at))
    return machine_signed_in(context, machine, token_type, token)


def _expiry(answer: Any) -> float:
    """When the token ends, in Unix seconds; Clerk tells milliseconds.

    :raises TypeError: if the answer lacks what tells whether the token is still good.
    """
    if type(answer["revoked"]) is not bool or type(answer["expired"]) is not bool:
        raise TypeError("revoked and expired must be true or false")
    expiration = answer["expiration"]
    return unix_time(expiration) if expiration is not None else inf


def _machine(answer: Any, token: str, token_type: MachineTokenType) -> MachineAuth:
    """:raises TypeError: if a member is missing, or of another type than Clerk's."""
    id, subject, scopes = answer["id"], answer["subject"], answer["scopes"]
    if not (isinstance(id, str) and id and isinstance(subject, str) and subject):
        raise TypeError("id and subject must be texts")
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise TypeError("scopes must be a list of texts")
    claims = answer.get("claims")
    if claims is not None and not isinstance(claims, dict):
        raise TypeError("claims must be an object")
    common: dict[str, Any] = {"id": id, "subject": subject, "scopes": tuple(scopes), "token": token}
    if token_type == "api_key":
        return APIKeyAuth(**common, claims=claims, name=_optional_text(answer.get("name")))
    if token_type == "m2m_token":
        return M2MAuth(**common, claims=claims)
    return OAuthAuth(**common, client_id=_optional_text(answer.get("client_id")))


def _optional_text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _remember_refusal(
    context: Context, key: bytes, token_type: MachineTokenType, message: str, now: float
) -> RequestState:
    context.memory.opaque_tokens.refuse(key, RefusedOpaqueToken(message, now))
    return _refused(token_type, message)


def _refused(token_type: MachineTokenType, message: str) -> RequestState:
    return machine_signed_out(
        token_type, reasons.TOKEN_INVALID, f"the {TOKEN_NAMES[token_type]} is refused: {message}"
    )


def _not_verified(context: Context, answer: BackendAnswer, token_type: MachineTokenType) -> RequestState:
    """The Backend API said nothing about the token."""
    if answer.status == 401:
        option = "secret_key"
        if token_type == "m2m_token" and context.config.machine_secret_key:
            option = "machine_secret_key"
        return machine_signed_out(
            token_type,
            reasons.SECRET_KEY_INVALID,
            f"Clerk does not know {option}: copy it from the Clerk Dashboard",
            retry_after=RETRY_AFTER,
        )
    if answer.status in (400, 422) and answer.error_code is not None:  # nothing that could be a token
        return machine_signed_out(
            token_type,
            reasons.UNEXPECTED_ERROR,
            f"Clerk's Backend API answered {answer.status} when asked about {a_token(token_type)}",
        )
    problem = (
        f"answered {answer.status}" if answer.status is not None else f"did not answer ({answer.problem})"
    )
    message = (
        f"Clerk's Backend API, {context.config.api_url}, {problem} when asked about {a_token(token_type)}"
    )
    return _unknown(token_type, message, answer.retry_after)


def _unknown(token_type: MachineTokenType, message: str, retry_after: int | None = None) -> RequestState:
    """Nobody knows whether the token is good: its client is to try again, and not to throw it away."""
    return machine_signed_out(
        token_type, reasons.UNEXPECTED_ERROR, message, retry_after=retry_after or RETRY_AFTER
    )

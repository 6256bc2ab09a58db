"""Session tokens: verifying one, whichever way it came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import reasons
from ..backend.calls import fetch_key_set
from ..errors import TokenVerificationError
from ..state import RequestState
from ..tokens import jwks
from ..tokens.classes import is_m2m_class, machine_jwt_type
from ..tokens.jwt import check_claims, check_type
from ..tokens.verified import VerifiedToken

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from ..backend.calls import BackendAnswer, Flow
    from ..config import ClerkConfig
    from ..state import Carrier, Headers
    from ..tokens.jwt import JWT
    from .context import Context
    from .presented import Presented


def signed_in(
    token: str, verified: VerifiedToken, carrier: Carrier, headers: Headers | None = None
) -> RequestState:
    return RequestState(
        "signed-in",
        token_type="session_token",
        token=token,
        token_carrier=carrier,
        session=verified.session,
        headers=headers,
    )


def signed_out(reason: str, message: str = "", headers: Headers | None = None) -> RequestState:
    return RequestState(
        "signed-out", token_type="session_token", reason=reason, message=message, headers=headers
    )


def verify(context: Context, token: Presented, *, skew: float | None = None) -> Flow[VerifiedToken]:
    """Verify a token's signature, unless this very token was verified before, and its claims.

    :param skew: seconds, in place of the configured ones.
    :raises TokenVerificationError: with its reason.
    """
    config, jwt, known = context.config, token.jwt, token.known
    if skew is None:
        skew = config.clock_skew
    if known is None and (is_m2m_class(jwt) or machine_jwt_type(jwt) == "m2m_token"):
        raise TokenVerificationError(reasons.TOKEN_INVALID, "the token is a machine's, no session's")
    key = config.verification_key
    if key is None:
        key = yield from find_key(context, jwt)
    if known is None or known.key is not key:
        check_type(jwt)
        jwt.verify_signature(key)
        known = None
    elif known.valid_from - skew <= context.now < known.valid_until + skew and _suits(config, known):
        return known
    period = check_claims(
        jwt.claims,
        now=context.now,
        skew=skew,
        authorized_parties=config.parties,
        audience=config.audiences,
    )
    if known is None:
        known = VerifiedToken(jwt, key, period)
        context.memory.verified_tokens.add(token.text, known)
    return known


def _suits(config: ClerkConfig, token: VerifiedToken) -> bool:
    """Whether a token with well-formed claims needs no closer look to be for this application."""
    return not config.audiences and (not config.parties or token.azp in config.parties)


def find_key(context: Context, jwt: JWT) -> Flow[RSAPublicKey]:
    """`jwt_key`, or the key that *jwt* names; the key set is fetched where it is not known."""
    config, key_sets = context.config, context.memory.key_sets
    if config.verification_key is not None:
        return config.verification_key
    kid = jwt.header.get("kid")
    if config.secret_key is None:
        raise TokenVerificationError(
            reasons.JWK_FAILED_TO_RESOLVE, "neither jwt_key nor secret_key is set: no key to verify with"
        )
    key = key_sets.find(config.instance, kid, context.now)
    if key is not None:
        return key
    answer = yield fetch_key_set(config)
    try:
        if failure := _failure_of_fetch(config, answer):
            raise failure
        keys = key_sets.store(config.instance, answer.json, context.clock())
    except TokenVerificationError as failure:
        key_sets.store_failure(config.instance, failure, context.clock())
        raise
    if kid is None or kid not in keys:
        raise jwks.kid_mismatch()
    return keys[kid]


def _failure_of_fetch(config: ClerkConfig, answer: BackendAnswer) -> TokenVerificationError | None:
    if answer.is_success:
        return None
    if answer.error_code == "clerk_key_invalid":
        return TokenVerificationError(
            reasons.SECRET_KEY_INVALID,
            "Clerk does not know secret_key: copy it from 'API keys' in the Clerk Dashboard",
        )
    problem = (
        f"answered {answer.status}" if answer.status is not None else f"did not answer ({answer.problem})"
    )
    return TokenVerificationError(
        reasons.JWK_FAILED_TO_LOAD,
        f"Clerk's Backend API, {config.api_url}, {problem} when asked for the key set",
    )

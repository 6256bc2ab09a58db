"""Machine tokens: M2M and OAuth JWTs, verified like a session's, with their own claims.

https://clerk.com/docs/guides/development/machine-auth/overview
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import reasons
from ..errors import TokenVerificationError
from ..machine_auth import M2MAuth, OAuthAuth
from ..oauth_resources import identifier, resource_at
from ..state import RequestState
from ..tokens.classes import OAUTH_JWT_TYPES, is_m2m_class, machine_jwt_type, opaque_token_type
from ..tokens.jwt import check_claims, check_type
from ..tokens.verified import VerifiedToken
from .session import find_key

if TYPE_CHECKING:
    from ..backend.calls import Flow
    from ..machine_auth import MachineAuth
    from ..tokens.classes import MachineTokenType
    from ..tokens.jwt import JWT
    from .context import Context

#: Why a token may be a good one though it did not verify: its key could not be had.
_KEY_UNKNOWN = frozenset({reasons.JWK_FAILED_TO_LOAD, reasons.SECRET_KEY_INVALID})
#: Seconds after which to ask again, where nobody says.
RETRY_AFTER = 5

_REGISTERED_CLAIMS = frozenset({"iss", "sub", "exp", "nbf", "iat", "jti"})


def machine_type_of(context: Context, token: str) -> MachineTokenType | None:
    """The type of a machine's token, `None` for a session's and for what does not decode."""
    if (opaque := opaque_token_type(token)) is not None:
        return opaque
    try:
        return machine_jwt_type(context.tokens.present(token).jwt)
    except TokenVerificationError:
        return None


def authenticate_machine_jwt(
    context: Context, token: str, token_type: MachineTokenType
) -> Flow[RequestState]:
    """Verify a machine's JWT; the network is needed only where the key is not known."""
    try:
        jwt = context.tokens.present(token).jwt
        if token_type == "m2m_token" and "cat" in jwt.header and not is_m2m_class(jwt):
            raise TokenVerificationError(reasons.TOKEN_INVALID, "the token's 'cat' is not that of M2M tokens")
        yield from _verify(context, jwt, token, token_type)
    except TokenVerificationError as error:
        reason = error.reason
        if reason != reasons.TOKEN_INVALID or token_type != "m2m_token":
            reason = reasons.TOKEN_VERIFICATION_FAILED
        is_unknown = error.reason in _KEY_UNKNOWN
        return machine_signed_out(
            token_type, reason, error.message, retry_after=RETRY_AFTER if is_unknown else None
        )
    machine = _m2m(jwt, token) if token_type == "m2m_token" else _oauth(jwt, token)
    return machine_signed_in(context, machine, token_type, token)


def machine_signed_in(
    context: Context, machine: MachineAuth, token_type: MachineTokenType, token: str
) -> RequestState:
    """A verified token's state, unless it is meant for other machines than this one."""
    machine_id = context.config.machine_id
    if token_type == "m2m_token" and machine_id is not None and machine_id not in machine.scopes:
        return machine_signed_out(
            token_type,
            reasons.TOKEN_VERIFICATION_FAILED,
            f"the M2M token is not meant for this machine, {machine_id}",
        )
    return RequestState("signed-in", token_type=token_type, token=token, machine=machine)


def machine_signed_out(
    token_type: MachineTokenType, reason: str, message: str, *, retry_after: int | None = None
) -> RequestState:
    return RequestState(
        "signed-out", token_type=token_type, reason=reason, message=message, retry_after=retry_after
    )


def _verify(context: Context, jwt: JWT, token: str, token_type: MachineTokenType) -> Flow[None]:
    config, verified = context.config, context.memory.verified_machine_tokens
    key = yield from find_key(context, jwt)
    known = verified.get(token)
    if known is None or known.key is not key:
        check_type(jwt, OAUTH_JWT_TYPES if token_type == "oauth_token" else ("JWT",))
        jwt.verify_signature(key)
        known = None
    audience = config.audiences
    if token_type == "m2m_token" and config.machine_id is not None:
        audience = frozenset()  # its audience is machines, and this one is looked for later on
    if token_type == "oauth_token" and not audience:
        _expect_resource(context, jwt)
    if token_type == "oauth_token" and audience and not jwt.claims.get("aud"):
        raise TokenVerificationError(reasons.TOKEN_VERIFICATION_FAILED, "the token names no audience")
    period = check_claims(
        jwt.claims, now=context.now, skew=config.clock_skew, authorized_parties=(), audience=audience
    )
    if known is None:
        verified.add(token, VerifiedToken(jwt, key, period))


def _expect_resource(context: Context, jwt: JWT) -> None:
    """A token that names its audience is for that alone (RFC 8707), where the request says what this is.

    :raises TokenVerificationError: if that is another one.
    """
    config, named = context.config, _texts(jwt.claims.get("aud"))
    if not config.oauth_resources or not named:
        return
    url = context.request.url
    resource = resource_at(config, url.path)
    if resource is not None and identifier(url.origin, resource) not in [text.rstrip("/") for text in named]:
        raise TokenVerificationError(
            reasons.TOKEN_VERIFICATION_FAILED,
            f"the token is meant for {named[0]!r:.200}, and this is {identifier(url.origin, resource)!r}: if "
            "both are the same, set audience to what the tokens name",
        )


def _m2m(jwt: JWT, token: str) -> M2MAuth:
    claims = jwt.claims
    scopes = claims.get("scopes")
    custom = {name: value for name, value in claims.items() if name not in _REGISTERED_CLAIMS}
    return M2MAuth(
        id=_text(claims.get("jti")),
        subject=_text(claims.get("sub")),
        scopes=tuple(scopes.split(" ")) if isinstance(scopes, str) else _texts(claims.get("aud")),
        claims=custom or None,
        token=token,
    )


def _oauth(jwt: JWT, token: str) -> OAuthAuth:
    claims = jwt.claims
    scopes = claims["scp"] if "scp" in claims else claims.get("scope")
    client_id = claims.get("client_id")
    return OAuthAuth(
        id=_text(claims.get("jti")),
        subject=_text(claims.get("sub")),
        scopes=tuple(scopes.split()) if isinstance(scopes, str) else _texts(scopes),
        client_id=client_id if isinstance(client_id, str) else None,
        token=token,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()

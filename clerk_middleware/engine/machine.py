"""Machine tokens: M2M and OAuth JWTs, verified like a session's, with their own claims.

https://clerk.com/docs/guides/development/machine-auth/overview
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import reasons
from ..errors import TokenVerificationError
from ..machine_auth import M2MAuth, OAuthAuth
from ..state import RequestState
from ..tokens.classes import OAUTH_JWT_TYPES, is_m2m_class, machine_jwt_type, opaque_token_type
from ..tokens.jwt import check_claims, check_type
from .session import find_key

if TYPE_CHECKING:
    from ..backend.calls import Flow
    from ..machine_auth import MachineAuth
    from ..tokens.classes import MachineTokenType
    from ..tokens.jwt import JWT
    from .context import Context

_REGISTERED_CLAIMS = frozenset({"iss", "sub", "exp", "nbf", "iat", "jti"})


def machine_type_of(context: Context, token: str) -> MachineTokenType | None:
    """The type of a machine's token, `None` for a session's and for what does not decode."""
    if (opaque := opaque_token_type(token)) is not None:
        return opaque
    try:
        return machine_jwt_type(context.tokens.present(token).jwt)
    except TokenVerificationError:
        return None


def refuse_opaque(token_type: MachineTokenType) -> RequestState:
    """Opaque tokens are verified by the Backend API, which this version does not ask yet."""
    return RequestState(
        "signed-out",
        token_type=token_type,
        reason=reasons.UNEXPECTED_ERROR,
        message="opaque machine tokens are not supported by this version; use the JWT format",
    )


def authenticate_machine_jwt(
    context: Context, token: str, token_type: MachineTokenType
) -> Flow[RequestState]:
    """Verify a machine's JWT; the network is needed only where the key is not known."""
    try:
        jwt = context.tokens.present(token).jwt
        if token_type == "m2m_token" and "cat" in jwt.header and not is_m2m_class(jwt):
            raise TokenVerificationError(reasons.TOKEN_INVALID, "the token's 'cat' is not that of M2M tokens")
        yield from _verify(context, jwt, token_type)
    except TokenVerificationError as error:
        reason = error.reason
        if reason != reasons.TOKEN_INVALID or token_type != "m2m_token":
            reason = reasons.TOKEN_VERIFICATION_FAILED
        return RequestState("signed-out", token_type=token_type, reason=reason, message=error.message)
    machine = _m2m(jwt, token) if token_type == "m2m_token" else _oauth(jwt, token)
    return RequestState("signed-in", token_type=token_type, token=token, machine=machine)


def _verify(context: Context, jwt: JWT, token_type: MachineTokenType) -> Flow[None]:
    config = context.config
    key = yield from find_key(context, jwt)
    check_type(jwt, OAUTH_JWT_TYPES if token_type == "oauth_token" else ("JWT",))
    jwt.verify_signature(key)
    if token_type == "oauth_token" and config.audiences and not jwt.claims.get("aud"):
        raise TokenVerificationError(reasons.TOKEN_VERIFICATION_FAILED, "the token names no audience")
    check_claims(
        jwt.claims, now=context.now, skew=config.clock_skew, authorized_parties=(), audience=config.audiences
    )


def _m2m(jwt: JWT, token: str) -> MachineAuth:
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


def _oauth(jwt: JWT, token: str) -> MachineAuth:
    claims = jwt.claims
    scopes = claims["scp"] if "scp" in claims else claims.get("scope")
    client_id = claims.get("client_id")
    return OAuthAuth(
        id=_text(claims.get("jti")),
        subject=_text(claims.get("sub")),
        scopes=tuple(scopes.split()) if isinstance(scopes, str) else _texts(scopes),
        claims=None,
        client_id=client_id if isinstance(client_id, str) else None,
        token=token,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()

"""What kind of token a text claims to be, before anything of it is verified.

All of an instance's JWTs are signed by one key, so a signature alone never makes a session.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from .jwt import JWT

TokenType = Literal["session_token", "api_key", "m2m_token", "oauth_token"]
MachineTokenType = Literal["api_key", "m2m_token", "oauth_token"]
AcceptsToken = TokenType | Literal["any"] | Sequence[TokenType]

TOKEN_TYPES: Final[tuple[TokenType, ...]] = get_args(TokenType)

#: Those of machines and of the programs that act for users.
MACHINE_TOKEN_TYPES: Final[tuple[MachineTokenType, ...]] = get_args(MachineTokenType)

#: In words, for messages.
TOKEN_NAMES: Final[Mapping[TokenType, str]] = {
    "session_token": "session token",
    "api_key": "API key",
    "m2m_token": "M2M token",
    "oauth_token": "OAuth token",
}

OAUTH_JWT_TYPES: Final = ("at+jwt", "application/at+jwt")

_PREFIXES: Final[tuple[tuple[str, MachineTokenType], ...]] = (
    ("ak_", "api_key"),
    ("mt_", "m2m_token"),
    ("oat_", "oauth_token"),
)
#: Values of the header ``cat`` (category) that a session token may have.
_SESSION_CATEGORIES: Final = frozenset({"cl_B7d4PD111AAA", "cl_I7d4PD111III"})
_M2M_CATEGORY: Final = "cl_B7d4PD333AAA"


def a_token(token_type: TokenType) -> str:
    """``an API key`` and the like, for messages."""
    return f"{'a' if token_type == 'session_token' else 'an'} {TOKEN_NAMES[token_type]}"


def types_of(accepts: AcceptsToken) -> tuple[TokenType, ...]:
    """The types that *accepts* names."""
    if accepts == "any":
        return TOKEN_TYPES
    return (accepts,) if isinstance(accepts, str) else tuple(accepts)  # type: ignore[return-value]


def is_accepted(token_type: TokenType | None, accepts: AcceptsToken) -> bool:
    return token_type is not None and token_type in types_of(accepts)


def opaque_token_type(token: str) -> MachineTokenType | None:
    """The type that the prefix of a token that is no JWT tells."""
    for prefix, token_type in _PREFIXES:
        if token.startswith(prefix):
            return token_type
    return None


def machine_jwt_type(jwt: JWT) -> MachineTokenType | None:
    """``m2m_token`` or ``oauth_token`` for a machine's JWT, `None` for any other.

    A session's is ruled out first, by its ``typ``: a token without signature is no machine's.
    """
    if not jwt.signature:
        return None
    subject = jwt.claims.get("sub")
    if isinstance(subject, str) and subject.startswith("mch_"):
        return "m2m_token"
    return "oauth_token" if jwt.header.get("typ") in OAUTH_JWT_TYPES else None


def is_session_jwt(jwt: JWT) -> bool:
    """Whether this JWT can be a session's: no machine's, no template's by the header's ``cat``, no ID token.

    An ID token (OpenID Connect Core, 2) is for an OAuth client, which could otherwise sign in as its user: it
    always has an audience, and never the id of a session.
    """
    if machine_jwt_type(jwt) is not None or ("aud" in jwt.claims and "sid" not in jwt.claims):
        return False
    return "cat" not in jwt.header or jwt.header["cat"] in _SESSION_CATEGORIES


def is_m2m_class(jwt: JWT) -> bool:
    """Whether the header's ``cat`` says that this JWT is a machine's."""
    return jwt.header.get("cat") == _M2M_CATEGORY

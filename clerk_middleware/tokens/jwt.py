"""Decoding and verifying the JWTs that Clerk signs: RS256, and nothing else.

Stricter than RFC 7515 and RFC 7519 ask and than libraries are: what Clerk never sends is refused.
Every failure is a `TokenVerificationError` with its reason. The order of the checks is Clerk's,
and a signature is verified before any claim is believed.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from .. import reasons
from ..errors import TokenVerificationError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from json import JSONDecoder

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

#: Longer tokens are refused unread. A cookie holds 4 KiB; JWT templates may need more in a header.
MAX_TOKEN_LENGTH = 16 * 1024
_MAX_DEPTH = 32
_USUAL_HEADER_LENGTH = 512
_MAX_TIME = 10**12  # seconds; the year 33658

_PADDING, _SHA256 = PKCS1v15(), SHA256()
_FROM_URL_SAFE = bytes.maketrans(b"-_", b"+/")
# A segment's last character carries bits that no byte takes; they must be zero (RFC 4648, 3.5).
_CANONICAL_END = {0: None, 2: frozenset("AQgw"), 3: frozenset("AEIMQUYcgkosw048")}


class JWT:
    """A decoded token. Nothing in it is to be believed before `verify_signature`."""

    __slots__ = ("algorithm", "claims", "header", "signature", "signing_input")

    def __init__(
        self, header: Mapping[str, Any], claims: dict[str, Any], signing_input: bytes, signature: bytes
    ) -> None:
        self.header = header
        self.claims = claims
        self.signing_input = signing_input
        self.signature = signature

    def verify_signature(self, key: RSAPublicKey) -> None:
        """Raise unless the token is an RS256 one, signed by the owner of *key*."""
        if self.header.get("alg") != "RS256":
            raise TokenVerificationError(reasons.TOKEN_INVALID_ALGORITHM, "the token's 'alg' is not RS256")
        try:
            key.verify(self.signature, self.signing_input, _PADDING, _SHA256)
        except InvalidSignature:
            raise TokenVerificationError(
                reasons.TOKEN_INVALID_SIGNATURE, "the token's signature does not verify"
            ) from None


def decode(token: str) -> JWT:
    """Take a token apart.

    :raises TokenVerificationError: ``token-invalid``, unless it is three canonical base64url
        segments, of which two hold a JSON object in UTF-8.
    """
    if not isinstance(token, str) or len(token) > MAX_TOKEN_LENGTH:
        raise _invalid("is no text of at most 16 KiB")
    segments = token.split(".")
    if len(segments) != 3:
        raise _invalid("does not have three segments")
    if "+" in token or "/" in token or "=" in token or not token.isascii():
        raise _invalid("has characters that base64url does not know")
    header_segment, claims_segment, signature_segment = segments
    is_usual = len(header_segment) <= _USUAL_HEADER_LENGTH
    header = _header(header_segment) if is_usual else _header.__wrapped__(header_segment)
    claims = _json_object(_base64url(claims_segment))
    signature = _base64url(signature_segment)
    return JWT(header, claims, token[: token.rindex(".")].encode("ascii"), signature)


@lru_cache(maxsize=128)
def _header(segment: str) -> Mapping[str, Any]:
    """Decode a header, which nearly all of an instance's tokens share to the letter.

    Members of the wrong JSON type, and extensions (RFC 7515, 4.1.11), are refused at once. The cache
    can't leak: what a text decodes to depends on the text alone.
    """
    header = _json_object(_base64url(segment))
    if "crit" in header:
        raise _invalid("has a 'crit' header, and no extension is supported")
    for name in ("typ", "alg", "kid", "cat"):
        if name in header and not isinstance(header[name], str):
            raise _invalid(f"has a {name!r} header that is no string")
    if header.get("kid") == "":
        raise _invalid("has an empty 'kid' header")
    return MappingProxyType(header)


def check_type(jwt: JWT, allowed: Collection[str] = ("JWT",)) -> None:
    """Raise unless ``typ`` is absent or one of *allowed* (RFC 8725, 3.11)."""
    if jwt.header.get("typ", "JWT") not in allowed:
        raise _invalid(f"has another 'typ' than {' or '.join(allowed)}")


def check_claims(
    claims: dict[str, Any],
    *,
    now: float,
    skew: float,
    authorized_parties: Collection[str],
    audience: Collection[str],
) -> tuple[int, int]:
    """Check a verified token's registered claims against this moment and this configuration.

    Returns from when until when they say that the token is valid, in Unix seconds.

    :param now: Unix time in seconds.
    :param skew: by how many seconds the issuer's clock may differ.
    :param authorized_parties: allowed values of ``azp``; empty allows any.
    :param audience: allowed values of ``aud``; only compared where the token names one, too.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise _failed("'sub' names nobody")
    if audience and "aud" in claims:
        _check_audience(claims["aud"], audience)
    if authorized_parties:
        azp = claims.get("azp")
        if not isinstance(azp, str) or azp not in authorized_parties:
            problem = (
                f"the token's 'azp' is {_shown(azp)}, and authorized_parties does not name it: if it is the "
                "origin of your own frontend, add it"
                if "azp" in claims
                else "the token has no 'azp', so no page asked for it, as with a session's token that the "
                "Backend API makes: authorized_parties only lets in tokens of the origins that it names"
            )
            raise TokenVerificationError(reasons.TOKEN_INVALID_AUTHORIZED_PARTIES, problem)
    expires = _time(claims, "exp")
    if expires <= now - skew:
        raise TokenVerificationError(
            reasons.TOKEN_EXPIRED, f"the token expired {now - expires:.0f} s ago by this machine's clock"
        )
    not_before = _time(claims, "nbf") if "nbf" in claims else 0
    if not_before > now + skew:
        raise TokenVerificationError(
            reasons.TOKEN_NOT_ACTIVE_YET,
            "the token is not valid yet by this machine's clock, which may be late",
        )
    issued = _time(claims, "iat") if "iat" in claims else 0
    if issued > now + skew:
        raise TokenVerificationError(
            reasons.TOKEN_IAT_IN_THE_FUTURE,
            "the token was issued in the future by this machine's clock, which may be late",
        )
    return max(not_before, issued), expires


def _check_audience(named: object, allowed: Collection[str]) -> None:
    if isinstance(named, str):
        named = [named] if named else []
    if not isinstance(named, list) or not all(isinstance(value, str) for value in named):
        raise _failed("'aud' is neither a string nor a list of strings")
    if named and not any(value in allowed for value in named):
        raise _failed("'aud' names none of the configured audience")


def _time(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    # bool is a subclass of int, and `true` is no time.
    if (type(value) is int or type(value) is float) and -_MAX_TIME < value < _MAX_TIME:
        return int(value)
    raise _failed(f"{name!r} is no time")


def _shown(value: object) -> str:
    """A claim for a message: an origin is worth reading, anything long or odd is not."""
    return repr(value) if isinstance(value, str) and len(value) <= 100 else "missing or malformed"


def _invalid(problem: str) -> TokenVerificationError:
    return TokenVerificationError(reasons.TOKEN_INVALID, f"the token {problem}")


def _failed(problem: str) -> TokenVerificationError:
    return TokenVerificationError(reasons.TOKEN_VERIFICATION_FAILED, f"the token's {problem}")


def _base64url(segment: str) -> bytes:
    """Decode canonical base64url: no padding, no white space, no spare bits."""
    remainder = len(segment) % 4
    if remainder:
        end = _CANONICAL_END.get(remainder)
        if end is None or segment[-1] not in end:
            raise _invalid("has a segment that is not canonical base64url")
        segment += "=="[: 4 - remainder]
    try:
        return a2b_base64(segment.encode("ascii").translate(_FROM_URL_SAFE), strict_mode=True)
    except Base64Error:
        raise _invalid("has a segment that is not canonical base64url") from None


def _json_object(encoded: bytes) -> dict[str, Any]:
    try:
        text = encoded.decode("utf-8")
        value, end = _decoder().raw_decode(text)
        if end != len(text):
            raise ValueError("trailing text")
        if "\\u" in text:
            from json import dumps

            dumps(value, ensure_ascii=False).encode("utf-8")  # refuses a lone surrogate
    except (ValueError, RecursionError):  # UnicodeError and JSONDecodeError are ValueErrors
        raise _invalid("has a segment that is no JSON in UTF-8") from None
    if type(value) is not dict:
        raise _invalid("has a segment that is no JSON object")
    if text.count("[") + text.count("{") > _MAX_DEPTH and _depth(value) > _MAX_DEPTH:
        raise _invalid("is nested too deeply")
    return value


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            item
            for container in level
            if isinstance(container, (dict, list))
            for item in (container.values() if isinstance(container, dict) else container)
        ]
    return depth - 1


def _distinct_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _finite(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError("number out of range")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


@cache
def _decoder() -> JSONDecoder:
    from json import JSONDecoder  # not before there is a token: importing this package is to be fast

    return JSONDecoder(object_pairs_hook=_distinct_members, parse_constant=_no_constant, parse_float=_finite)

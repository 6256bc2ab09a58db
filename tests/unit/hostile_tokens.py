"""A corpus of hostile tokens: each is a session token that is accepted, but for the one thing its name says.

`CORPUS` maps a name to a `Hostile`, which makes the token from the instance's `Issuer`, so that all but
the thing itself is right: the signature is the instance's own wherever the thing is not the signature.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.padding import PSS, PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from .issuer import NOW, Issuer, base64url, claims_of

INVALID = "token-invalid"
ALGORITHM = "token-invalid-algorithm"
SIGNATURE = "token-invalid-signature"
FAILED = "token-verification-failed"
PARTIES = "token-invalid-authorized-parties"
EXPIRED = "token-expired"
EARLY = "token-not-active-yet"
FUTURE = "token-iat-in-the-future"

ATTACKER = Issuer("attacker")

#: A JSON text of each type that no registered member or claim may have, in whatever place.
WRONG_TYPES = {
    "null": "null",
    "true": "true",
    "false": "false",
    "number": "7",
    "float": "0.5",
    "list": "[]",
    "list-of-strings": '["RS256"]',
    "object": "{}",
}


class Hostile(NamedTuple):
    """How to make the token, and the reason that `verify_token` refuses it with."""

    make: Callable[[Issuer], str]
    reason: str


CORPUS: dict[str, Hostile] = {}


def add(name: str, reason: str, make: Callable[[Issuer], str]) -> None:
    assert name not in CORPUS, name
    CORPUS[name] = Hostile(make, reason)


def with_header(name: str, reason: str, **changed: Any) -> None:
    add(name, reason, lambda issuer: issuer.token(changed))


def with_claims(name: str, reason: str, **changed: Any) -> None:
    add(name, reason, lambda issuer: issuer.token(**changed))


def with_header_bytes(name: str, reason: str, change: Callable[[bytes], bytes]) -> None:
    """The signed header is what *change* makes of a right one."""
    add(
        name,
        reason,
        lambda issuer: issuer.token_of(change(json.dumps(issuer.header_of()).encode()), encoded(claims_of())),
    )


def with_claims_bytes(name: str, reason: str, change: Callable[[bytes], bytes]) -> None:
    add(
        name,
        reason,
        lambda issuer: issuer.token_of(encoded(issuer.header_of()), change(encoded(claims_of()))),
    )


def with_text(name: str, reason: str, change: Callable[[str], str]) -> None:
    """What *change* makes of an accepted token's text."""
    add(name, reason, lambda issuer: change(issuer.token()))


def with_segments(name: str, reason: str, change: Callable[[str, str, str], str]) -> None:
    with_text(name, reason, lambda token: change(*token.split(".")))


def with_signature(name: str, reason: str, make: Callable[[Issuer, bytes], bytes], **header: Any) -> None:
    """A right header and right claims, signed in another way."""

    def token(issuer: Issuer) -> str:
        signing_input = f"{segment(issuer.header_of(**header))}.{segment(claims_of())}"
        return f"{signing_input}.{base64url(make(issuer, signing_input.encode()))}"

    add(name, reason, token)


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def segment(value: object) -> str:
    return base64url(encoded(value))


def member(name: str, json_text: str) -> Callable[[bytes], bytes]:
    """Give an object's member another value, written as it is."""

    def change(document: bytes) -> bytes:
        members = json.loads(document)
        members.pop(name, None)
        return document_with(members, f'"{name}": {json_text}'.encode())

    return change


def document_with(members: dict[str, Any], *further: bytes) -> bytes:
    return b"{" + b", ".join([json.dumps(members).encode()[1:-1], *further]) + b"}"


def again(name: str, json_text: str) -> Callable[[bytes], bytes]:
    """Write a member a second time, at the end."""
    return lambda document: document[:-1] + f', "{name}": {json_text}'.encode() + b"}"


def first(name: str, json_text: str) -> Callable[[bytes], bytes]:
    """Write a member a second time, at the start."""
    return lambda document: b"{" + f'"{name}": {json_text}, '.encode() + document[1:]


# --- Header members of the wrong JSON type, missing, or with a value of their own ---------------------

for _member in ("alg", "kid", "typ", "cat"):
    for _kind, _text in WRONG_TYPES.items():
        with_header_bytes(f"header-{_member}-is-{_kind}", INVALID, member(_member, _text))
with_header("header-alg-missing", ALGORITHM, alg=...)
with_header("header-kid-missing", "jwk-kid-mismatch", kid=...)
with_header("header-kid-empty", INVALID, kid="")
with_header("header-kid-unknown", "jwk-kid-mismatch", kid="ins_2")
with_header("header-kid-is-a-path", "jwk-kid-mismatch", kid="../../../../dev/null")
with_header("header-kid-is-sql", "jwk-kid-mismatch", kid="' UNION SELECT 'secret' --")
with_header("header-kid-in-another-case", "jwk-kid-mismatch", kid="INS_1")
with_header("header-kid-with-space", "jwk-kid-mismatch", kid="ins_1 ")
with_header("header-kid-with-nul", "jwk-kid-mismatch", kid="ins_1\0")
for _type in ("", "jwt", "JWE", "at+jwt", "application/at+jwt", "JWT ", "dpop+jwt", "logout+jwt", "JOSE"):
    with_header(f"header-typ-{_type.strip() or 'empty'}{'-space' * _type.endswith(' ')}", INVALID, typ=_type)
with_header("header-cat-m2m", INVALID, cat="cl_B7d4PD333AAA")

# --- Algorithms --------------------------------------------------------------------------------------

for _algorithm in ("", "none", "None", "NONE", "nOnE", "rs256", "RS256 ", "HS256", "HS384", "RS384"):
    with_header(f"alg-{_algorithm or 'empty'!r}-with-right-signature", ALGORITHM, alg=_algorithm)
for _algorithm in (
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES256K",
    "EdDSA",
    "Ed25519",
    "RSA-OAEP",
    "dir",
):
    with_header(f"alg-{_algorithm}-with-right-signature", ALGORITHM, alg=_algorithm)
for _algorithm in ("none", "None", "NONE", "nOnE"):
    with_signature(f"alg-{_algorithm}-unsigned", ALGORITHM, lambda *_: b"", alg=_algorithm)


def hmac_by_public_pem(issuer: Issuer, signing_input: bytes) -> bytes:
    return hmac.new(issuer.pem.encode(), signing_input, hashlib.sha256).digest()


def hmac_by_stripped_pem(issuer: Issuer, signing_input: bytes) -> bytes:
    return hmac.new(issuer.pem.strip().encode(), signing_input, hashlib.sha256).digest()


def hmac_by_modulus(issuer: Issuer, signing_input: bytes) -> bytes:
    return hmac.new(issuer.jwk["n"].encode(), signing_input, hashlib.sha256).digest()


def hmac_by_nothing(issuer: Issuer, signing_input: bytes) -> bytes:
    return hmac.new(b"", signing_input, hashlib.sha256).digest()


def signed_with(algorithm: HashAlgorithm) -> Callable[[Issuer, bytes], bytes]:
    return lambda issuer, signing_input: issuer.private.sign(signing_input, PKCS1v15(), algorithm)


def pss(issuer: Issuer, signing_input: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1

    return issuer.private.sign(signing_input, PSS(MGF1(SHA256()), 32), SHA256())


with_signature("hs256-secret-is-the-public-pem", ALGORITHM, hmac_by_public_pem, alg="HS256")
with_signature("hs256-secret-is-the-public-pem-stripped", ALGORITHM, hmac_by_stripped_pem, alg="HS256")
with_signature("hs256-secret-is-the-modulus", ALGORITHM, hmac_by_modulus, alg="HS256")
with_signature("hs256-secret-is-empty", ALGORITHM, hmac_by_nothing, alg="HS256")
with_signature("rs384-signed-so", ALGORITHM, signed_with(SHA384()), alg="RS384")
with_signature("rs512-signed-so", ALGORITHM, signed_with(SHA512()), alg="RS512")
with_signature("ps256-signed-so", ALGORITHM, pss, alg="PS256")
with_signature("rs256-but-signed-by-hs256", SIGNATURE, hmac_by_public_pem)
with_signature("rs256-but-signed-by-rs384", SIGNATURE, signed_with(SHA384()))
with_signature("rs256-but-signed-by-rs512", SIGNATURE, signed_with(SHA512()))
with_signature("rs256-but-signed-by-ps256", SIGNATURE, pss)

# --- Signatures --------------------------------------------------------------------------------------

with_signature("signature-by-the-attacker", SIGNATURE, lambda _, text: ATTACKER.sign(text))
with_signature("signature-empty", SIGNATURE, lambda *_: b"")
with_signature("signature-all-zeroes", SIGNATURE, lambda *_: bytes(256))
with_signature("signature-all-ones", SIGNATURE, lambda *_: b"\xff" * 256)
with_signature("signature-is-one", SIGNATURE, lambda *_: bytes(255) + b"\x01")
with_signature("signature-of-nothing", SIGNATURE, lambda issuer, _: issuer.sign(b""))
with_signature("signature-truncated", SIGNATURE, lambda issuer, text: issuer.sign(text)[:-1])
with_signature("signature-half", SIGNATURE, lambda issuer, text: issuer.sign(text)[:128])
with_signature("signature-one-byte", SIGNATURE, lambda *_: b"\x01")
with_signature("signature-extended", SIGNATURE, lambda issuer, text: issuer.sign(text) + b"\0")
with_signature("signature-prefixed", SIGNATURE, lambda issuer, text: b"\0" + issuer.sign(text))
with_signature("signature-twice", SIGNATURE, lambda issuer, text: issuer.sign(text) * 2)
with_signature("signature-reversed", SIGNATURE, lambda issuer, text: issuer.sign(text)[::-1])
with_signature(
    "signature-inverted", SIGNATURE, lambda issuer, text: bytes(255 - b for b in issuer.sign(text))
)
with_signature(
    "signature-of-the-claims-alone", SIGNATURE, lambda issuer, text: issuer.sign(text.split(b".")[1])
)
with_signature("signature-of-the-whole-with-dot", SIGNATURE, lambda issuer, text: issuer.sign(text + b"."))
with_signature("signature-is-the-sha256", SIGNATURE, lambda _, text: hashlib.sha256(text).digest())
with_signature("signature-is-the-text", SIGNATURE, lambda _, text: text)
with_signature(
    "signature-plus-modulus",
    SIGNATURE,
    lambda issuer, text: (
        int.from_bytes(issuer.sign(text), "big") + issuer.private.public_key().public_numbers().n
    ).to_bytes(257, "big"),
)
add(
    "signature-of-another-token",
    SIGNATURE,
    lambda issuer: ".".join([*issuer.token().split(".")[:2], issuer.token(sub="user_2").split(".")[2]]),
)
add(
    "claims-of-another-token",
    SIGNATURE,
    lambda issuer: swapped(issuer.token(), issuer.token(sub="user_2"), 1),
)
add(
    "header-of-another-token",
    SIGNATURE,
    lambda issuer: swapped(issuer.token(), issuer.token({"cat": ...}), 0),
)
add("forged-by-the-attacker", SIGNATURE, lambda issuer: ATTACKER.token({"kid": issuer.kid}, sub="user_2"))


def swapped(token: str, other: str, index: int) -> str:
    segments = token.split(".")
    segments[index] = other.split(".")[index]
    return ".".join(segments)


# --- Keys that the token itself brings along -----------------------------------------------------------


def self_signed(**header: Any) -> Callable[[Issuer], str]:
    return lambda issuer: ATTACKER.token({"kid": issuer.kid} | header)


add("embedded-jwk", SIGNATURE, self_signed(jwk=ATTACKER.jwk))
add("embedded-jwk-without-kid", "jwk-kid-mismatch", self_signed(jwk=ATTACKER.jwk, kid=...))
add("embedded-jwk-with-other-kid", "jwk-kid-mismatch", self_signed(jwk=ATTACKER.jwk, kid="attacker"))
add("embedded-jwks", SIGNATURE, self_signed(jwks=ATTACKER.jwks))
add("embedded-jku", SIGNATURE, self_signed(jku="https://attacker.example/jwks.json"))
add("embedded-jku-on-clerks-host", SIGNATURE, self_signed(jku="https://api.clerk.com@attacker.example/jwks"))
add("embedded-x5u", SIGNATURE, self_signed(x5u="https://attacker.example/cert.pem"))
add("embedded-x5c", SIGNATURE, self_signed(x5c=["MIIB"]))
add("embedded-x5t", SIGNATURE, self_signed(x5t="AAAA", **{"x5t#S256": "AAAA"}))
add("embedded-pem-as-kid", "jwk-kid-mismatch", self_signed(kid=ATTACKER.pem))

# --- Extensions --------------------------------------------------------------------------------------

with_header("crit-empty", INVALID, crit=[])
with_header("crit-exp", INVALID, crit=["exp"], exp=NOW)
with_header("crit-alg", INVALID, crit=["alg"])
with_header("crit-unknown", INVALID, crit=["http://example.com/unknown"])
with_header("crit-b64", INVALID, crit=["b64"], b64=False)
with_header("crit-b64-true", INVALID, crit=["b64"], b64=True)
for _kind, _text in WRONG_TYPES.items():
    if _kind != "list":
        with_header_bytes(f"crit-is-{_kind}", INVALID, member("crit", _text))
with_header_bytes("crit-is-string", INVALID, member("crit", '"exp"'))


def b64_false(issuer: Issuer) -> str:
    """RFC 7797: the payload unencoded."""
    signing_input = f"{segment(issuer.header_of(b64=False, crit=['b64']))}.{encoded(claims_of()).decode()}"
    return f"{signing_input}.{base64url(issuer.sign(signing_input.encode()))}"


add("b64-false-with-unencoded-claims", INVALID, b64_false)

# --- Claims of the wrong JSON type, missing, or out of range ---------------------------------------------

for _claim in ("exp", "nbf", "iat"):
    for _kind, _text in WRONG_TYPES.items():
        if _kind not in ("number", "float"):
            with_claims_bytes(f"claim-{_claim}-is-{_kind}", FAILED, member(_claim, _text))
    for _kind, _text in {
        "string": f'"{NOW}"',
        "empty-string": '""',
        "huge": "1000000000000000000",
        "huge-float": "1e300",
        "very-negative": "-1000000000000000000",
    }.items():
        with_claims_bytes(f"claim-{_claim}-is-{_kind}", FAILED, member(_claim, _text))
    for _kind, _text in {
        "nan": "NaN",
        "infinity": "Infinity",
        "minus-infinity": "-Infinity",
        "1e999": "1e999",
        "minus-1e999": "-1e999",
        "thousands-of-digits": "9" * 5000,
        "hexadecimal": "0x7fffffff",
        "leading-zero": "01750000060",
        "leading-plus": "+1750000060",
        "unicode-digits": "١٧٥٠٠٠٠٠٦٠",
        "underscored": "1_750_000_060",
    }.items():
        with_claims_bytes(f"claim-{_claim}-is-{_kind}", INVALID, member(_claim, _text))
with_claims("claim-exp-missing", FAILED, exp=...)
with_claims("claim-exp-past", EXPIRED, exp=NOW - 6)
with_claims("claim-exp-just-past-the-skew", EXPIRED, exp=NOW - 5)
with_claims("claim-exp-zero", EXPIRED, exp=0)
with_claims("claim-exp-negative", EXPIRED, exp=-1)
with_claims("claim-exp-in-milliseconds", FAILED, exp=(NOW + 60) * 1000)
with_claims("claim-nbf-ahead", EARLY, nbf=NOW + 6)
with_claims("claim-iat-ahead", FUTURE, iat=NOW + 6)
with_claims("claim-sub-missing", FAILED, sub=...)
with_claims("claim-sub-empty", FAILED, sub="")
for _kind, _text in WRONG_TYPES.items():
    with_claims_bytes(f"claim-sub-is-{_kind}", FAILED, member("sub", _text))
    with_claims_bytes(f"claim-azp-is-{_kind}", PARTIES, member("azp", _text))
    if _kind != "list":  # an empty one names no audience
        with_claims_bytes(f"claim-aud-is-{_kind}", FAILED, member("aud", _text))
with_claims("claim-azp-missing", PARTIES, azp=...)
with_claims("claim-azp-empty", PARTIES, azp="")
with_claims("claim-azp-foreign", PARTIES, azp="https://evil.example.com")
with_claims("claim-azp-with-slash", PARTIES, azp="https://app.example.com/")
with_claims("claim-azp-prefix", PARTIES, azp="https://app.example.co")
with_claims("claim-azp-longer", PARTIES, azp="https://app.example.com.evil.example")
with_claims("claim-azp-in-upper-case", PARTIES, azp="HTTPS://APP.EXAMPLE.COM")
with_claims("claim-azp-http", PARTIES, azp="http://app.example.com")
with_claims("claim-azp-list-with-the-right-one", PARTIES, azp=["https://app.example.com"])
with_claims("claim-aud-foreign", FAILED, aud="other-api")
with_claims("claim-aud-list-of-foreign", FAILED, aud=["other-api", "third-api"])
with_claims("claim-aud-list-of-numbers", FAILED, aud=[1])
with_claims("claim-aud-list-with-the-right-one-and-null", FAILED, aud=["api", None])
with_claims("claim-aud-nested-list", FAILED, aud=[["api"]])

# --- JSON that is none, or is ambiguous --------------------------------------------------------------

with_header_bytes("duplicate-alg-none-first", INVALID, first("alg", '"none"'))
with_header_bytes("duplicate-alg-none-last", INVALID, again("alg", '"none"'))
with_header_bytes("duplicate-alg-same", INVALID, again("alg", '"RS256"'))
with_header_bytes("duplicate-kid", INVALID, again("kid", '"ins_2"'))
with_header_bytes("duplicate-kid-same", INVALID, again("kid", '"ins_1"'))
with_header_bytes("duplicate-typ", INVALID, first("typ", '"at+jwt"'))
with_header_bytes("duplicate-cat", INVALID, first("cat", '"cl_B7d4PD333AAA"'))
with_header_bytes("duplicate-nested-in-header", INVALID, again("x", '{"a": 1, "a": 2}'))
with_header_bytes("duplicate-by-escape-in-header", INVALID, again("\\u0061lg", '"none"'))
with_claims_bytes("duplicate-sub-first", INVALID, first("sub", '"user_2"'))
with_claims_bytes("duplicate-sub-last", INVALID, again("sub", '"user_2"'))
with_claims_bytes("duplicate-sub-same", INVALID, again("sub", '"user_1"'))
with_claims_bytes("duplicate-exp", INVALID, again("exp", "99999999999"))
with_claims_bytes("duplicate-azp", INVALID, first("azp", '"https://evil.example"'))
with_claims_bytes("duplicate-nested-in-claims", INVALID, again("x", '{"a": 1, "a": 1}'))
with_claims_bytes("duplicate-nested-in-a-list", INVALID, again("x", '[{"a": 1, "a": 1}]'))
with_claims_bytes("duplicate-by-escape-in-claims", INVALID, again("s\\u0075b", '"user_2"'))

ODD_JSON: dict[str, Callable[[bytes], bytes]] = {
    "utf-16": lambda document: document.decode().encode("utf-16"),
    "utf-16-le": lambda document: document.decode().encode("utf-16-le"),
    "utf-16-be": lambda document: document.decode().encode("utf-16-be"),
    "utf-32": lambda document: document.decode().encode("utf-32"),
    "utf-8-with-bom": lambda document: b"\xef\xbb\xbf" + document,
    "latin-1": lambda document: document[:-1] + b', "x": "\xe9"}',
    "overlong-utf-8": lambda document: document[:-1] + b', "x": "\xc0\xaf"}',
    "surrogate-in-utf-8": lambda document: document[:-1] + b', "x": "\xed\xa0\x80"}',
    "truncated-utf-8": lambda document: document[:-1] + b', "x": "\xe2\x82"}',
    "byte-ff": lambda document: document[:-1] + b', "x": "\xff"}',
    "lone-high-surrogate": again("x", '"\\ud800"'),
    "lone-low-surrogate": again("x", '"\\udc00"'),
    "swapped-surrogates": again("x", '"\\udc00\\ud800"'),
    "lone-surrogate-in-a-name": again("\\udfff", "1"),
    "trailing-garbage": lambda document: document + b"x",
    "trailing-object": lambda document: document + b"{}",
    "trailing-nul": lambda document: document + b"\0",
    "leading-nul": lambda document: b"\0" + document,
    "trailing-comma": lambda document: document[:-1] + b",}",
    "unclosed": lambda document: document[:-1],
    "single-quotes": lambda document: document.replace(b'"', b"'"),
    "unquoted-name": lambda document: document[:-1] + b", x: 1}",
    "block-comment": lambda document: document[:-1] + b" /* */ }",
    "line-comment": lambda document: document + b"// comment",
    "hash-comment": lambda document: document + b"# comment",
    "control-character": again("x", '"a\x01b"'),
    "newline-in-a-string": again("x", '"a\nb"'),
    "tab-in-a-string": again("x", '"a\tb"'),
    "bad-escape": again("x", '"\\x41"'),
    "short-unicode-escape": again("x", '"\\u12"'),
    "nan": again("x", "NaN"),
    "infinity": again("x", "Infinity"),
    "1e999": again("x", "1e999"),
    "true-in-capitals": again("x", "True"),
    "undefined": again("x", "undefined"),
    "array-of-itself": lambda document: b"[" + document + b"]",
    "string": lambda _: b'"user_1"',
    "number": lambda _: b"1",
    "null": lambda _: b"null",
    "true": lambda _: b"true",
    "empty-array": lambda _: b"[]",
    "empty-text": lambda _: b"",
    "white-space": lambda _: b" ",
    "text": lambda _: b"user_1",
    "xml": lambda _: b"<sub>user_1</sub>",
    "deep-array": again("x", "[" * 100 + "]" * 100),
    "deep-object": again("x", '{"a":' * 100 + "1" + "}" * 100),
    "deep-array-just-too-deep": again("x", "[" * 34 + "]" * 34),
    "very-deep-array": again("x", "[" * 5000 + "]" * 5000),
    "very-deep-object": again("x", '{"a":' * 1500 + "1" + "}" * 1500),
    "unclosed-deep-array": again("x", "[" * 10_000),
}
for _name, _change in ODD_JSON.items():
    with_header_bytes(f"header-json-{_name}", INVALID, _change)
    with_claims_bytes(f"claims-json-{_name}", INVALID, _change)
with_header_bytes("header-empty-object", "jwk-kid-mismatch", lambda _: b"{}")
with_claims_bytes("claims-empty-object", FAILED, lambda _: b"{}")

# --- The compact serialization -----------------------------------------------------------------------

with_text("two-segments", INVALID, lambda token: token.rpartition(".")[0])
with_text("one-segment", INVALID, lambda token: token.replace(".", ""))
with_text("four-segments", INVALID, lambda token: f"{token}.AAAA")
with_text("four-segments-last-empty", INVALID, lambda token: f"{token}.")
with_text("four-segments-first-empty", INVALID, lambda token: f".{token}")
with_segments("five-segments-like-a-jwe", INVALID, lambda h, c, s: f"{h}.{c}.{s}.{c}.{s}")
with_segments("five-segments-key-empty", INVALID, lambda h, c, s: f"{h}..{c}.{c}.{s}")
with_segments("header-segment-empty", INVALID, lambda h, c, s: f".{c}.{s}")
with_segments("claims-segment-empty", INVALID, lambda h, c, s: f"{h}..{s}")
with_segments("only-a-header", INVALID, lambda h, c, s: f"{h}..")
with_segments("json-serialization", INVALID, lambda h, c, s: json.dumps({"protected": h, "payload": c}))
with_text("only-dots", INVALID, lambda _: "..")
with_text("empty", INVALID, lambda _: "")
with_text("opaque-looking", INVALID, lambda token: f"xt_{token.replace('.', '')}")

JUNK = {
    "space": " ",
    "tab": "\t",
    "newline": "\n",
    "carriage-return": "\r",
    "nul": "\0",
    "padding": "=",
    "double-padding": "==",
    "triple-padding": "===",
    "plus": "+",
    "slash": "/",
    "percent": "%41",
    "comma": ",",
    "semicolon": ";",
    "quote": '"',
    "backslash": "\\",
    "tilde": "~",
    "no-break-space": "\xa0",
    "zero-width-space": "\u200b",
    "fullwidth-a": "\uff21",
    "kelvin-sign": "\u212a",
    "arabic-digit": "\u0661",
    "high-code-point": "\U0001f511",
    "lone-surrogate": "\ud800",
}
PLACES: dict[str, Callable[[str, str, str, str], str]] = {
    "before-the-header": lambda junk, h, c, s: f"{junk}{h}.{c}.{s}",
    "after-the-header": lambda junk, h, c, s: f"{h}{junk}.{c}.{s}",
    "within-the-claims": lambda junk, h, c, s: f"{h}.{c[:8]}{junk}{c[8:]}.{s}",
    "before-the-signature": lambda junk, h, c, s: f"{h}.{c}.{junk}{s}",
    "after-the-signature": lambda junk, h, c, s: f"{h}.{c}.{s}{junk}",
}
for _name, _text in JUNK.items():
    for _place, _insert in PLACES.items():
        with_segments(f"{_name}-{_place}", INVALID, partial(_insert, _text))


def spare_bits(segment_of_length_two_or_three: str) -> str:
    """The same bytes in another spelling: RFC 4648, 3.5 allows decoders to accept it."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = segment_of_length_two_or_three[-1]
    return segment_of_length_two_or_three[:-1] + alphabet[alphabet.index(last) + 1]


with_segments("spare-bits-in-the-signature", INVALID, lambda h, c, s: f"{h}.{c}.{spare_bits(s)}")


def with_own_segments(name: str, make: Callable[[str, str], tuple[str, str]]) -> None:
    """Header and claims segments, both with spare bits, as *make* changes them; signed as they then are."""

    def token(issuer: Issuer) -> str:
        header, claims = make(segment_not_aligned(issuer.header_of()), segment_not_aligned(claims_of()))
        return resigned(issuer, header, claims)

    add(name, INVALID, token)


def in_standard_alphabet(segment: str) -> str:
    return segment.replace("-", "+").replace("_", "/")


with_own_segments("spare-bits-in-the-header", lambda header, claims: (spare_bits(header), claims))
with_own_segments("spare-bits-in-the-claims", lambda header, claims: (header, spare_bits(claims)))
with_own_segments("padded-header-signed-so", lambda header, claims: (f"{header}=", claims))
with_own_segments("padded-claims-signed-so", lambda header, claims: (header, f"{claims}="))
with_own_segments("plus-signed-so", lambda header, claims: (header, f"{claims}++++"))
with_own_segments("slash-signed-so", lambda header, claims: (header, f"{claims}////"))
with_own_segments("claims-not-encoded", lambda header, _: (header, '{"sub":"user_1"}'))
add(
    "standard-alphabet-signed-so",
    INVALID,
    lambda issuer: resigned(
        issuer, segment(issuer.header_of()), in_standard_alphabet(base64url('{"x": "ÿÿÿ??>>"}'.encode()))
    ),
)


def segment_not_aligned(members: dict[str, Any]) -> str:
    """A segment whose last character carries spare bits: two bytes more than a multiple of three."""
    padding = next(size for size in range(3) if len(encoded(members | {"x": "x" * size})) % 3 == 2)
    return segment(members | {"x": "x" * padding})


def resigned(issuer: Issuer, header_segment: str, claims_segment: str) -> str:
    signing_input = f"{header_segment}.{claims_segment}"
    return f"{signing_input}.{base64url(issuer.sign(signing_input.encode()))}"


# --- Size --------------------------------------------------------------------------------------------

with_claims("size-over-16-kib", INVALID, x="x" * 16 * 1024)
with_claims("size-1-mb", INVALID, x="x" * 1_000_000)
with_header("size-header-over-16-kib", INVALID, x="x" * 16 * 1024)
with_text("size-1-mb-of-dots", INVALID, lambda _: "." * 1_000_000)
with_text("size-1-mb-after-the-signature", INVALID, lambda token: token + "A" * 1_000_000)

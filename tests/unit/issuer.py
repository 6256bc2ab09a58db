"""A Clerk instance as tests need it: real RSA keys, real RS256 tokens, and the keys that name it."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from functools import cache, cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

#: The moment at which every test takes place, unless it says otherwise.
NOW = 1_750_000_000

ORIGIN = "https://app.example.com"


@cache
def rsa_key(owner: str, bits: int = 2048) -> RSAPrivateKey:
    """One key pair an owner, made once in a process: making one takes a tenth of a second."""
    return generate_private_key(public_exponent=65537, key_size=bits)


def base64url(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def unsigned_bytes(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def claims_of(**changed: Any) -> dict[str, Any]:
    """A session's claims at `NOW`; a value of `...` leaves the claim out."""
    claims = {
        "azp": ORIGIN,
        "exp": NOW + 60,
        "fva": [1, -1],
        "iat": NOW - 10,
        "iss": "https://clerk.example.com",
        "jti": "jti_1",
        "nbf": NOW - 20,
        "sid": "sess_1",
        "sts": "active",
        "sub": "user_1",
        "v": 2,
    } | changed
    return {name: value for name, value in claims.items() if value is not ...}


class Issuer:
    """Signs tokens, and publishes the key to verify them with."""

    def __init__(self, owner: str, kid: str = "ins_1") -> None:
        self.private = rsa_key(owner)
        self.kid = kid

    @cached_property
    def pem(self) -> str:
        """The public key as `jwt_key` wants it."""
        key = self.private.public_key()
        return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    @cached_property
    def jwk(self) -> dict[str, str]:
        numbers = self.private.public_key().public_numbers()
        n, e = base64url(unsigned_bytes(numbers.n)), base64url(unsigned_bytes(numbers.e))
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": n, "e": e}

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [self.jwk]}

    def header_of(self, **changed: Any) -> dict[str, Any]:
        header = {"alg": "RS256", "cat": "cl_B7d4PD111AAA", "kid": self.kid, "typ": "JWT"} | changed
        return {name: value for name, value in header.items() if value is not ...}

    def sign(self, signing_input: bytes) -> bytes:
        return self.private.sign(signing_input, PKCS1v15(), SHA256())

    def token_of(self, header: bytes, claims: bytes) -> str:
        """A token of these very bytes, which need not be JSON."""
        signing_input = f"{base64url(header)}.{base64url(claims)}"
        return f"{signing_input}.{base64url(self.sign(signing_input.encode()))}"

    def token(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A session token; a header member or claim of `...` is left out."""
        return self.token_of(
            json.dumps(self.header_of(**(header or {}))).encode(), json.dumps(claims_of(**claims)).encode()
        )

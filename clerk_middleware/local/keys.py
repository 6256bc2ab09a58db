"""An instance's keys: the publishable key, the secret key and the RSA key pairs that sign its tokens."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from .seed import InstanceType

__all__ = ["SigningKeys", "cookie_suffix", "new_secret_key", "publishable_key"]


def publishable_key(instance_type: InstanceType, host: str) -> str:
    """``pk_test_`` or ``pk_live_`` and the Frontend API's host, as Clerk writes it."""
    prefix = "pk_test_" if instance_type == "development" else "pk_live_"
    return prefix + base64.b64encode(f"{host}$".encode()).decode()


def cookie_suffix(key: str) -> str:
    """What the cookies of this instance end in, so that those of several instances live side by side."""
    return base64.urlsafe_b64encode(hashlib.sha1(key.encode(), usedforsecurity=False).digest()).decode()[:8]


def new_secret_key(instance_type: InstanceType) -> str:
    """A random secret key of Clerk's form."""
    return ("sk_test_" if instance_type == "development" else "sk_live_") + secrets.token_hex(20)


class _SigningKey:
    def __init__(self) -> None:
        self.kid = f"ins_{secrets.token_hex(12)}"
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def pem(self) -> str:
        return (
            self.private.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )

    @property
    def jwk(self) -> dict[str, str]:
        public = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {
            "use": "sig",
            "kty": "RSA",
            "kid": self.kid,
            "alg": "RS256",
            "n": public["n"],
            "e": public["e"],
        }


class SigningKeys:
    """The key pair that signs, and the one before it, which still verifies what it signed."""

    def __init__(self) -> None:
        self._keys = [_SigningKey()]

    @property
    def pem(self) -> str:
        """The current public key, PEM: what an application sets as its ``jwt_key``."""
        return self._keys[0].pem

    def rotate(self, *, keep_previous: bool = True) -> None:
        """Sign with a new key; without `keep_previous` every earlier token is worthless at once."""
        self._keys = [_SigningKey(), *self._keys[: int(keep_previous)]]

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public keys as a JSON Web Key Set (RFC 7517)."""
        return {"keys": [key.jwk for key in self._keys]}

    def sign(self, claims: dict[str, Any], headers: dict[str, Any] | None = None) -> str:
        """`claims` as a JWT, signed with RS256; `headers` besides ``alg``, ``typ`` and ``kid``."""
        key = self._keys[0]
        return jwt.encode(claims, key.private, algorithm="RS256", headers={**(headers or {}), "kid": key.kid})

    def claims_if_ours(self, token: str) -> dict[str, Any] | None:
        """The claims of a token that one of these keys signed, however old it is; else `None`."""
        for key in self._keys:
            try:
                claims: dict[str, Any] = jwt.decode(
                    token,
                    key.private.public_key(),
                    algorithms=["RS256"],
                    options={
                        "verify_exp": False,
                        "verify_nbf": False,
                        "verify_iat": False,
                        "verify_aud": False,
                    },
                )
            except (jwt.InvalidTokenError, UnicodeError):
                continue
            return claims
        return None

"""`SessionSigner`: a Clerk instance that signs tokens, and is nothing else."""

from __future__ import annotations

import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from threading import Lock
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from clerk_middleware.config import ClerkConfig
from clerk_middleware.publishable_key import PublishableKey

from .grants import granted_claims, text
from .machine_grants import called_machines, custom_claims, granted_scopes, subject_of

__all__ = ["SessionSigner"]

#: The Frontend API's host. Names below .test belong to nobody (RFC 6761, 6.2).
_HOST = "clerk.example.test"
# The header `cat`: what class of token it is.
_SESSION_TOKEN = "cl_B7d4PD111AAA"
_M2M_TOKEN = "cl_B7d4PD333AAA"


class SessionSigner:
    """Signs tokens as Clerk does, with a key pair that this process makes up::

        signer = SessionSigner()
        app = create_app(ClerkConfig.from_env(**signer.keys, authorized_parties=["http://testserver"]))
        token = signer.sign("user_1", permissions=["org:teams:manage"], azp="http://testserver")
        client.get("/teams", headers={"Authorization": f"Bearer {token}"})

    All signers of a process are one Clerk instance. It is a production instance, so that a browser
    without cookies is simply signed out, and it has no Backend API: nothing is ever asked of Clerk. Opaque
    tokens, as API keys are, need one: `MemoryBackend`.

    :param clock: Unix time in seconds.
    """

    publishable_key = f"pk_live_{b64encode(f'{_HOST}$'.encode()).decode()}"

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    @property
    def jwt_key(self) -> str:
        """The public key, PEM."""
        return _public_pem()

    @property
    def keys(self) -> dict[str, Any]:  # Any, for whose options they are: not all are texts
        """The options of a `ClerkConfig` that say which instance it is, where there are no real ones."""
        return {
            "publishable_key": self.publishable_key,
            "jwt_key": self.jwt_key,
            # Of no instance. Without one, browsers could not be refreshed, which is warned of.
            "secret_key": "sk_live_madeup",
            "machine_secret_key": "ak_madeup",
            # Where nobody listens, so that what asks Clerk for something fails at once.
            "api_url": "http://127.0.0.1:9",
        }

    def config(self, base: ClerkConfig | None = None) -> ClerkConfig:
        """*base* with this signer's keys in place of the real ones, and without the real Backend API."""
        return ClerkConfig(**self.keys) if base is None else replace(base, **self.keys)

    def cookies(self, token: str) -> dict[str, str]:
        """The cookies of a browser in which the session of *token* is signed in."""
        suffix = PublishableKey.parse(self.publishable_key).cookie_suffix
        # When the browser signed in: long before the token was issued, however old that is.
        held = {"__session": token, "__client_uat": "1"}
        return held | {f"{name}_{suffix}": value for name, value in held.items()}

    def sign(
        self,
        user_id: str,
        *,
        session_id: str | None = None,
        org_id: str | None = None,
        org_slug: str | None = None,
        org_role: str | None = None,
        permissions: Iterable[str] = (),
        features: Iterable[str] = (),
        plan: str | None = None,
        actor: str | Mapping[str, Any] | None = None,
        fva: tuple[int, int] | None = (0, -1),
        azp: str | None = None,
        claims: Mapping[str, Any] | None = None,
        issued_at: float | None = None,
        lifetime: float = 60,
    ) -> str:
        """A session token, RS256, with claims of version 2.

        Whatever there is only in an organization makes ``org_test`` the active one, unless *org_id* names
        another; the role is ``org:member`` by default.

        :param permissions: ``org:teams:manage``; the organization then has the feature ``teams``.
        :param features: ``export``, of the active organization or, without one, of the user; or with a
            scope, ``org:export``, ``user:export``.
        :param plan: ``pro``, likewise.
        :param actor: who impersonates the user: a user id, or the claim ``act``.
        :param fva: minutes since the first and the second factor were verified, -1 for never.
        :param azp: the origin that the token is for, as in ``authorized_parties``.
        :param claims: further claims, which win over all others.
        :param issued_at: Unix seconds, now by default; with *lifetime* in seconds.
        :raises ConfigurationError: if Clerk would never put that into a token.
        """
        granted = granted_claims(
            org_id=org_id,
            org_slug=org_slug,
            org_role=org_role,
            permissions=permissions,
            features=features,
            plan=plan,
        )
        subject = text("user_id", user_id, "user_test")
        payload: dict[str, Any] = {
            **self._registered(subject, "", issued_at, lifetime),
            "sid": session_id or f"sess_{subject.removeprefix('user_')}",
            "sts": "active",
            **granted,
        }
        if fva is not None:
            payload["fva"] = list(fva)
        if azp is not None:
            payload["azp"] = azp
        if actor is not None:
            payload["act"] = {"sub": actor} if isinstance(actor, str) else dict(actor)
        payload.update(claims or {})
        return _encoded(payload, {"cat": _SESSION_TOKEN})

    def m2m_token(
        self,
        machine_id: str,
        *,
        scopes: Iterable[str] = (),
        claims: Mapping[str, Any] | None = None,
        issued_at: float | None = None,
        lifetime: float = 60 * 60,
    ) -> str:
        """A machine's token, a JWT; `MemoryBackend.add_m2m_token` makes an opaque one.

        :param machine_id: ``mch_…``.
        :param scopes: the machines that it is for, ``mch_…``; that of `ClerkConfig.machine_id` is one.
        :param claims: custom claims.
        :param issued_at: Unix seconds, now by default; with *lifetime* in seconds.
        :raises ConfigurationError: if Clerk would never issue that.
        """
        granted = called_machines(scopes)
        subject = subject_of("m2m_token", machine_id, source="machine_id")
        payload: dict[str, Any] = self._registered(subject, "mt_", issued_at, lifetime)
        if granted:
            payload |= {"aud": granted, "scopes": " ".join(granted)}
        payload |= custom_claims(claims, is_m2m=True) or {}
        return _encoded(payload, {"cat": _M2M_TOKEN})

    def oauth_token(
        self,
        user_id: str,
        *,
        scopes: Iterable[str] = (),
        client_id: str = "client_test",
        claims: Mapping[str, Any] | None = None,
        issued_at: float | None = None,
        lifetime: float = 24 * 60 * 60,
    ) -> str:
        """An OAuth access token, a JWT; `MemoryBackend.add_oauth_token` makes an opaque one.

        :param user_id: who let the application *client_id* act for them, ``user_…``.
        :param scopes: ``profile``, or one of your own.
        :param claims: further claims, which win over all others: ``{"aud": "https://example.com/mcp"}``.
        :param issued_at: Unix seconds, now by default; with *lifetime* in seconds.
        :raises ConfigurationError: if Clerk would never issue that.
        """
        granted = granted_scopes(scopes)
        subject = subject_of("oauth_token", user_id, source="user_id")
        payload: dict[str, Any] = {
            **self._registered(subject, "oat_", issued_at, lifetime),
            "client_id": text("client_id", client_id, "client_test"),
            "scope": " ".join(granted),
        }
        payload |= custom_claims(claims) or {}
        return _encoded(payload, {"typ": "at+jwt"})

    def _registered(
        self, subject: str, prefix: str, issued_at: float | None, lifetime: float
    ) -> dict[str, Any]:
        """The claims of every token; its id begins with *prefix*."""
        now = int(self._clock() if issued_at is None else issued_at)
        return {
            "iss": f"https://{_HOST}",
            "sub": subject,
            "iat": now,
            "nbf": now - 10,
            "exp": int(now + lifetime),
            "jti": f"{prefix}{secrets.token_hex(10)}",
        }


def _encoded(payload: Mapping[str, Any], header: Mapping[str, str]) -> str:
    return jwt.encode(dict(payload), _private_key(), algorithm="RS256", headers={"kid": "ins_test", **header})


_making = Lock()


def _private_key() -> RSAPrivateKey:
    with _making:  # two threads would make two, and verify by one
        return _made_key()


@cache
def _made_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@cache
def _public_pem() -> str:
    key = _private_key().public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

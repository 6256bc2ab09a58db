"""The tokens that an instance signs: session tokens, JWTs of a template, handshake tokens."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from typing import Any

from .claims import custom_claims, subject_claims
from .instance import Instance
from .records import Session
from .seed import JWTTemplate

__all__ = ["TokenIssuer"]

# What Clerk writes into the `cat` header to tell apart classes of token that one key signs.
_SESSION_TOKEN = "cl_B7d4PD111AAA"
_TEMPLATE_TOKEN = "cl_B7d4PD222AAA"


class TokenIssuer:
    """Signs what an instance says."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def session_token(
        self,
        session: Session,
        *,
        authorized_party: str | None = None,
        issued_at: float | None = None,
        lifetime: float | None = None,
        claims: Mapping[str, Any] | None = None,
        omit: Collection[str] = (),
    ) -> str:
        """A session token of the seed's version.

        `authorized_party` is the origin in its ``azp``; `lifetime` is in seconds; `claims` are added
        last and so win over every other; the claims in `omit` are left out.
        """
        instance = self._instance
        now = int(instance.clock() if issued_at is None else issued_at)
        subject = instance.subject_of(session)
        payload: dict[str, Any] = {
            **custom_claims(instance.seed.session_claims, subject),
            **self._registered(session, authorized_party, now, not_before=now - 10),
            "exp": int(now + (instance.session_token_lifetime if lifetime is None else lifetime)),
            "sid": session.id,
            "fva": session.factor_verification_age(now),
            "sts": "pending" if session.tasks else "active",
            **({"act": dict(session.actor)} if session.actor else {}),
            **subject_claims(subject, version=instance.seed.token_version),
            **(claims or {}),
        }
        kept = {name: value for name, value in payload.items() if name not in omit}
        return instance.keys.sign(kept, {"cat": _SESSION_TOKEN, "oiat": now})

    def template_token(self, session: Session, template: JWTTemplate) -> str:
        """A JWT of a template, which names the user but, like Clerk's, not the session."""
        instance = self._instance
        now = int(instance.clock())
        payload = {
            **custom_claims(template.claims, instance.subject_of(session)),
            **self._registered(
                session, session.authorized_party, now, not_before=now - template.allowed_clock_skew
            ),
            "exp": now + template.lifetime,
        }
        return instance.keys.sign(payload, {"cat": _TEMPLATE_TOKEN})

    def handshake_token(self, directives: list[str]) -> str:
        """The result of a handshake as a token, for clients that exchange no nonce."""
        return self._instance.keys.sign({"handshake": directives})

    def _registered(
        self, session: Session, authorized_party: str | None, now: int, *, not_before: int
    ) -> dict[str, Any]:
        registered = {
            "iss": f"https://{self._instance.seed.host}",
            "sub": session.user_id,
            "iat": now,
            "nbf": not_before,
            "jti": secrets.token_hex(10),
        }
        return registered | ({"azp": authorized_party} if authorized_party else {})

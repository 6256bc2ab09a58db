"""What users granted to applications: authorization codes, and the tokens that follow.

Codes and refresh tokens are used once. What is used a second time was stolen, or its thief was first:
all that came of the grant is revoked then (RFC 6749, section 4.1.2; RFC 9700, section 4.14).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from ..bounded import BoundedStore
from ..credentials import Credential
from ..issued_tokens import digest
from .applications import OAuthApplication

__all__ = ["Grant", "GrantRefused", "Grants", "OAuthAccessToken", "RefreshToken"]

#: Seconds.
_CODE_LIFETIME = 600.0


class GrantRefused(Exception):
    """A code or a refresh token that gives nothing; the message says why."""


@dataclass(kw_only=True, slots=True)
class Grant:
    """That a user let an application have some scopes."""

    application: OAuthApplication
    user_id: str
    scopes: tuple[str, ...]
    #: The resource servers that its tokens are for (RFC 8707); none are all.
    resources: tuple[str, ...] = ()
    #: For the ID token: what the client sent along, and when the user signed in.
    nonce: str | None = None
    signed_in_at: float
    revoked: bool = False

    @property
    def is_revoked(self) -> bool:
        """Whether nothing that came of it is worth anything any more."""
        return self.revoked or self.application.is_deleted


@dataclass(kw_only=True, slots=True)
class OAuthAccessToken(Credential):
    """A token with which an application acts for a user, opaque or a JWT."""

    client_id: str
    #: The application's name.
    name: str
    #: What the user granted; a token that was made by code stands for itself.
    grant: Grant | None = field(default=None, repr=False)

    @property
    def is_revoked(self) -> bool:
        """Whether it was revoked, or all that the user granted, or the application."""
        return self.revoked or (self.grant is not None and self.grant.is_revoked)


@dataclass(kw_only=True, slots=True)
class _Code:
    grant: Grant
    redirect_uri: str
    code_challenge: str | None
    expires_at: float
    is_used: bool = False


@dataclass(kw_only=True, slots=True)
class RefreshToken:
    """What is known of a refresh token."""

    grant: Grant = field(repr=False)
    is_used: bool = False


class Grants:
    """The codes and refresh tokens that are out, by digest."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._codes: BoundedStore[_Code] = BoundedStore(1000)
        self._refresh_tokens: BoundedStore[RefreshToken] = BoundedStore(
            10_000, goes_first=lambda token: token.is_used or token.grant.is_revoked
        )

    def new_code(self, grant: Grant, *, redirect_uri: str, code_challenge: str | None) -> str:
        """An authorization code, for ten minutes."""
        code = secrets.token_urlsafe(32)
        kept = _Code(
            grant=grant,
            redirect_uri=redirect_uri,
            code_challenge=code_challenge,
            expires_at=self._clock() + _CODE_LIFETIME,
        )
        self._codes.put(digest(code), kept)
        grant.application.is_used = True
        return code

    def redeem(
        self, code: str, application: OAuthApplication, *, redirect_uri: str, code_verifier: str | None
    ) -> Grant:
        """What the user granted to `application` by `code`. Raises `GrantRefused`."""
        kept = self._codes.get(digest(code))
        if kept is None or kept.grant.application is not application:
            raise GrantRefused("There is no such authorization code of this client.")
        if kept.is_used:
            kept.grant.revoked = True
            raise GrantRefused("The authorization code was used before: its tokens are revoked.")
        if kept.grant.is_revoked:
            raise GrantRefused("What the authorization code stands for was revoked.")
        if kept.expires_at <= self._clock():
            raise GrantRefused("The authorization code has expired: begin again.")
        if redirect_uri != kept.redirect_uri:
            raise GrantRefused("redirect_uri is not the one that the authorization request had.")
        if not _proves(code_verifier, kept.code_challenge):
            raise GrantRefused("code_verifier does not fit the code_challenge of the authorization request.")
        kept.is_used = True
        return kept.grant

    def new_refresh_token(self, grant: Grant) -> str:
        """A refresh token, which does not expire."""
        token = f"ort_{secrets.token_urlsafe(32)}"
        self._refresh_tokens.put(digest(token), RefreshToken(grant=grant))
        return token

    def refreshed(self, token: str, application: OAuthApplication) -> RefreshToken:
        """What `token` stands for, until it is rotated. Raises `GrantRefused`."""
        kept = self._refresh_tokens.get(digest(token))
        if kept is None or kept.grant.application is not application:
            raise GrantRefused("There is no such refresh token of this client.")
        if kept.is_used:
            kept.grant.revoked = True
        if kept.grant.is_revoked:
            raise GrantRefused(
                "The refresh token was revoked, or used before: the user has to sign in again."
            )
        return kept

    def rotate(self, token: RefreshToken) -> str:
        """A new refresh token in place of `token`, whose second use will revoke the grant."""
        token.is_used = True
        return self.new_refresh_token(token.grant)

    def revoke_those_of(self, user_id: str) -> None:
        """Revoke all that a user granted."""
        codes, refresh_tokens = self._codes.values(), self._refresh_tokens.values()
        for grant in (*(code.grant for code in codes), *(token.grant for token in refresh_tokens)):
            if grant.user_id == user_id:
                grant.revoked = True

    def grant_of(self, refresh_token: str) -> Grant | None:
        """The grant that a refresh token is of."""
        kept = self._refresh_tokens.get(digest(refresh_token))
        return kept.grant if kept else None


def _proves(verifier: str | None, challenge: str | None) -> bool:
    """Whether `verifier` is what `challenge` was made from (RFC 7636), or neither was ever sent."""
    if verifier is None or challenge is None:
        return verifier is challenge
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(made, challenge.encode())

"""The tokens of one request as they were presented, each decoded once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import reasons
from ..errors import TokenVerificationError
from ..tokens.classes import is_session_jwt
from ..tokens.jwt import decode

if TYPE_CHECKING:
    from ..tokens.verified import VerifiedToken, VerifiedTokens


class Presented:
    """A token that decodes, with what is known of it from an earlier request."""

    __slots__ = ("jwt", "known", "text")

    def __init__(self, text: str, known: VerifiedToken | None) -> None:
        """:raises TokenVerificationError: ``token-invalid``, if it does not decode."""
        self.text = text
        self.known = known
        self.jwt = known.jwt if known is not None else decode(text)

    def require_session_class(self) -> None:
        """Refuse the tokens of machines and templates: they are signed by the same key.

        :raises TokenVerificationError: ``token-type-mismatch``.
        """
        known = self.known
        if not (known.is_session_class if known is not None else is_session_jwt(self.jwt)):
            raise TokenVerificationError(
                reasons.TOKEN_TYPE_MISMATCH, "the token is a machine's or a JWT template's, no session's"
            )


class PresentedTokens:
    """Those of one request."""

    __slots__ = ("_presented", "_verified")

    def __init__(self, verified: VerifiedTokens) -> None:
        self._verified = verified
        self._presented: dict[str, Presented] = {}

    def present(self, token: str) -> Presented:
        """Decode *token*, once however often it is presented.

        :raises TokenVerificationError: ``token-invalid``, if it does not decode.
        """
        known = self._presented.get(token)
        if known is None:
            known = self._presented[token] = Presented(token, self._verified.get(token))
        return known

    def unverified_claims(self, token: str | None) -> dict[str, Any]:
        """What *token* claims, to compare cookies by; nothing where it does not decode."""
        try:
            return self.present(token).jwt.claims if token else {}
        except TokenVerificationError:
            return {}

"""A token as it was presented, decoded once in a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import reasons
from ..errors import TokenVerificationError
from ..tokens.classes import is_session_jwt
from ..tokens.jwt import decode

if TYPE_CHECKING:
    from ..tokens.verified import VerifiedToken


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

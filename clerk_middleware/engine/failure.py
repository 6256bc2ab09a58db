"""What becomes of a request whose session token does not verify: refresh, handshake or signed out.

https://clerk.com/docs/guides/how-clerk-works/overview
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import reasons
from .handshake import handshake
from .refresh import refresh
from .session import signed_out

if TYPE_CHECKING:
    from ..backend.calls import Flow
    from ..errors import TokenVerificationError
    from ..state import RequestState
    from .context import Context

_EARLY = {
    reasons.TOKEN_NOT_ACTIVE_YET: reasons.SESSION_TOKEN_NBF,
    reasons.TOKEN_IAT_IN_THE_FUTURE: reasons.SESSION_TOKEN_IAT_IN_THE_FUTURE,
}


def session_failure(context: Context, token: str, error: TokenVerificationError) -> Flow[RequestState]:
    """Go on after *token* was refused with *error*."""
    if error.reason == reasons.TOKEN_EXPIRED:
        if context.config.parsed_publishable_key is None:
            return signed_out(error.reason, error.message)
        refreshed = yield from refresh(context, token)
        if not isinstance(refreshed, str):
            return refreshed
        reason = reasons.SESSION_TOKEN_EXPIRED_REFRESH + refreshed
    elif error.reason in _EARLY and context.config.parsed_publishable_key is not None:
        reason = _EARLY[error.reason]
    else:
        return signed_out(error.reason, error.message)
    return handshake(context, reason, error.message, session_token=token)

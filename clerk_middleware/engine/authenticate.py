"""Which flow a request takes.

`authenticate_request` is a generator without I/O: it yields the Backend API calls that a decision
needs, is sent their answers, and returns a `RequestState`. A request whose key is known returns
at the first step. `clerk_middleware.backend.drivers` runs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .. import reasons
from ..errors import ClerkError, TokenVerificationError
from ..logging import logger
from ..state import RequestState
from ..tokens.classes import MachineTokenType, TokenType, a_token, is_accepted, opaque_token_type
from ..validation import keys_suffice, token_types
from .browser_flow import authenticate_browser
from .failure import session_failure
from .machine import RETRY_AFTER, authenticate_machine_jwt, machine_signed_out, machine_type_of
from .opaque import authenticate_opaque
from .session import signed_in, signed_out, verify

if TYPE_CHECKING:
    from ..backend.calls import Flow
    from ..state import Carrier
    from ..tokens.classes import AcceptsToken
    from .context import Context


_NOT_ACCEPTED: Final = "{} is not accepted by this application: see accepts_token"


def authenticate_request(context: Context, accepts_token: AcceptsToken | None = None) -> Flow[RequestState]:
    """Decide who a request is.

    :param accepts_token: for this request, in place of the configuration's.
    """
    try:
        return (yield from _flow_of(context, accepts_token))
    except ClerkError:
        raise
    except Exception:
        logger.exception("Clerk: authenticating failed unexpectedly; the request is signed out")
        return _failed(context)


def _failed(context: Context) -> RequestState:
    """An error of ours. A token that only Clerk could have refused may be a good one."""
    token_type = opaque_token_type(bearer_token(context.request.authorization) or "")
    if token_type is None or not is_accepted(token_type, context.accepts):
        return signed_out(reasons.UNEXPECTED_ERROR)
    return machine_signed_out(token_type, reasons.UNEXPECTED_ERROR, "", retry_after=RETRY_AFTER)


def _flow_of(context: Context, accepts_token: AcceptsToken | None) -> Flow[RequestState]:
    config = context.config
    accepts = config.accepts_token
    if accepts_token is not None:
        accepts = context.accepts = token_types(accepts_token)
        keys_suffice(config, accepts)
    token = bearer_token(context.request.authorization)
    if accepts == "session_token":
        return _session(context, token, "header") if token is not None else _from_cookies(context)
    presented = _type_of(context, token)
    if not isinstance(accepts, str):
        if presented not in accepts:
            return _refused(None, presented)
    elif accepts != "any":
        if token is None:
            return _refused(accepts, presented, reasons.NO_TOKEN_IN_HEADER)
        if presented != accepts:
            return _refused(accepts, presented)
    if token is None:
        return _from_cookies(context)
    if presented == "session_token":
        return _session(context, token, "header")
    return _machine(context, token, presented)


def bearer_token(header: str | None) -> str | None:
    """The token in an ``Authorization`` header (RFC 6750, 2.1); a bare one may lack the scheme."""
    if header is None:
        return None
    if header.startswith("Bearer ") and " " not in (token := header[7:]):
        return token or None
    parts = [part for part in header.split(" ") if part]
    if len(parts) >= 2:
        return parts[1] if parts[0].lower() == "bearer" else None
    return parts[0] if parts else None


def _type_of(context: Context, token: str | None) -> TokenType:
    """The type that was presented; no token, or a garbled one, counts as a session's."""
    if token is None:
        return "session_token"
    return machine_type_of(context, token) or "session_token"


def _refused(
    token_type: TokenType | None, presented: TokenType, reason: str = reasons.TOKEN_TYPE_MISMATCH
) -> Flow[RequestState]:
    yield from ()
    message = _NOT_ACCEPTED.format(a_token(presented)) if reason == reasons.TOKEN_TYPE_MISMATCH else ""
    return RequestState("signed-out", token_type=token_type, reason=reason, message=message)


def _machine(context: Context, token: str, token_type: MachineTokenType) -> Flow[RequestState]:
    if opaque_token_type(token) is not None:
        return (yield from authenticate_opaque(context, token, token_type))
    return (yield from authenticate_machine_jwt(context, token, token_type))


def _session(context: Context, token: str, carrier: Carrier) -> Flow[RequestState]:
    try:
        presented = context.tokens.present(token)
        presented.require_session_class()
        verified = yield from verify(context, presented)
    except TokenVerificationError as error:
        opaque = opaque_token_type(token)
        if opaque is not None:
            error = TokenVerificationError(error.reason, _NOT_ACCEPTED.format(a_token(opaque)))
        return (yield from session_failure(context, token, error))
    return signed_in(token, verified, carrier)


def _from_cookies(context: Context) -> Flow[RequestState]:
    if context.config.parsed_publishable_key is not None:
        return (yield from authenticate_browser(context))
    # Without a publishable key there is no browser flow, but a cookie is still a token.
    token = context.request.cookies.get("__session")
    if not token:
        return signed_out(reasons.SESSION_TOKEN_AND_UAT_MISSING)
    return (yield from _session(context, token, "cookie"))

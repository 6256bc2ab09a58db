"""Which flow a request takes.

`authenticate_request` is a generator without I/O: it yields the Backend API calls that a decision
needs, is sent their answers, and returns a `RequestState`. A request whose key is known returns
at the first step. `clerk_middleware.backend.drivers` runs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import reasons
from ..errors import TokenVerificationError
from ..state import RequestState
from ..tokens.classes import MachineTokenType, TokenType, opaque_token_type
from ..validation import keys_suffice, sign_in_on_satellite, token_types
from .browser_flow import authenticate_browser
from .failure import session_failure
from .machine import authenticate_machine_jwt, machine_type_of, refuse_opaque
from .session import Presented, signed_in, signed_out, verify

if TYPE_CHECKING:
    from ..backend.calls import Flow
    from ..config import ClerkConfig
    from ..state import Carrier
    from ..tokens.classes import AcceptsToken
    from .context import Context


def authenticate_request(context: Context, accepts_token: AcceptsToken | None = None) -> Flow[RequestState]:
    """Decide who a request is.

    :param accepts_token: for this request, in place of the configuration's.
    """
    accepts = context.config.accepts_token
    if accepts_token is not None:
        accepts = token_types(accepts_token)
        keys_suffice(context.config, accepts)
    _check_satellite(context.config)
    token = bearer_token(context.request.header("authorization"))
    if accepts == "session_token":
        if token is None:
            return (yield from _from_cookies(context))
        return (yield from _session(context, token, "header"))
    presented = _type_of(token)
    if not isinstance(accepts, str):
        if presented not in accepts:
            return _mismatch(None)
    elif accepts != "any":
        if token is None:
            return RequestState("signed-out", token_type=accepts, reason=reasons.NO_TOKEN_IN_HEADER)
        if presented != accepts:
            return _mismatch(accepts)
    if token is None:
        return (yield from _from_cookies(context))
    if presented == "session_token":
        return (yield from _session(context, token, "header"))
    return (yield from _machine(context, token, presented))


def _check_satellite(config: ClerkConfig) -> None:
    """In development a satellite signs in at another origin, to which a path does not lead."""
    if config.is_satellite and config.is_development and (config.sign_in_url or "").startswith("/"):
        raise sign_in_on_satellite(config.sign_in_url or "")


def bearer_token(header: str | None) -> str | None:
    """The token in an ``Authorization`` header (RFC 6750, 2.1); a bare one may lack the scheme."""
    if header is None:
        return None
    parts = [part for part in header.split(" ") if part]
    if len(parts) >= 2:
        return parts[1] if parts[0].lower() == "bearer" else None
    return parts[0] if parts else None


def _type_of(token: str | None) -> TokenType:
    """The type that was presented; no token, or a garbled one, counts as a session's."""
    if token is None:
        return "session_token"
    return machine_type_of(token) or "session_token"


def _mismatch(token_type: TokenType | None) -> RequestState:
    return RequestState(
        "signed-out",
        token_type=token_type,
        reason=reasons.TOKEN_TYPE_MISMATCH,
        message="a token of this type is not accepted here: see accepts_token",
    )


def _machine(context: Context, token: str, token_type: MachineTokenType) -> Flow[RequestState]:
    if opaque_token_type(token) is not None:
        return refuse_opaque(token_type)
    return (yield from authenticate_machine_jwt(context, token, token_type))


def _session(context: Context, token: str, carrier: Carrier) -> Flow[RequestState]:
    try:
        presented = Presented(context, token)
        presented.require_session_class()
        verified = yield from verify(context, presented)
    except TokenVerificationError as error:
        return (yield from session_failure(context, token, error))
    return signed_in(token, verified, carrier)


def _from_cookies(context: Context) -> Flow[RequestState]:
    if context.config.parsed_publishable_key is not None:
        return (yield from authenticate_browser(context))
    # Without a publishable key there is no browser flow, but a cookie is still a token.
    token = context.request.cookie("__session")
    if token is None:
        return signed_out(reasons.SESSION_TOKEN_AND_UAT_MISSING)
    return (yield from _session(context, token, "cookie"))

"""The cookie flow: a browser's request without a token in its header."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import reasons
from ..errors import TokenVerificationError
from .failure import session_failure
from .handshake import handshake, resolve_handshake
from .organizations import organization_to_activate
from .satellite import answer_satellite, sync_after_cross_origin, sync_satellite
from .session import signed_in, signed_out, verify

if TYPE_CHECKING:
    from ..backend.calls import Flow
    from ..claims import SessionClaims
    from ..state import RequestState
    from .context import Context
    from .presented import Presented


def authenticate_browser(context: Context) -> Flow[RequestState]:
    """Decide by the cookies; the first step that knows an answer gives it."""
    browser = context.browser
    if browser.handshake_nonce or browser.handshake_token:
        state = yield from resolve_handshake(context)
        if state is not None:
            return state
    state = sync_satellite(context) or answer_satellite(context)
    if state is not None:
        return state
    if browser.is_development:
        if context.request.query_param("__clerk_db_jwt") is not None:
            return handshake(context, reasons.DEV_BROWSER_SYNC)
        if not browser.dev_browser_token:
            return handshake(context, reasons.DEV_BROWSER_MISSING)
    token, client_uat = browser.cookies.session_token, browser.cookies.client_uat
    if token is None:
        if not client_uat:
            return signed_out(reasons.SESSION_TOKEN_AND_UAT_MISSING)
        return handshake(context, reasons.CLIENT_UAT_BUT_NO_SESSION_TOKEN)
    if not client_uat:
        return handshake(context, reasons.SESSION_TOKEN_BUT_NO_CLIENT_UAT)
    try:
        presented = context.tokens.present(token)
        presented.require_session_class()
        if _issued_before(presented, client_uat):
            return handshake(context, reasons.SESSION_TOKEN_IAT_BEFORE_CLIENT_UAT)
        verified = yield from verify(context, presented)
    except TokenVerificationError as error:
        return (yield from session_failure(context, token, error))
    return (
        sync_after_cross_origin(context)
        or _activate_organization(context, verified.session)
        or signed_in(token, verified, "cookie")
    )


def _issued_before(token: Presented, client_uat: int) -> bool:
    issued = token.jwt.claims.get("iat")
    return isinstance(issued, (int, float)) and issued < client_uat


def _activate_organization(context: Context, session: SessionClaims) -> RequestState | None:
    if not context.config.routes_name_organizations or session.session_status == "pending":
        return None
    target = organization_to_activate(context.config, context.browser.url)
    if target is None or target.is_active_in(session):
        return None
    if context.browser.redirect_count >= 3:
        context.memory.warnings.log(
            "organization",
            "Clerk: the organization that this path belongs to could not be activated: it does not exist, or "
            "the user is no member. The request goes on with the active one.",
        )
        return None
    state = handshake(context, reasons.ACTIVE_ORGANIZATION_MISMATCH)
    return state if state.status == "handshake" else None

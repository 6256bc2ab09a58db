"""The handshake: a redirect through Clerk's Frontend API that brings a browser's session up to date.

https://clerk.com/docs/guides/how-clerk-works/overview#the-handshake
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from .. import reasons
from ..backend.calls import API_VERSION, exchange_nonce
from ..errors import HandshakeError, TokenVerificationError
from ..logging import logger
from ..state import RequestState
from ..tokens.jwt import check_type
from .directives import session_token_of, set_cookie_headers
from .organizations import organization_to_activate
from .session import find_key, signed_in, signed_out, verify

if TYPE_CHECKING:
    from ..backend.calls import Flow
    from ..tokens.verified import VerifiedToken
    from .context import Context
    from .presented import Presented

_MAX_REDIRECTS = 3
_MAX_QUERY = 8192  # a longer one, escaped once more, is no Location that a server or browser takes
_NONCE = re.compile(r"[A-Za-z0-9._~-]{1,512}")
_ONE_DAY = 86_400.0
_CLOCK_REASONS = frozenset(
    {reasons.TOKEN_EXPIRED, reasons.TOKEN_NOT_ACTIVE_YET, reasons.TOKEN_IAT_IN_THE_FUTURE}
)
_DEV_BROWSER_PARAMS = ("__clerk_db_jwt", "__dev_session")
_HANDSHAKE_PARAMS = ("__clerk_handshake", "__clerk_handshake_nonce", "__clerk_help", "__clerk_db_jwt")


def handshake(
    context: Context,
    reason: str,
    message: str = "",
    *,
    location: str | None = None,
    session_token: str | None = None,
) -> RequestState:
    """Redirect to a handshake, or signed out with the same reason where that is not possible.

    :param location: where to, in place of the Frontend API.
    :param session_token: the token that was refused, for the Frontend API to know the session.
    """
    browser = context.browser
    if not browser.accepts_redirect or len(browser.url.query) > _MAX_QUERY:
        return signed_out(reason, message)
    if browser.redirect_count >= _MAX_REDIRECTS:
        context.memory.warnings.log(
            "handshake loop",
            "Clerk: the handshake of this browser goes in circles (%s), so it was broken off and the request "
            "is signed out. Check that secret_key and publishable_key are of the same instance, that the "
            "browser accepts cookies, and that this machine's clock is right.",
            reason,
        )
        return signed_out(reason, message)
    counter = f"__clerk_redirect_count={browser.redirect_count + 1}; SameSite=Lax; HttpOnly; Max-Age=2"
    headers = [
        ("location", location or _frontend_api_url(context, reason, session_token)),
        ("cache-control", "no-store"),
        ("set-cookie", counter),
    ]
    return RequestState(
        "handshake", token_type="session_token", reason=reason, message=message, headers=headers
    )


def _frontend_api_url(context: Context, reason: str, session_token: str | None) -> str:
    browser = context.browser
    params = [
        ("redirect_url", str(browser.url.without_params(_DEV_BROWSER_PARAMS))),
        ("__clerk_api_version", API_VERSION),
        ("suffixed_cookies", "true" if browser.cookies.use_suffixed else "false"),
        ("__clerk_hs_reason", reason),
        ("format", "nonce"),
    ]
    if token := browser.cookies.session_token or session_token:
        params.append(("__session", token))
    if browser.is_development and browser.dev_browser_token:
        params.append(("__clerk_db_jwt", browser.dev_browser_token))
    if (target := organization_to_activate(context.config, browser.url)) is not None:
        params.append(("organization_id", target.id_or_slug))
    return f"{browser.frontend_api}/v1/client/handshake?{urlencode(params)}"


def resolve_handshake(context: Context) -> Flow[RequestState | None]:
    """Sign in by a handshake's result; `None` where it is unusable and the flow goes on without.

    :raises HandshakeError: in development, where a handshake token does not verify. In production it
        is a cookie, which another application on the same domain may have set.
    """
    browser = context.browser
    # In development the result is in the URL, out of which a redirect takes it. A cookie is some other
    # instance's, that runs at another port of this host: it stays, so that the redirect would never end.
    is_stray = browser.is_development and not browser.has_handshake_in_url
    if is_stray and not browser.handshake_nonce:
        return None
    if browser.handshake_nonce:
        directives = None  # what is no nonce, or is none any more, stands for nothing
        if _NONCE.fullmatch(browser.handshake_nonce):
            answer = yield exchange_nonce(context.config, browser.handshake_nonce)
            directives = answer.field("directives")
            if answer.status is None or answer.status in (401, 403) or answer.status >= 500:
                context.memory.warnings.log(
                    "handshake-not-exchanged",
                    "Clerk: a handshake could not be completed, so that the browser stays signed out: the "
                    "Backend API, %s, %s. Check secret_key and api_url.",
                    context.config.api_url,
                    f"answered {answer.status}" if answer.status else f"did not answer ({answer.problem})",
                )
    else:
        try:
            directives = yield from _directives_of_token(context, browser.handshake_token or "")
        except TokenVerificationError as error:
            if browser.is_development:
                raise HandshakeError(error.reason, _explain(error)) from None
            logger.debug("Clerk: a handshake cookie does not verify and is ignored (%s)", error.reason)
            return None
    headers = [
        ("access-control-allow-origin", "null"),
        ("access-control-allow-credentials", "true"),
        *set_cookie_headers(directives),
    ]
    if browser.is_development:
        headers.append(("location", str(browser.url.without_params(_HANDSHAKE_PARAMS))))
        headers.append(("cache-control", "no-store"))
    token = session_token_of([header for header in headers if header[0] == "set-cookie"])
    if not token:
        return None if is_stray else signed_out(reasons.SESSION_TOKEN_MISSING, headers=headers)
    try:
        presented = context.tokens.present(token)
        presented.require_session_class()
        verified = yield from _verify_leniently(context, presented)
    except TokenVerificationError as error:
        message = "Clerk: a handshake's session token is refused (%s): %s."
        if error.reason == reasons.TOKEN_INVALID_AUTHORIZED_PARTIES:
            # Clerk has just signed this browser in. With an azp that is not configured, it tries for ever.
            context.memory.warnings.log(error.reason, message, error.reason, error.message)
        else:
            logger.debug(message, error.reason, error.message)
        return None
    return signed_in(token, verified, "cookie", headers)


def _directives_of_token(context: Context, token: str) -> Flow[object]:
    presented = context.tokens.present(token)
    key = yield from find_key(context, presented.jwt)
    check_type(presented.jwt)
    presented.require_session_class()
    presented.jwt.verify_signature(key)
    return presented.jwt.claims.get("handshake")


def _verify_leniently(context: Context, token: Presented) -> Flow[VerifiedToken]:
    """Verify; in development once more with a day of skew, since a laptop's clock may be off."""
    try:
        return (yield from verify(context, token))
    except TokenVerificationError as error:
        if not context.browser.is_development or error.reason not in _CLOCK_REASONS:
            raise
        verified = yield from verify(context, token, skew=_ONE_DAY)
        context.memory.warnings.log(
            "clock",
            "Clerk: this machine's clock seems to be wrong: %s. The token is accepted because this is a "
            "development instance; in production it would be refused. Set the clock right.",
            error.message,
        )
        return verified


def _explain(error: TokenVerificationError) -> str:
    if error.reason == reasons.TOKEN_INVALID_SIGNATURE:
        return (
            "the handshake token was signed by another instance's key: check that secret_key (or jwt_key) "
            "and publishable_key are of the same instance"
        )
    return f"the handshake token was refused ({error.reason}): {error.message}"

"""Refreshing an expired session token by the Backend API, without a redirect."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .. import reasons
from ..backend.calls import refresh_session
from ..errors import TokenVerificationError
from .directives import session_token_of, set_cookie_headers
from .session import signed_in, verify

if TYPE_CHECKING:
    from ..backend.calls import BackendAnswer, Flow
    from ..state import RequestState
    from .context import Context

#: What Clerk shows of a session's device; never what another application's credentials are in.
_FORWARDED_HEADERS = (
    "accept-language",
    "origin",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "user-agent",
)
#: The client's address, as its own proxy tells it: anybody else can send these, too.
_PROXY_HEADERS = ("cf-connecting-ip", "x-forwarded-for", "x-real-ip")
# Of a token that is not verified yet, and about to become part of a URL.
_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
_ERROR_CODE = re.compile(r"[a-z0-9_-]{1,100}")


def refresh(context: Context, token: str) -> Flow[RequestState | str]:
    """Return the signed-in state, or why there is none: the tail of the reason.

    :param token: the expired token; a session cookie, where there is one, goes first.
    """
    request, cookies = context.request, context.browser.cookies
    if request.method != "GET":
        return reasons.REFRESH_NON_GET
    refresh_token = cookies.refresh_token
    if refresh_token is None:
        return reasons.REFRESH_NO_COOKIE
    try:
        expired = context.tokens.present(cookies.session_token or token)
    except TokenVerificationError:
        return reasons.REFRESH_UNDECODABLE
    session_id = expired.jwt.claims.get("sid")
    if not isinstance(session_id, str) or not _SESSION_ID.fullmatch(session_id):
        return reasons.REFRESH_NO_SESSION_ID
    answer = yield refresh_session(
        context.config,
        session_id,
        {
            "format": "cookie",
            "expired_token": expired.text,
            "refresh_token": refresh_token,
            "request_origin": context.browser.url.origin,
            "request_headers": _forwarded_headers(context),
        },
        suffixed_cookies=cookies.use_suffixed,
    )
    if not answer.is_success:
        return _failure(answer)
    directives = answer.field("cookies")
    headers = set_cookie_headers(directives)
    if not headers:
        return reasons.REFRESH_NO_COOKIES_ANSWERED
    try:
        fresh = context.tokens.present(session_token_of(headers))
        fresh.require_session_class()
        verified = yield from verify(context, fresh)
    except TokenVerificationError:
        return reasons.REFRESH_INVALID_TOKEN
    return signed_in(fresh.text, verified, "cookie", headers)


def _failure(answer: BackendAnswer) -> str:
    code = answer.error_code
    if code == "unexpected_error" or answer.status is None:
        return reasons.REFRESH_FETCH_ERROR
    if code is None or not _ERROR_CODE.fullmatch(code):
        return reasons.REFRESH_BACKEND_ERROR
    return code


def _forwarded_headers(context: Context) -> dict[str, Any]:
    names = _FORWARDED_HEADERS + (_PROXY_HEADERS if context.config.trust_forwarded_headers else ())
    return {name: [value] for name in names if (value := context.request.header(name)) is not None}

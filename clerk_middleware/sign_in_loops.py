"""Keeps a browser from going back and forth between a page and the one to sign in.

Clerk's form sends whoever is signed in at Clerk back at once. Where their token is refused here, since this
machine's clock is wrong for example, the page sends them to sign in again, and neither can tell on its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .logging import OccasionalWarnings

if TYPE_CHECKING:
    from .state import RequestState

_COOKIE: Final = "__clerk_sign_in_count"
_MOST: Final = 3
_SECONDS: Final = 30  # many times what Clerk's form takes to send somebody back

_CHECKS: Final = (
    "Check that this machine's clock is right, that secret_key and publishable_key are of the same instance, "
    "and that authorized_parties has the origin that the browser shows."
)
_warnings = OccasionalWarnings()


def sign_in_count(state: RequestState) -> str | None:
    """The cookie that counts one more visit to sign in, for a browser whose session token was refused.

    `None` for one that has no token: it is signed out at Clerk, too, and may open as many pages as it likes.
    """
    if not state.refused_cookie:
        return None
    return f"{_COOKIE}={_times_sent(state) + 1}; Path=/; SameSite=Lax; HttpOnly; Max-Age={_SECONDS}"


def explain_sign_in_loop(state: RequestState) -> str | None:
    """What to tell the visitor in place of sending them to sign in once more; `None` where that may help."""
    if not state.refused_cookie or _times_sent(state) < _MOST:
        return None
    _warnings.log(
        "sign-in loop",
        "Clerk: a browser comes back from signing in with a session token that is refused (%s), again and "
        "again, so it was told so. %s",
        state.reason,
        _CHECKS,
    )
    text = (
        "You may be signed in, but this site cannot accept it, and sending you to sign in has not helped.\n"
        "Load this page again in a minute. If that does not help either, tell whoever runs this site: "
        f"{state.reason}.\n"
    )
    return f"{text}\n{state.message}\n{_CHECKS}\n" if state.config.is_development else text


def _times_sent(state: RequestState) -> int:
    text = state.request.cookies.get(_COOKIE, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0

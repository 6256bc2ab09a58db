"""Signing out: which session ends at Clerk, and what the browser is to forget."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .config import ClerkConfig
    from .state import RequestState


def session_to_end(state: RequestState) -> str | None:
    """The session of whoever asks, also where its token expired while the page was being read."""
    auth = state.to_auth(treat_pending_as_signed_out=False)
    return auth.session_id or state.expired_session_id


def cookies_to_forget(config: ClerkConfig) -> Iterator[str]:
    """The names of the cookies with an instance's tokens.

    Not those of other instances on the same domain; and ``__client_uat`` stays, so that the next page asks
    Clerk (a handshake), which says by then that nobody is signed in.
    """
    yield "__session"
    key = config.parsed_publishable_key
    if key is not None:
        yield f"__session_{key.cookie_suffix}"
        yield f"__refresh_{key.cookie_suffix}"

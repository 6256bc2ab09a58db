"""Tokens that expire, and sessions that end elsewhere."""

from __future__ import annotations

from ..browser import link_on
from ..tour import Tour, expect
from .loads import LOAD


def refresh(tour: Tour) -> None:
    """An expired session token is refreshed without a redirect"""
    session = tour.signed_in_earlier("old", "user_dev", "blue-ridge-freight", minutes=5)
    tour.let_token_expire("old", session)
    answer = tour.browser("old").request(tour.url("/loads"))
    tour.page(answer, "Create load")
    names = {line.partition("=")[0] for line in answer.headers.get_list("set-cookie")}
    expect("a session token in Set-Cookie", f"__session_{tour.cookie_suffix}" in names, True)
    tour.page(tour.browser("old").request(tour.url("/loads")), "Create load")


def form_too_late(tour: Tour) -> None:
    """A form that is sent with an expired token changes nothing, and says so"""
    session = tour.signed_in_earlier("late", "user_dev", "blue-ridge-freight", minutes=5)
    tour.page(tour.browser("late").visit(tour.url("/loads")), "Create load")
    tour.let_token_expire("late", session)
    answer = tour.browser("late").submit(tour.url("/loads"), {**LOAD, "destination": "Too late"})
    tour.page(answer, "That page was open too long", status=401)
    loads = tour.page(tour.browser("late").visit(link_on(answer, "/loads")), "Create load")
    expect("the load", "Too late" in loads.text, False)


def handshake_for_expired(tour: Tour) -> None:
    """With the refresh cookie gone, a handshake does the same"""
    session = tour.signed_in_earlier("older", "user_dev", "blue-ridge-freight", minutes=5)
    tour.let_token_expire("older", session)
    tour.browser("older").forget_cookie("__refresh")
    answer = tour.browser("older").visit(tour.url("/loads"))
    tour.page(answer, "Create load")
    reason = "session-token-expired-refresh-non-eligible-no-refresh-cookie"
    expect("reason", tour.handshake_of(answer)["__clerk_hs_reason"], reason)


def revoked(tour: Tour) -> None:
    """A session that was revoked ends with its token: there is no refresh, and sign-in comes next"""
    session = tour.signed_in_earlier("revoked", "user_ada", "blue-ridge-freight", minutes=5)
    tour.clerk.revoke_session(session.id)
    tour.let_token_expire("revoked", session)
    answer = tour.browser("revoked").visit(tour.url("/reports"))
    expect("page", str(answer.url).partition("?")[0], tour.clerk_page("/sign-in"))
    reason = "session-token-expired-refresh-session_not_active"
    expect("reason", tour.handshake_of(answer)["__clerk_hs_reason"], reason)

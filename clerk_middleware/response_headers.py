"""What authenticating adds to an application's response, whatever the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .state import Headers, RequestState

#: What the answer depends on where anybody may be signed in.
VARY = ("Authorization", "Cookie")


def cookies_of(state: RequestState) -> list[str]:
    """The ``Set-Cookie`` lines. The other headers of a state belong to a redirect only."""
    if state.status == "handshake":  # of a WebSocket, which is not redirected: there is none to count
        return []
    return [value for name, value in state.headers if name == "set-cookie"]


def varied(values: Iterable[str]) -> str:
    """``Vary`` with the application's own values, so that caches tell visitors apart."""
    names = [name for value in values for item in value.split(",") if (name := item.strip())]
    present = {name.lower() for name in names}
    if "*" not in present:
        names += [name for name in VARY if name.lower() not in present]
    return ", ".join(names)


def completed(headers: Iterable[tuple[str, str]], state: RequestState) -> Headers:
    """An application's headers, with those that authenticating its request adds."""
    cookies, vary, kept = cookies_of(state), [], []
    for name, value in headers:
        known = name.lower()
        if known == "vary":
            vary.append(value)
        elif not (cookies and known == "cache-control"):  # no cache may hand one user's cookies to another
            kept.append((name, value))
    if cookies:
        kept.append(("Cache-Control", "no-store"))
        kept += [("Set-Cookie", line) for line in cookies]
    return [*kept, ("Vary", varied(vary))]

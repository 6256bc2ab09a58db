"""What authenticating and the Content Security Policy add to a response: in ASGI, WSGI and Flask the same.

Django keeps cookies apart from headers, and has a way of its own for ``Vary``: see its ``responses.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, AnyStr

from .reasons import SESSION_TOKEN_MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .state import RequestState

#: What the answer depends on where anybody may be signed in.
VARY = ("Authorization", "Cookie")

#: In production cookies, which Clerk's own lines expire: unless the answer with these never arrived.
_HANDSHAKE_RESULTS = ("__clerk_handshake_nonce", "__clerk_handshake")

_VARY_NAMES: frozenset[str | bytes] = frozenset({"vary", b"vary"})
_FOR_CACHES = {"expires", "surrogate-control", "x-accel-expires"}


def cookies_of(state: RequestState) -> list[str]:
    """The ``Set-Cookie`` lines. The other headers of a state belong to a redirect only."""
    if state.status == "handshake":  # of a WebSocket, which is not redirected: there is none to count
        return []
    lines = [value for name, value in state.headers if name == "set-cookie"]
    if state.reason == SESSION_TOKEN_MISSING:  # a handshake's result is of no use, and would be none later
        left = [name for name in _HANDSHAKE_RESULTS if name in state.request.cookies]
        lines += [f"{name}=; Path=/; Max-Age=0" for name in left]
    return lines


def with_clerk_headers(
    status: int,
    headers: Iterable[tuple[AnyStr, AnyStr]],
    state: RequestState,
    encode: Callable[[str], AnyStr],
) -> list[tuple[AnyStr, AnyStr]]:
    """An application's headers, with those that authenticating its request and its policy add.

    :param encode: makes what the protocol has: text (`str`) or bytes (`latin_1`).
    """
    cookies, vary = cookies_of(state), []
    kept: list[tuple[AnyStr, AnyStr]] = []
    for name, value in headers:
        known = name.lower()
        if known in _VARY_NAMES:
            vary.append(value if isinstance(value, str) else value.decode("latin-1"))
        elif not (cookies and is_for_caches(known)):
            kept.append((name, value))
    if cookies:  # no cache may hand one user's cookies to another
        kept.append((encode("cache-control"), encode("no-store")))
        kept += [(encode("set-cookie"), encode(line)) for line in cookies]
    kept.append((encode("vary"), encode(_merged(vary))))
    policy = state.policy
    return policy.headers(status, kept, encode) if policy is not None else kept


def is_for_caches(name: str | bytes) -> bool:
    """Whether a header, its name in lower case, tells caches or a CDN how long to keep a response.

    ``CDN-Cache-Control`` (RFC 9213) and its like go before ``Cache-Control``.
    """
    text = name if isinstance(name, str) else name.decode("latin-1")
    return text.endswith("cache-control") or text in _FOR_CACHES


def latin_1(text: str) -> bytes:
    """A header's bytes (RFC 9110, 5.5)."""
    return text.encode("latin-1")


def _merged(values: Iterable[str]) -> str:
    """``Vary`` with the application's own values."""
    names = [name for value in values for item in value.split(",") if (name := item.strip())]
    present = {name.lower() for name in names}
    if "*" not in present:
        names += [name for name in VARY if name.lower() not in present]
    return ", ".join(names)

"""Redirect URIs: which an application may register, and which of those a request means."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlencode, urlsplit

from ..origins import is_loopback

__all__ = ["RedirectURIRefused", "check_redirect_uri", "destination", "form_source", "is_same", "with_answer"]

_MAXIMUM_LENGTH = 2000
#: Schemes of applications that have no dot as RFC 8252, section 7.1, wants it: they are MCP clients.
_EDITORS = frozenset(("claude", "cursor", "kiro", "vscode", "vscode-insiders", "vscodium", "windsurf", "zed"))
_LOOPBACK = re.compile(r"(?P<host>http://(?:127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?(?P<rest>[/?].*)?")


class RedirectURIRefused(ValueError):
    """A redirect URI that no application may register; the message says why and what would do."""


def check_redirect_uri(uri: str) -> str:
    """`uri`, if an application may register it. Raises `RedirectURIRefused`."""
    if len(uri) > _MAXIMUM_LENGTH:
        raise RedirectURIRefused(f"it is longer than {_MAXIMUM_LENGTH} characters")
    # Browsers read a backslash as a slash and drop some control characters: what is checked here would
    # not be where they go. A semicolon or comma in the host would end a source of the page's policy.
    if not uri.isascii() or any(character <= " " or character in '\\\x7f"<>`{|}^' for character in uri):
        raise RedirectURIRefused("it holds a character that has to be percent-encoded")
    if "#" in uri:
        raise RedirectURIRefused("it has a fragment")
    parts = _split(uri)
    if parts.scheme in ("http", "https"):
        _check_web(parts)
    elif not _is_of_an_application(parts.scheme):
        raise RedirectURIRefused(
            "it must begin with https://, with http:// and a loopback host, or with a scheme of the "
            "application's own, which has a dot, such as com.example.app:/callback"
        )
    elif not (parts.netloc or parts.path):
        raise RedirectURIRefused("nothing follows its scheme")
    return uri


def is_same(registered: str, given: str) -> bool:
    """Whether `given` is what was registered: the same text, but for the port of a loopback address.

    A native application listens on whatever port is free: RFC 8252, section 7.3.
    """
    if given == registered:
        return True
    ours, theirs = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(given)
    return (
        ours is not None and theirs is not None and ours.group("host", "rest") == theirs.group("host", "rest")
    )


def with_answer(uri: str, answer: dict[str, str]) -> str:
    """`uri` with the answer in its query, and otherwise as it was written."""
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}"


def destination(uri: str) -> str:
    """Where a browser goes, in words for the user."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https"):
        return f"an application on this device, by {parts.scheme}:"
    return f"{parts.netloc}, on this device" if is_loopback(parts.hostname or "") else parts.netloc


def form_source(uri: str) -> str:
    """The ``form-action`` source that lets a form's answer redirect to `uri`."""
    parts = urlsplit(uri)
    # Sources know neither addresses of IPv6 nor hosts of other schemes than the web's.
    if parts.scheme not in ("http", "https") or "[" in parts.netloc:
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}"


def _is_of_an_application(scheme: str) -> bool:
    """Whether a scheme is an application's own: what a system or a browser does something with has no dot."""
    return scheme in _EDITORS or ("." in scheme and not scheme.startswith("x-apple."))


def _check_web(parts: SplitResult) -> None:
    host = parts.hostname or ""
    if not re.fullmatch(r"[a-z0-9._-]+|[0-9a-f:.]+", host):
        raise RedirectURIRefused("its host is not one, such as app.example.com")
    if "@" in parts.netloc:
        raise RedirectURIRefused("it has a user name")
    if parts.scheme == "http" and not is_loopback(host):
        raise RedirectURIRefused("http is for loopback alone, such as http://127.0.0.1/callback; use https")


def _split(uri: str) -> SplitResult:
    try:
        parts = urlsplit(uri)
        _ = parts.port  # read, because it is checked only then
    except ValueError as error:
        raise RedirectURIRefused(f"it is no URI: {error}") from error
    return parts
